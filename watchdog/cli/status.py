"""``status``: what is."""

from __future__ import annotations

import argparse

from watchdog.cli.options import Commands, add_client_options, ask_daemon
from watchdog.cli.output import print_json, print_status


def add_commands(commands: Commands) -> None:
    """Add the command."""
    status = commands.add_parser("status", help="show every service, its checks and its phase")
    status.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    add_client_options(status)
    status.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "status", name=options.name)
    if options.json:
        print_json(answer)
    else:
        print_status(answer)
    return int(answer["code"])
