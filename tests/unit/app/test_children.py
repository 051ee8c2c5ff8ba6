"""How the daemon's children are waited for."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from watchdog.app.children import follow_children_without_threads, start_children_without_vfork
from watchdog.evidence.command import command_lines
from watchdog.notify.apprise import Apprise, Target
from watchdog.thread import in_thread


@pytest.fixture
def _policy() -> Iterator[None]:
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(before)


@pytest.mark.usefixtures("_policy")
def test_a_child_costs_no_thread() -> None:
    follow_children_without_threads()

    async def threads_beside_a_child() -> int:
        before = threading.active_count()
        child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
        beside = threading.active_count() - before
        await child.communicate(b"")
        assert child.returncode == 0
        return beside

    assert asyncio.run(threads_beside_a_child()) == 0


# Holds a lease on a file, so that execve(2) of it waits until that is given up: /proc/sys/fs/
# lease-break-time, 45 s. So does a program on a disk that stalls.
HOLDER = f"""
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
signal.alarm(10)  # should all threads of the test stand still
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, {fcntl.F_SETLEASE}, {fcntl.F_WRLCK})
print("held", flush=True)
sys.stdin.read()
fcntl.fcntl(file, {fcntl.F_SETLEASE}, {fcntl.F_UNLCK})
"""


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[Path]:
    """A program that cannot be loaded while the test runs."""
    path = tmp_path / "python3"
    path.write_bytes(Path("/bin/true").read_bytes())
    path.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield path


def stood_still(starting: object) -> float:
    """Return for how many seconds the loop stood still while it waited for *starting*, at most."""
    assert asyncio.iscoroutine(starting)

    async def run() -> float:
        longest, last = 0.0, time.monotonic()
        task = asyncio.ensure_future(starting)
        end = last + 1
        while last < end:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        assert longest > 0.5 or not task.done()
        task.cancel()
        return longest

    return asyncio.run(run())


def test_a_command_that_cannot_be_loaded_does_not_hold_up_the_loop(
    stalled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    start_children_without_vfork()
    assert stood_still(in_thread(partial(command_lines, [str(stalled)]))) < 0.5


def test_neither_does_an_alert_that_a_process_sends(
    stalled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    monkeypatch.setattr(sys, "executable", str(stalled))
    start_children_without_vfork()
    sending = Apprise(Target("apprise:json", "json://127.0.0.1:9/"))._run(b"{}")
    assert stood_still(sending) < 0.5


@pytest.mark.parametrize(("version", "vfork"), [((3, 11, 2), False), ((3, 11, 4), True)])
def test_vfork_is_done_without_where_it_holds_the_interpreters_lock(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], *, vfork: bool
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    monkeypatch.setattr(sys, "version_info", version)
    start_children_without_vfork()
    assert subprocess._USE_VFORK is vfork
