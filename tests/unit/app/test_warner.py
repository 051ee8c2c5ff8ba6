"""The host's one watch: a reload begins it anew, and what stands never looks over meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from tests.unit.clock import FakeClock
from tests.unit.doubles import ListStore
from watchdog.addressing import AddressBook
from watchdog.app.warner import HostWarner
from watchdog.core.model import AlertKind, Now, State
from watchdog.core.routing import Subscription
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.core.thresholds import HostWarnings
from watchdog.core.warning import HOST
from watchdog.ports import Left

FULL = StandingWarning("id", Circumstance(CircumstanceKind.DISK, subject="/"), 0.0, level=1, told=1)
OFF = HostWarnings(disk_used=(), inodes_used=())


class SlowStore(ListStore):
    """Takes its time to load, once a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.lefts = {HOST: Left(State(HOST, warnings=(FULL,)))}
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, now: Now) -> Mapping[str, Left]:
        self.asked.set()
        await self.gate.wait()
        return await super().load(now)


async def test_what_stands_is_known_all_through_a_reload() -> None:
    store = SlowStore()
    async with asyncio.TaskGroup() as tasks:
        warner = HostWarner(store, FakeClock(), tasks, AddressBook([]).address)
        await warner.apply(HostWarnings(), ("/",))
        assert warner.state.warnings == (FULL,)
        store.gate.clear()
        store.asked.clear()
        reload = asyncio.create_task(warner.apply(replace(HostWarnings(), every=60.0), ("/",)))
        await store.asked.wait()
        assert not reload.done()
        assert warner.state.warnings == (FULL,)
        store.gate.set()
        await reload
        assert warner.state.warnings == (FULL,)
        await warner.apply(OFF, ("/",))
        assert len(warner.state.warnings) == 0


async def test_what_was_warned_of_is_over_when_nobody_measures_it_any_more() -> None:
    store = SlowStore()
    book = AddressBook([Subscription("tickets", closes=True)])
    book.recall({"id": {"tickets"}})
    async with asyncio.TaskGroup() as tasks:
        await HostWarner(store, FakeClock(), tasks, book.address).apply(OFF, ("/",))
    assert store.kinds == [AlertKind.WARNING_OVER]
    [end] = store.alerts
    assert (end.service, end.incident) == ("", "id")
    assert end.measure == Measure(MeasureKind.NO_LONGER_WATCHED)
    assert store.changes[-1].state == State(HOST)


async def test_where_nothing_was_warned_of_nothing_is_written() -> None:
    store = SlowStore()
    store.lefts = {}
    async with asyncio.TaskGroup() as tasks:
        await HostWarner(store, FakeClock(), tasks, AddressBook([]).address).apply(OFF, ("/",))
    assert store.changes == []
