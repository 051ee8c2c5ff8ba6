"""``run``: the daemon itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.cli.options import Commands


def add_commands(commands: Commands) -> None:
    """Add the command that runs the daemon."""
    from watchdog.cli.options import add_config_option

    parser = commands.add_parser("run", help="watch, in the foreground, until SIGTERM or Ctrl-C")
    add_config_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog.app.daemon import run

    return run(Path(options.config))
