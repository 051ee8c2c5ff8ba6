"""Evidence: bounded, filed under its incident, and cheap on a host with many processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.clock import skip
from tests.unit.doubles import ListStore
from watchdog.evidence.desk import PATIENCE, Desk
from watchdog.evidence.logfile import LINES, last_lines
from watchdog.evidence.process import process_snapshot

pytestmark = pytest.mark.adapter

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"],
                         stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


async def some_lines() -> Sequence[str]:
    return ["the last words"]


async def hang() -> Sequence[str]:
    await asyncio.Event().wait()
    return ()


async def fail() -> Sequence[str]:
    raise OSError("journalctl is missing")


def test_a_snapshot_names_a_process_and_its_children() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        snapshot = "\n".join(process_snapshot(parent.pid))
        parent.communicate()
    assert f"process {parent.pid} " in snapshot
    assert f"process {child} " in snapshot
    assert "RSS" in snapshot


def test_a_snapshot_of_a_process_that_is_gone_is_empty() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert process_snapshot(gone.pid) == []
    assert process_snapshot(os.getpid()) != []


def test_only_the_end_of_a_log_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    lines = last_lines(path)
    assert len(lines) == LINES
    assert lines[-1] == "line 99999"
    assert last_lines(tmp_path / "missing") == []


async def test_evidence_known_before_an_incident_opens_is_filed_under_it() -> None:
    store = ListStore()
    desk = Desk(store)
    await desk.gather("api", some_lines)
    desk.opened("api", "k3f9ta")
    await asyncio.wait_for(desk.ready("k3f9ta"), 5)
    assert store.filed == {"k3f9ta": ["the last words"]}


async def test_an_alert_does_not_wait_for_evidence_that_cannot_be_had() -> None:
    desk = Desk(ListStore())
    desk.opened("api", "k3f9ta")
    await desk.gather("api", fail)
    await asyncio.wait_for(desk.ready("k3f9ta"), 5)
    await asyncio.wait_for(desk.ready("unknown"), 5)


async def test_evidence_that_survives_waits_until_no_restart_is_under_way() -> None:
    store = ListStore()
    desk = Desk(store)
    desk.opened("api", "k3f9ta")
    with desk.restarting():
        with desk.restarting():
            gathering = asyncio.ensure_future(desk.gather_later("api", some_lines))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert store.filed == {}
    await asyncio.wait_for(gathering, 5)
    assert store.filed == {"k3f9ta": ["the last words"]}


async def test_a_restart_that_takes_long_does_not_keep_evidence_back() -> None:
    store = ListStore()
    desk = Desk(store)
    desk.opened("api", "k3f9ta")
    with desk.restarting():
        gathering = asyncio.ensure_future(desk.gather_later("api", some_lines))
        await skip(PATIENCE - 0.1)
        assert not gathering.done()
        await skip(0.1)
        await asyncio.wait_for(gathering, 5)
        assert store.filed == {"k3f9ta": ["the last words"]}


async def test_what_can_wait_never_keeps_volatile_evidence_from_its_turn() -> None:
    desk = Desk(ListStore())
    waiting = [asyncio.ensure_future(desk.gather_later("web", hang)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.wait_for(desk.gather("api", some_lines), 1)
    for each in waiting:
        each.cancel()


async def test_evidence_that_hangs_is_given_up_and_nobody_waits_on() -> None:
    desk = Desk(ListStore())
    desk.opened("api", "k3f9ta")
    gathering = asyncio.ensure_future(desk.gather("api", hang))
    desk.closed("api")  # health was proven meanwhile
    await asyncio.wait_for(desk.ready("k3f9ta"), 5)
    gathering.cancel()


async def test_evidence_of_a_trouble_that_is_over_is_not_that_of_the_next() -> None:
    store = ListStore()
    desk = Desk(store)
    with desk.restarting():
        late = asyncio.ensure_future(desk.gather_later("api", some_lines))
        await asyncio.sleep(0)
        desk.closed("api")
    await asyncio.wait_for(late, 5)
    desk.opened("api", "k3f9ta")
    await asyncio.sleep(0)
    assert store.filed == {}
