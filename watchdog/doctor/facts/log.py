"""What a service wrote last: in the journal, and in files of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.unit import restarts, shown
from watchdog.probes.text import clean

LINES = 80
"""Of each log."""

SHOWN = 6
"""Lines of it below a finding."""

_RECENT = 900.0  # seconds; a file that is older tells of another trouble
_TAIL = 32 * 1024  # bytes
_LONGEST = 300  # characters of a line that is shown


async def log_lines(case: Case) -> Sequence[str]:
    """Return the last lines that the service, and systemd about it, wrote; oldest first."""
    journal = await _journal(case) if case.unit else ()
    return [*journal, *(line for path in case.logs for line in _tail(path))]


async def _journal(case: Case) -> Sequence[str]:
    properties = await shown(case)
    run = properties.get("InvocationID", "")
    selection: tuple[str, ...] = ("--boot", "--unit", case.unit)
    # In a loop of crashes the present run may have said nothing yet, and the last one all.
    if run and not restarts(properties):
        selection = (f"_SYSTEMD_INVOCATION_ID={run}", "+", f"INVOCATION_ID={run}")
    command = ("journalctl", "--quiet", "--no-pager", "--output=cat", f"--lines={LINES}")
    return (await case.ran(*command, *selection)).lines


async def is_hidden(case: Case) -> bool:
    """Tell whether there is a journal that we may not read."""
    if not case.unit or os.geteuid() == 0:
        return False
    return not await _journal(case)


def _tail(path: str) -> Iterator[str]:
    file = Path(path)
    try:
        stat = file.stat()
        if not file.is_file() or time.time() - stat.st_mtime > _RECENT:
            return
        with file.open("rb") as stream:
            stream.seek(max(0, stat.st_size - _TAIL))
            lines = stream.read(_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    yield from lines[-LINES:]


def last(lines: Sequence[str], count: int = SHOWN) -> tuple[str, ...]:
    """Return the end of *lines*, fit to be shown."""
    told = [line for line in lines if line.strip()]
    return tuple(clean(line, _LONGEST) for line in told[-count:])
