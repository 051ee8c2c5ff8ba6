"""``service-watchdog``: finds the command and turns errors into exit codes.

Exit codes: 0 fine, 1 the service is not, 2 usage or configuration, 3 could not ask, 4 in progress.
"""

from __future__ import annotations

import argparse
import sys

import watchdog
from watchdog.cli import act, config, grant, incidents, report, run, simulate, status
from watchdog.errors import ConfigError, WatchdogError


def main(arguments: list[str] | None = None) -> int:
    """Run the command that *arguments* name and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "run" not in options:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(options.run(options))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except WatchdogError as error:
        print(error, file=sys.stderr)
        return int(getattr(error, "code", 3))
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough; nothing is left to say, not even at exit
        return 0
    except KeyboardInterrupt:
        return 130


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
    for module in (run, status, incidents, report, act, config, simulate, grant):
        module.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
