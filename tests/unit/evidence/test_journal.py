"""journalctl: however much it prints and however long it takes, little is kept and it is ended."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.unit.evidence.ending import has_ended
from tests.unit.evidence.test_oom import LIMIT
from watchdog.evidence.journal import journal_lines, journalctl
from watchdog.evidence.oom import kernel_oom_lines, oom_in_words

pytestmark = pytest.mark.adapter


class Scripted:
    """A journalctl of the test's own, first on PATH."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = path / "journalctl"
        self.pids = path / "pids"
        os.mkfifo(self.pids)
        monkeypatch.setenv("PATH", f"{path}:{os.environ['PATH']}")

    def does(self, script: str) -> None:
        self._path.write_text(f"#!/bin/sh\n{script}\n")
        self._path.chmod(0o755)


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    return Scripted(tmp_path, monkeypatch)


async def test_its_last_lines_are_returned(scripted: Scripted) -> None:
    scripted.does('echo "$@"; seq 30')
    lines = await journal_lines("web.service")
    assert lines == [str(number) for number in range(11, 31)]
    scripted.does('echo "$@"')
    [asked] = await journal_lines("web.service", "4711")
    assert asked == (
        "--quiet --no-pager --output=short-iso --lines=20 _SYSTEMD_INVOCATION_ID=4711 + "
        "INVOCATION_ID=4711"
    )


@pytest.mark.parametrize("read", [journal_lines, kernel_oom_lines])
async def test_of_a_flood_little_is_kept(
    scripted: Scripted, read: Callable[[str], Awaitable[object]]
) -> None:
    scripted.does("exec head -c 200000000 /dev/zero")
    tracemalloc.start()
    try:
        await read("web.service")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


async def test_a_kill_is_found_behind_many_other_lines(scripted: Scripted, tmp_path: Path) -> None:
    log = tmp_path / "kernel.log"
    log.write_text("\n".join([*["ordinary"] * 600, *LIMIT, ""]))
    # As that of systemd 252 does.
    scripted.does(f'case "$*" in *--reverse*) tac {log};; *) cat {log};; esac | head -n 500')
    assert await kernel_oom_lines("api.service") == oom_in_words(LIMIT, "api.service")
    assert oom_in_words(LIMIT, "api.service")


async def test_a_flood_says_what_is_missing(scripted: Scripted) -> None:
    scripted.does("yes ordinary")
    *lines, why = await journalctl(within=30)
    assert set(lines) == {"ordinary"}
    assert why == "cannot read on: more than 4 MB; the newest lines are missing"


async def test_what_it_printed_by_the_end_of_its_time_is_kept(scripted: Scripted) -> None:
    scripted.does("echo first; exec sleep 4711")
    assert await journalctl(within=2) == [
        "first",
        "cannot read on: not had within 2 s; newer lines may be missing",
    ]


async def test_one_that_nobody_waits_for_is_killed(scripted: Scripted) -> None:
    scripted.does(f"echo $$ >{scripted.pids}; exec sleep 4711")
    asking = asyncio.create_task(journalctl(within=600))
    pid = int(await asyncio.to_thread(scripted.pids.read_text))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(has_ended, pid)


async def test_one_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(FileNotFoundError):
        await journal_lines("web.service")
