"""``root-job``: what the oneshot units run as root; not for people, so it is not in the help."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from watchdog.root_job import RootJob

if TYPE_CHECKING:
    from watchdog.cli.options import Commands


def add_commands(commands: Commands) -> None:
    """Add the command of the units."""
    parser = commands.add_parser(
        "root-job",
        description="Does a root job and leaves the answer for the group, below /run. Run by the "
        "unit of that name, for members of the group.",
    )
    parser.add_argument("job", choices=[job.value for job in RootJob])
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog.root_job import leave_answer

    try:
        leave_answer(RootJob(options.job))
    except (OSError, KeyError) as error:
        print(f"cannot leave the answer: {error}; whoever asked is told", file=sys.stderr)
        return 3
    return 0
