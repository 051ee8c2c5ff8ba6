"""What the kernel tells of a process, and of its end before the one who has to reap it knows."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from watchdog.control import proc


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(("sleep", "infinity"))


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
