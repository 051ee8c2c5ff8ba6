"""The watch over the host's file systems: told once, and a dead one holds up no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from tests.unit.clock import FakeClock, skip
from tests.unit.doubles import ListStore
from watchdog.addressing import AddressBook
from watchdog.core.model import NoteKind
from watchdog.core.routing import Subscription
from watchdog.core.thresholds import HostWarnings
from watchdog.core.warning import HOST
from watchdog.host_watch import PATIENCE, HostWatch
from watchdog.ports import Left
from watchdog.probes.filesystem import Filesystem


class Lab:
    """File systems that are as full as a test says."""

    def __init__(self, *paths: str, look: Callable[[str], Filesystem] | None = None) -> None:
        self.clock = FakeClock()
        self.store = ListStore()
        self.full = {"/": 50.0, "/srv": 50.0}
        self.watch = self.again(*paths, look=look)

    def again(self, *paths: str, look: Callable[[str], Filesystem] | None = None) -> HostWatch:
        settings = HostWarnings(disk=("/srv",))
        return HostWatch(
            *(settings, paths or ("/",), self.store, self.clock),
            AddressBook([Subscription("slack")]).address,
            look=look or self.look,
        )

    def look(self, path: str) -> Filesystem:
        if path not in self.full:
            raise FileNotFoundError(2, "No such file or directory")
        return Filesystem(path, self.full[path], 2.0**30, None)

    @property
    def told(self) -> list[str]:
        return [alert.reason for alert in self.store.alerts]


async def test_a_file_system_that_fills_is_told_of_once_for_each_step() -> None:
    lab = Lab()
    for full in (79.9, 81, 85, 91, 92, 96, 99):
        lab.full["/srv"] = full
        await lab.watch.measure()
    assert lab.told == [f"file system /srv is {full} % full, 1.0 GiB free" for full in (81, 91, 96)]
    sent = [each.destinations for change in lab.store.changes for each in change.alerts]
    assert sent == [("slack",)] * 3
    assert {change.state.service for change in lab.store.changes} == {HOST}


async def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    lab = Lab()
    lab.full["/srv"] = 91
    await lab.watch.measure()
    lab.store.lefts = {HOST: Left(lab.store.changes[-1].state)}
    again = lab.again()
    await again.load()
    await again.measure()
    assert len(lab.told) == 1
    assert again.state.warnings == lab.watch.state.warnings


async def test_it_measures_every_five_minutes_and_writes_nothing_while_all_is_well() -> None:
    lab = Lab()
    measured = asyncio.Semaphore(0)

    class Counted(HostWatch):
        async def measure(self) -> None:
            await super().measure()
            measured.release()

    watch = Counted(
        HostWarnings(), ("/",), lab.store, lab.clock, AddressBook().address, look=lab.look
    )
    task = asyncio.ensure_future(watch.run())
    await lab.clock.advance(299)
    assert measured.locked()
    for _ in range(2):
        await lab.clock.advance(300)
        await measured.acquire()
    assert measured.locked()
    assert lab.store.changes == []
    task.cancel()


async def test_several_paths_on_one_file_system_are_one_warning() -> None:
    lab = Lab("/", "/var", look=lambda _: Filesystem("/", 91.0, 1e9, 50.0))
    await lab.watch.measure()
    assert len(lab.told) == 1


async def test_a_path_that_is_not_there_is_told_of_at_the_second_time() -> None:
    lab = Lab()
    del lab.full["/srv"]
    await lab.watch.measure()
    assert lab.told == []
    await lab.watch.measure()
    await lab.watch.measure()
    assert lab.told == ["cannot measure /srv: No such file or directory"]


async def test_a_file_system_that_hangs_holds_up_no_other_and_gets_no_second_thread() -> None:
    gate, hanging = threading.Event(), list[str]()
    lab = Lab()
    lab.full["/srv"] = 91

    def look(path: str) -> Filesystem:
        if path == "/srv" and not gate.is_set():
            hanging.append(path)
            gate.wait(30)
        return lab.look(path)

    watch = lab.again(look=look)
    lab.full["/"] = 96
    for _ in range(3):
        measuring = asyncio.ensure_future(watch.measure())
        await skip(PATIENCE + 1)
        await measuring
    assert hanging == ["/srv"]
    assert lab.told == [
        "file system / is 96 % full, 1.0 GiB free",
        f"cannot measure /srv: no answer within {PATIENCE:g} s",
    ]
    gate.set()


async def test_a_warning_is_not_over_because_nobody_can_measure_it() -> None:
    lab = Lab()
    lab.full["/srv"] = 91
    await lab.watch.measure()
    del lab.full["/srv"]
    await lab.watch.measure()
    assert [warning.about.subject for warning in lab.watch.state.warnings] == ["/srv"]
    assert NoteKind.WARNING_OVER not in lab.store.notes
