"""The last lines that a unit wrote to the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

LINES = 20

_MOST = 512 * 1024  # bytes of what journalctl prints that are looked at; the end is what counts


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


async def journalctl(*arguments: str) -> Sequence[str]:
    """Return the lines that journalctl prints when asked with *arguments*. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        "journalctl",
        "--quiet",
        "--no-pager",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await process.communicate()
    except BaseException:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        raise
    return output[-_MOST:].decode("utf-8", "replace").splitlines()
