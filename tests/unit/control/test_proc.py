"""What the kernel tells of a process, and of its end before the one who has to reap it knows."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from pathlib import Path

import pytest

from watchdog.control import proc


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(("sleep", "infinity"))


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_end_is_known_before_anybody_has_reaped_the_process() -> None:
    with start() as process:
        waiting = asyncio.ensure_future(proc.ended(process.pid))
        await asyncio.sleep(0)
        assert not waiting.done()
        process.kill()
        await waiting
        assert process.returncode is None


async def test_a_process_that_is_no_more_has_ended() -> None:
    with start() as process:
        process.kill()
    await proc.ended(process.pid)


async def test_where_pidfds_are_forbidden_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr("os.pidfd_open", refuse)
    with pytest.raises(PermissionError):
        await proc.ended(1)


async def test_a_loop_that_is_late_does_not_take_an_end_for_none() -> None:
    """As where a thousand die at once: the end and the deadline are noticed together."""
    with start() as process:
        assert not await proc.ended(process.pid, 0.0)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop is late
        assert await proc.ended(process.pid, 0.0)


async def test_a_loop_that_takes_no_more_files_leaves_none_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "max_user_watches")

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
    with start() as process:
        before = open_files()
        with pytest.raises(OSError, match="max_user_watches"):
            await proc.ended(process.pid)
        assert open_files() == before
        process.kill()
