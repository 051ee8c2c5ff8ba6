"""``status`` and ``incidents``: what is, and what was."""

from __future__ import annotations

import argparse

from watchdog.cli.options import Commands, add_client_options, ask_daemon
from watchdog.cli.output import print_incident, print_incidents, print_json, print_status


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    status = commands.add_parser("status", help="show every service, its checks and its phase")
    status.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    add_client_options(status)
    status.set_defaults(run=_status)
    incidents = commands.add_parser("incidents", help="list incidents, or tell one in full")
    incidents.add_argument("id", nargs="?", default="", help="the id that alerts carry")
    incidents.add_argument("--limit", type=int, default=20, help="how many (default: %(default)s)")
    add_client_options(incidents)
    incidents.set_defaults(run=_incidents)


def _status(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "status", name=options.name)
    if options.json:
        print_json(answer)
    else:
        print_status(answer)
    return int(answer["code"])


def _incidents(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "incidents", id=options.id, limit=options.limit)
    if options.json:
        print_json(answer)
    elif options.id:
        print_incident(answer["incident"])
    else:
        print_incidents(answer["incidents"])
    return 0
