"""``status``: what is."""

from __future__ import annotations

import argparse
from functools import partial

from watchdog.cli.options import Commands, add_client_options, ask_daemon
from watchdog.cli.output import print_json, print_status
from watchdog.errors import ConfigError

_ORDER = (1, 3, 4, 0)  # exit codes: broken, unasked, busy, fine


def add_commands(commands: Commands) -> None:
    """Add the command."""
    status = commands.add_parser("status", help="show every service, its checks and its phase")
    status.add_argument("name", nargs="?", default="", help="one service, in depth")
    status.add_argument("-w", "--watch", action="store_true", help="go on showing it, until Ctrl-C")
    add_client_options(status)
    status.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    if options.watch:
        from watchdog.cli.watching import watch

        if options.json:
            raise ConfigError(("cannot show JSON with -w; leave one of them out",))
        return watch(partial(_show, options, troubled_first=True))
    return _show(options)


def _show(options: argparse.Namespace, *, troubled_first: bool = False) -> int:
    answer = ask_daemon(options, "status", name=options.name)
    if troubled_first:  # a screen may not have room for all
        answer["services"].sort(key=lambda service: _ORDER.index(service["code"]))
    if options.json:
        print_json(answer)
    elif options.name:
        from watchdog.cli.detail import print_detail

        latency = ask_daemon(options, "latency", name=options.name)
        print_detail(answer["services"][0], latency["rows"])
    else:
        print_status(answer)
    return int(answer["code"])
