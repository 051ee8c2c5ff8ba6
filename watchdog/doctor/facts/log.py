"""What a service wrote last: in the journal, and in files of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

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
    fields = "--output-fields=MESSAGE,_SYSTEMD_INVOCATION_ID,INVOCATION_ID"
    answer = await case.ran(
        *("journalctl", "--quiet", "--no-pager", "--boot", "--output=json", fields),
        *(f"--lines={2 * LINES}", "--unit", case.unit),
    )
    # In a loop of crashes the present run may have said nothing yet, and the last one all.
    runs = 2 if restarts(properties) else 1
    return of_the_last_runs(answer.lines, runs, properties.get("InvocationID", ""))[-LINES:]


def of_the_last_runs(journal: Sequence[str], count: int, present: str = "") -> list[str]:
    """Return what *journal*, in JSON, has of the last *count* runs, *present* being the last.

    An earlier run may have failed for another reason, which is mended by now.
    """
    entries = [(_run_of(entry), _message(entry)) for entry in map(_decoded, journal)]
    order = dict.fromkeys(run for run, _ in entries if run)
    order |= {present: None} if present else {}
    wanted = set(list(order)[-count:])
    first = next((index for index, (run, _) in enumerate(entries) if run in wanted), len(entries))
    return [
        line
        for run, message in entries[first:]
        if run in wanted or not run
        for line in message.splitlines()
    ]


def _decoded(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = msgspec.json.decode(line, type=dict)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return entry


def _run_of(entry: dict[str, Any]) -> str:
    return str(entry.get("_SYSTEMD_INVOCATION_ID") or entry.get("INVOCATION_ID") or "")


def _message(entry: dict[str, Any]) -> str:
    """Return the message; one that is not UTF-8 comes as a list of its bytes."""
    said = entry.get("MESSAGE") or ""
    if not isinstance(said, list):
        return str(said)
    octets = bytes(each & 255 for each in said if isinstance(each, int))
    return octets.decode("utf-8", "replace")


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
