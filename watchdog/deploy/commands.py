"""A command of the configuration, run before a person's eyes: its lines as they come."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Callable, Sequence

from watchdog.errors import WatchdogError

GRACE = 5.0
"""Seconds from TERM to KILL, for a command that is not let finish."""

LAST_WORDS = 1.0
"""Seconds that output is read for when the command has ended, but something holds its pipe."""

WIDTH = 4096
"""Characters of a line; a longer one is shown in pieces."""

LINES = 2000
"""Lines of one command that are shown; the rest is only counted."""


class CommandFailedError(WatchdogError):
    """The command could not be run, failed, or took too long."""


async def run_command(command: Sequence[str], patience: float, show: Callable[[str], None]) -> None:
    """Run *command* without a shell and without input, and give each line it prints to *show*.

    Raises CommandFailedError. If it is cut short, its process group ends with it.
    """
    # A pipe of our own: asyncio's would have us wait for whoever else holds its other end.
    reading, writing = os.pipe()
    pipe = os.fdopen(reading, "rb", buffering=0)
    try:
        process = await _started(command, writing)
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(writing)
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    shown = asyncio.ensure_future(_read(reader, show))
    try:
        async with asyncio.timeout(patience):
            code = await process.wait()
    except TimeoutError:
        raise CommandFailedError(f"did not end within {patience:g} s; killed") from None
    finally:
        if process.returncode is None:
            await _end(process)
        await asyncio.wait({shown}, timeout=LAST_WORDS)
        shown.cancel()
        transport.close()
    if code:
        raise CommandFailedError(ending(code))


async def _started(command: Sequence[str], output: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C is ours to handle
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CommandFailedError(f"cannot run {command[0]}: {why}") from error


async def _read(pipe: asyncio.StreamReader, show: Callable[[str], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, shown = "", 0
    while chunk := await pipe.read(65536):
        *lines, rest = (rest + decoder.decode(chunk)).replace("\r", "\n").split("\n")
        while len(rest) > WIDTH:
            lines, rest = [*lines, rest[:WIDTH]], rest[WIDTH:]
        for piece in (piece for line in lines for piece in _pieces(line)):
            shown += 1
            if shown <= LINES:
                show(piece)
    if rest:
        show(rest)
    if shown > LINES:
        show(f"({shown - LINES} lines more)")


def _pieces(line: str) -> Sequence[str]:
    return [line[at : at + WIDTH] for at in range(0, len(line), WIDTH)] or [""]


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process with its group: TERM, and after a while KILL for what is left."""
    _signal(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(GRACE):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def ending(code: int) -> str:
    """Say how a command ended that did not end well."""
    if code > 0:
        return f"exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
