"""The last lines that a unit wrote to the journal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from watchdog.evidence.command import WITHIN, environment
from watchdog.program import Output, Program
from watchdog.thread import in_thread

LINES = 20

LIMIT = 4 * 1024 * 1024
"""Bytes of output after which journalctl is ended: an entry alone may have hundreds of them."""

_MOST = 512 * 1024  # bytes of what journalctl prints that are kept; the end is what counts


async def journal_lines(unit: str, invocation: str = "") -> Sequence[str]:
    """Return the last lines of *unit*, of one *invocation* if given, oldest first.

    Asks journalctl(1), which needs the group systemd-journal; what systemd itself says of the
    unit ("Main process exited …") is among the lines. Raises OSError if it cannot be run.
    """
    # -u matches the unit's own lines and systemd's about it; INVOCATION_ID narrows both down
    # (systemd.journal-fields(7)).
    matches = [f"_SYSTEMD_INVOCATION_ID={invocation}", "+", f"INVOCATION_ID={invocation}"]
    selection = matches if invocation else ["--unit", unit]
    lines = await journalctl("--output=short-iso", f"--lines={LINES}", *selection)
    return lines[-LINES:]


async def journalctl(*arguments: str, within: float = WITHIN) -> Sequence[str]:
    """Return the last lines that journalctl prints when asked with *arguments*, and why not all.

    What it has printed after *within* seconds is all. Raises OSError if it cannot be run.
    """
    command = ["journalctl", "--quiet", "--no-pager", *arguments]
    program = Program(command, env=environment())
    try:
        return await in_thread(partial(_printed, program, within))
    finally:
        program.stop()  # nobody waits for it any more


def _printed(program: Program, within: float) -> Sequence[str]:
    process = program.start()
    output = Output(LIMIT, _MOST)
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        output.read(process.stdout.fileno(), process.pid, within)
    finally:
        program.end(process)
    kept = bytes(output.kept)
    if output.size > len(kept):
        # Of a line that begins further up nothing is shown: what names a secret may be missing.
        _, _, kept = kept.partition(b"\n")
    if output.is_full:
        kept, _, _ = kept.rpartition(b"\n")  # nor of one that is cut: half a secret looks like none
    lines = kept.decode("utf-8", "replace").splitlines()
    if output.is_full:
        lines.append(f"cannot read on: more than {LIMIT >> 20} MB; the newest lines are missing")
    elif not output.has_ended:
        lines.append(f"cannot read on: not had within {within:g} s; newer lines may be missing")
    return lines
