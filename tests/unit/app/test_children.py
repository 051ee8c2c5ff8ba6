"""How the daemon's children are waited for."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from watchdog.app.children import follow_children_without_threads, start_children_without_vfork
from watchdog.errors import DeliveryError
from watchdog.evidence.command import command_lines
from watchdog.notify.apprise import Apprise, Target
from watchdog.thread import in_thread

pytestmark = pytest.mark.adapter


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


# Holds a lease on a file, so that execve(2) of it waits until that is given up, as it would for a
# disk that stalls; the kernel asks for it with SIGIO (fcntl(2), F_SETLEASE).
HOLDER = f"""
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print("asked", flush=True))
signal.alarm(10)  # should all threads of the test stand still
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, {fcntl.F_SETLEASE}, {fcntl.F_WRLCK})
print("held", flush=True)
sys.stdin.read()
fcntl.fcntl(file, {fcntl.F_SETLEASE}, {fcntl.F_UNLCK})
"""


@dataclass
class Stalled:
    """A program that cannot be loaded until it is let go."""

    path: Path
    holder: subprocess.Popen[bytes]

    def is_let_go_by_the_loop_that_starts_it(self, starting: Coroutine[Any, Any, object]) -> bool:
        """Tell whether the loop goes on while *starting* waits for the program to be loaded."""
        assert self.holder.stdin is not None
        assert self.holder.stdout is not None
        read, let_go = self.holder.stdout.readline, self.holder.stdin.close

        async def run() -> None:
            started = asyncio.ensure_future(starting)
            assert await asyncio.to_thread(read) == b"asked\n"
            let_go()
            with suppress(DeliveryError):
                await started

        asyncio.run(run())
        return self.holder.wait() == 0  # and not by its own alarm


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[Stalled]:
    path = tmp_path / "python3"
    path.write_bytes(Path("/bin/true").read_bytes())
    path.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield Stalled(path, holder)


def test_a_command_that_cannot_be_loaded_does_not_hold_up_the_loop(
    stalled: Stalled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    start_children_without_vfork()
    starting = in_thread(partial(command_lines, [str(stalled.path)]))
    assert stalled.is_let_go_by_the_loop_that_starts_it(starting)


def test_neither_does_an_alert_that_a_process_sends(
    stalled: Stalled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    monkeypatch.setattr(sys, "executable", str(stalled.path))
    start_children_without_vfork()
    sending = Apprise(Target("apprise:json", "json://127.0.0.1:9/"))._run(b"{}")
    assert stalled.is_let_go_by_the_loop_that_starts_it(sending)


@pytest.mark.parametrize(("version", "vfork"), [((3, 11, 2), False), ((3, 11, 4), True)])
def test_vfork_is_done_without_where_it_holds_the_interpreters_lock(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], *, vfork: bool
) -> None:
    monkeypatch.setattr(subprocess, "_USE_VFORK", True)
    monkeypatch.setattr(sys, "version_info", version)
    start_children_without_vfork()
    assert subprocess._USE_VFORK is vfork
