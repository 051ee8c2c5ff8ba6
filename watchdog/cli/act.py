"""``check``, ``restart``, ``pause``, ``silence``, ``ack`` …: asked for by a person."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from watchdog.cli.options import Commands, add_client_options, ask_daemon, seconds_of
from watchdog.cli.output import print_json, print_service, print_services


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    check = _command(commands, "check", "run one round now", _check)
    check.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    restart = _command(commands, "restart", "restart a service and wait for its health", _restart)
    restart.add_argument("name")
    pause = _command(commands, "pause", "begin maintenance: no restarts, no alerts", _pause)
    _add_span(pause)
    resume = _command(commands, "resume", "end maintenance", _resume)
    resume.add_argument("name")
    silence = _command(commands, "silence", "no alerts for a while; restarts go on", _silence)
    _add_span(silence)
    unsilence = _command(commands, "unsilence", "end a silence", _unsilence)
    unsilence.add_argument("name")
    ack = _command(commands, "ack", "say that an incident is seen: no reminders of it", _ack)
    ack.add_argument("name")
    ack.add_argument("--reason", default="", help="what you know or do, for the others")
    test = _command(commands, "test-alert", "send a test alert and wait for its arrival", _test)
    test.add_argument("channel", nargs="?", default="", help="a channel; all if not given")


def _add_span(parser: argparse.ArgumentParser) -> None:
    """Add which service, for how long, and why."""
    parser.add_argument("name")
    parser.add_argument(
        "--for", dest="span", required=True, metavar="10m", help="how long, as in 90s, 10m, 2h"
    )
    parser.add_argument("--reason", default="", help="why, for the others")


def _command(
    commands: Commands, name: str, text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    add_client_options(parser)
    parser.set_defaults(run=run)
    return parser


def _check(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "check", name=options.name)
    if options.json:
        print_json(answer)
    else:
        print_services(answer["services"])
    return int(answer["code"])


def _restart(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "restart", name=options.name)
    if "restart" in answer and not options.json:
        print(answer["reason"], file=sys.stderr)
        return int(answer["code"])
    return _tell(options, answer, f"after {answer['took']:g} s")


def _pause(options: argparse.Namespace) -> int:
    return _for_a_while("pause", options)


def _silence(options: argparse.Namespace) -> int:
    return _for_a_while("silence", options)


def _for_a_while(call: str, options: argparse.Namespace) -> int:
    seconds = seconds_of(call, "--for", options.span)
    _tell(
        options,
        ask_daemon(options, call, name=options.name, seconds=seconds, reason=options.reason),
    )
    return 0


def _resume(options: argparse.Namespace) -> int:
    return _tell(options, ask_daemon(options, "resume", name=options.name))


def _unsilence(options: argparse.Namespace) -> int:
    _tell(options, ask_daemon(options, "unsilence", name=options.name))
    return 0


def _ack(options: argparse.Namespace) -> int:
    _tell(options, ask_daemon(options, "ack", name=options.name, reason=options.reason))
    return 0


def _tell(options: argparse.Namespace, service: dict[str, Any], more: str = "") -> int:
    if options.json:
        print_json(service)
    else:
        print_service(service, more)
    return int(service["code"])


def _test(options: argparse.Namespace) -> int:
    answer = ask_daemon(options, "test-alert", channel=options.channel)
    if options.json:
        print_json(answer)
    else:
        for channel in answer["channels"]:
            if channel["delivered"]:
                print(f"{channel['name']}: delivered")
            else:
                print(f"{channel['name']}: not delivered yet: {channel['reason']}")
    return int(answer["code"])
