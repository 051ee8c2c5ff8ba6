"""Was a unit that is down stopped on purpose, while nobody watched? The journal knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress

from watchdog.program import FIRST_TO_GO, raise_oom_score

JOURNALCTL = ("journalctl",)

TIMEOUT = 3.0
"""Seconds; the answer is worth no longer wait, and nothing depends on it but a grace period."""

# What systemd logs of a unit; sd-messages.h lists the ids.
STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPED = "9d1aaa27d60140bd96365438aad20286"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
AUTO_RESTART = "5eb03494b6584870a536b337290809b3"


async def stopped_on_purpose(
    unit: str, journalctl: Sequence[str] = JOURNALCTL, within: float = TIMEOUT
) -> float | None:
    """Return when (CLOCK_MONOTONIC) *unit* was stopped by a stop job, if that was its last end.

    None if it ended otherwise, has not run since boot, or the journal does not say in time.
    """
    command = [
        *journalctl,
        "--boot",
        "--quiet",
        "--lines=1",
        "--output=json",
        "--output-fields=MESSAGE_ID,JOB_TYPE,JOB_RESULT",
        "_PID=1",  # nobody else can forge systemd's own word
        f"UNIT={unit}",
        *(f"MESSAGE_ID={each}" for each in (STARTING, STARTED, STOPPED, FAILED, AUTO_RESTART)),
    ]
    output = await _output(command, within)
    try:
        last = json.loads(output)
        is_stop = last["MESSAGE_ID"] == STOPPED and last["JOB_TYPE"] == "stop"
        if is_stop and last.get("JOB_RESULT", "done") == "done":
            return int(last["__MONOTONIC_TIMESTAMP"]) / 1e6
    except (ValueError, TypeError, KeyError):
        pass
    return None


async def _output(command: Sequence[str], within: float) -> bytes:
    """Return what *command* prints; nothing if it fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return b""
    raise_oom_score(process.pid, FIRST_TO_GO)
    try:
        async with asyncio.timeout(within):
            output, _ = await process.communicate()
            return output
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
