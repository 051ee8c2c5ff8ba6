"""``service-watchdog``: finds the command and turns errors into exit codes.

Exit codes: 0 fine, 1 the service is not, 2 usage or configuration, 3 could not ask, 4 in progress.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from importlib import import_module

import watchdog
from watchdog.errors import ConfigError, WatchdogError

COMMANDS = {
    "run": ("run",),
    "status": ("status",),
    "incidents": ("incidents",),
    "report": ("report",),
    "logs": ("logs",),
    "ports": ("ports",),
    "act": (
        "check",
        "restart",
        "pause",
        "resume",
        "silence",
        "unsilence",
        "ack",
        "test-alert",
    ),
    "deploy": ("deploy",),
    "verify": ("verify",),
    "doctor": ("doctor",),
    "preflight": ("preflight",),
    "init": ("init",),
    "templates": ("templates",),
    "config": ("config",),
    "simulate": ("simulate",),
    "grant": ("grant",),
    "root_job": ("root-job",),
    "names": ("names",),
}
"""Modules and their commands, in the order in which they are listed."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command that *arguments* name and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # answers are UTF-8, whatever the terminal is
    try:
        given = sys.argv[1:] if arguments is None else arguments
        parser = parser_of(given[0] if given else "")
        options = parser.parse_args(given)
        if "run" not in options:
            parser.print_help(sys.stderr)
            return 2
        return _written(int(options.run(options)))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except WatchdogError as error:
        print(error, file=sys.stderr)
        return int(getattr(error, "code", 3))
    except BrokenPipeError:
        _discard()  # the reader has had enough
        return 0
    except KeyboardInterrupt:
        return 130


def _written(code: int) -> int:
    """Return *code* when all that was printed is out: a failure is told now, not at exit."""
    try:
        if sys.stdout is not None:  # closed by whoever called us
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard()
        raise WatchdogError(f"cannot write the answer: {error.strerror}") from error
    return code


def _discard() -> None:
    """Let what is still unwritten go nowhere: Python tries it again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def parser_of(wanted: str) -> argparse.ArgumentParser:
    """Return the parser of the command *wanted* alone, so that it starts fast; else of all."""
    parser = argparse.ArgumentParser(
        prog="service-watchdog",
        description="Keeps a web service alive on one Linux host, and tells people when it is not.",
        epilog="Exit codes: 0 fine, 1 the service is not, 2 usage or configuration, "
        "3 could not ask, 4 in progress.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {watchdog.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in [name for name, has in COMMANDS.items() if wanted in has] or COMMANDS:
        import_module(f"watchdog.cli.{name}").add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
