"""``service-watchdog``: finds the command and turns errors into exit codes.

Exit codes: 0 fine, 1 the service is not, 2 usage or configuration, 3 could not ask, 4 in progress.
"""

from __future__ import annotations

import argparse
import io
import os
import sys

import watchdog
from watchdog.cli import (
    act,
    config,
    deploy,
    doctor,
    grant,
    incidents,
    init,
    logs,
    ports,
    preflight,
    report,
    root_job,
    run,
    simulate,
    status,
    templates,
    verify,
)
from watchdog.errors import ConfigError, WatchdogError


def main(arguments: list[str] | None = None) -> int:
    """Run the command that *arguments* name and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # answers are UTF-8, whatever the terminal is
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="service-watchdog",
        description="Keeps a web service alive on one Linux host, and tells people when it is not.",
        epilog="Exit codes: 0 fine, 1 the service is not, 2 usage or configuration, "
        "3 could not ask, 4 in progress.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {watchdog.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in (
        run,
        status,
        incidents,
        report,
        logs,
        ports,
        act,
        deploy,
        verify,
        doctor,
        preflight,
        init,
        templates,
        config,
        simulate,
        grant,
        root_job,
    ):
        module.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
