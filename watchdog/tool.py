"""A tool of the host, run for what it says: systemctl, nginx, ss and the like.

For commands at a terminal. The daemon asks without programs, or by ``program.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST = 4 << 20
"""Bytes of an answer; what is more is cut off."""

PATIENCE = 10.0
"""Seconds that a tool is given."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a tool ended, and what it said."""

    code: int | None  # exit status, negative: by a signal; None: it could not be run, or hung
    out: str = ""
    err: str = ""
    trouble: str = ""  # why there is no code

    @property
    def lines(self) -> Sequence[str]:
        """Return the lines of its answer."""
        return self.out.splitlines()


async def run(
    *command: str, patience: float = PATIENCE, environ: Mapping[str, str] | None = None
) -> Ran:
    """Run *command* in English, without a shell and without input; never raises for its failure."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", **(environ or {})}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # a Ctrl-C is ours to handle
        )
    except OSError as error:
        return Ran(None, trouble=f"cannot run {command[0]}: {error.strerror}")
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate()
    except TimeoutError:
        return Ran(None, trouble=f"{command[0]} gave no answer within {patience:g} s")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Ran(process.returncode, _text(out), _text(err))


def _text(answer: bytes) -> str:
    return answer[:LONGEST].decode("utf-8", "replace")
