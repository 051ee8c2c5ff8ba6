"""A channel is renamed or taken out of the configuration while alerts wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.relay_bench import Bench
from tests.unit.swap import Full, Swap, book, channel, waiting
from watchdog.addressing import AddressBook
from watchdog.app.channels import STUMBLE
from watchdog.core.model import Alert, AlertKind, Now, State
from watchdog.core.routing import Subscription
from watchdog.core.severity import Severity
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Change, Receipt
from watchdog.relay import left_behind, pass_on
from watchdog.relay.left_behind import REASON
from watchdog.store import DurableStore, SqliteStore
from watchdog.store.memory import Memory
from watchdog.store.read import Backlog

pytestmark = pytest.mark.adapter

BENCH = Bench()
NOW = BENCH.clock.now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DurableStore]:
    async with DurableStore(SqliteStore(tmp_path / "state.db", ballast_size=4096)) as store:
        yield store


async def test_what_waits_for_it_is_told_to_those_that_are_left_and_says_why(
    store: DurableStore,
) -> None:
    firing, resolved = BENCH.alert(), BENCH.alert(kind=AlertKind.RESOLVED)
    await store.post([firing], ["old"], NOW)
    await store.post([resolved], ["old"], NOW)
    await pass_on({"new", "other"}, store, book("new"), NOW)
    assert await waiting(store, "old") == []
    told = await waiting(store, "new")
    assert [replace(alert, diversion=None) for alert in told] == [firing, resolved]
    why = told[0].diversion
    assert why is not None
    assert (why.destination, why.reason) == ("old", REASON)


async def test_who_has_it_is_not_told_again(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old", "other"], NOW)
    await pass_on({"new", "other"}, store, book("new", "other"), NOW)
    assert len(await waiting(store, "new")) == len(await waiting(store, "other")) == 1
    assert await waiting(store, "old") == []


async def test_a_kill_before_it_was_set_aside_tells_nothing_twice(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old"], NOW)

    class Killed(DurableStore):
        async def rejected(self, *_: object) -> None:
            raise EOFError

    killed = Killed(SqliteStore(store.path, ballast_size=4096))
    with pytest.raises(EOFError):
        await pass_on({"new", "other"}, killed, book("new"), NOW)
    [sent] = await store.due("new")
    await store.delivered([sent], Receipt(), NOW.wall)
    await pass_on({"new", "other"}, store, book("new"), NOW)
    assert await waiting(store, "new") == await waiting(store, "old") == []


async def test_what_nobody_takes_goes_on_waiting(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old"], NOW)
    quiet = AddressBook([Subscription("new", frozenset({Severity.INFO}))])
    await pass_on({"new", "other"}, store, quiet, NOW)
    assert len(await waiting(store, "old")) == 1


async def test_what_nobody_would_miss_is_dropped(store: DurableStore) -> None:
    """A test is its own answer, and of what was told an edit is left at most."""
    await store.post(
        [BENCH.alert(kind=AlertKind.TEST), BENCH.alert(), BENCH.update()], ["old"], NOW
    )
    told = (await store.due("old", 3))[1]
    await store.progressed([replace(told, receipt=Receipt({"ts": "1"}))], NOW.wall)
    await pass_on({"new", "other"}, store, book("new"), NOW)
    assert await waiting(store, "old") == await waiting(store, "new") == []


class Interrupted(DurableStore):
    """Has something happen between the reading and the posting."""

    meanwhile: Callable[[], Awaitable[None]]

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        found = await super().unposted(named)
        await self.meanwhile()
        return found


@pytest.fixture
async def interrupted(tmp_path: Path) -> AsyncIterator[Interrupted]:
    sqlite = SqliteStore(tmp_path / "state.db", ballast_size=4096)
    async with Interrupted(sqlite) as store:
        yield store


async def address(store: DurableStore, book: AddressBook, alert: Alert) -> None:
    """Commit *alert* as a worker does."""
    change = Change(State(alert.service), NOW, (), book.address([alert]))
    await store.commit(change)


FIRING = BENCH.alert()
GAVE_UP = replace(FIRING, kind=AlertKind.GAVE_UP, wall=FIRING.wall + 60)
NOTICE = replace(FIRING, kind=AlertKind.NOTICE, service="", incident="")
RESOLVED = replace(FIRING, kind=AlertKind.RESOLVED, wall=FIRING.wall + 90)


@pytest.mark.parametrize("later", [GAVE_UP, RESOLVED], ids=lambda alert: str(alert.kind))
async def test_no_beginning_is_told_after_what_came_later_meanwhile(
    interrupted: Interrupted, later: Alert
) -> None:
    store, addresses = interrupted, book("new")
    await store.post([FIRING], ["old"], NOW)
    store.meanwhile = lambda: address(store, addresses, later)
    await pass_on({"new"}, store, addresses, NOW)
    assert await waiting(store, "new") == [later]
    assert await waiting(store, "old") == []


async def test_nor_after_an_end_that_was_addressed_before_the_channel_was_looked_after(
    store: DurableStore,
) -> None:
    addresses = book("new")
    await store.post([FIRING], ["old"], NOW)
    await address(store, addresses, RESOLVED)
    await pass_on({"new"}, store, addresses, NOW)
    assert await waiting(store, "new") == [RESOLVED]
    assert await waiting(store, "old") == []


async def test_what_came_before_does_not_stand_in_for_what_is_left(store: DurableStore) -> None:
    addresses = book("new")
    await address(store, addresses, FIRING)
    await store.post([GAVE_UP, RESOLVED], ["old"], NOW)
    await pass_on({"new"}, store, addresses, NOW)
    kinds = [alert.kind for alert in await waiting(store, "new")]
    assert kinds == [AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED]


async def test_an_incident_that_waits_in_two_places_is_told_once_and_in_its_order(
    store: DurableStore,
) -> None:
    await store.post([FIRING], ["z-old"], NOW)
    await store.post([RESOLVED], ["a-old", "z-old"], Now(NOW.mono + 90, NOW.wall + 90))
    await pass_on({"new"}, store, book("new"), NOW)
    kinds = [alert.kind for alert in await waiting(store, "new")]
    assert kinds == [AlertKind.FIRING, AlertKind.RESOLVED]


async def test_an_end_that_nobody_takes_waits_behind_its_beginning(store: DurableStore) -> None:
    addresses = book("old")
    await address(store, addresses, FIRING)
    addresses.subscriptions = [Subscription("quiet", frozenset({Severity.INFO}))]
    await pass_on({"quiet"}, store, addresses, NOW)
    await address(store, addresses, RESOLVED)
    addresses.subscriptions = [Subscription("new")]
    await pass_on({"new"}, store, addresses, NOW)
    kinds = [alert.kind for alert in await waiting(store, "new")]
    assert kinds == [AlertKind.FIRING, AlertKind.RESOLVED]


async def test_a_clock_that_was_set_back_changes_neither_order_nor_number(
    store: DurableStore,
) -> None:
    back = Now(NOW.mono + 60, NOW.wall - 3600)
    await store.post([FIRING], ["old"], NOW)
    await store.post([replace(GAVE_UP, wall=back.wall)], ["old"], back)
    await pass_on({"new"}, store, book("new"), back)
    kinds = [alert.kind for alert in await waiting(store, "new")]
    assert kinds == [AlertKind.FIRING, AlertKind.GAVE_UP]


async def test_what_was_passed_on_before_is_no_later_for_that(store: DurableStore) -> None:
    await store.post([FIRING], ["older"], NOW)
    await store.post([GAVE_UP], ["old"], NOW)
    await store.rejected((await store.due("older"))[0], REASON, NOW.wall)
    await store.post([FIRING], ["new"], NOW)
    await pass_on({"new"}, store, book("new"), NOW)
    kinds = [alert.kind for alert in await waiting(store, "new")]
    assert kinds == [AlertKind.FIRING, AlertKind.GAVE_UP]


@pytest.mark.parametrize("alert", [FIRING, NOTICE], ids=lambda alert: str(alert.kind))
async def test_a_channel_that_is_renamed_to_and_fro_loses_nothing(
    store: DurableStore, alert: Alert
) -> None:
    await store.post([alert], ["old"], NOW)
    for name in ("new", "old", "new"):
        await pass_on({name}, store, book(name), NOW)
        assert [replace(each, diversion=None) for each in await waiting(store, name)] == [alert]


async def test_a_notice_that_waits_in_two_places_is_told_once(store: DurableStore) -> None:
    await store.post([NOTICE], ["old", "older"], NOW)
    await pass_on({"new"}, store, book("new"), NOW)
    assert len(await waiting(store, "new")) == 1


def notices(number: int) -> list[Alert]:
    return [replace(NOTICE, wall=FIRING.wall + place) for place in range(number)]


async def leave(store: DurableStore, alerts: list[Alert]) -> None:
    """Let *alerts* wait, each written by itself."""
    for alert in alerts:
        await store.post([alert], ["old"], NOW)


async def test_more_than_memory_holds_is_passed_on_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(left_behind, "AT_ONCE", 4)
    sqlite = SqliteStore(tmp_path / "state.db", ballast_size=4096)
    async with DurableStore(sqlite, memory=Memory(max_letters=8)) as store:
        await leave(store, notices(12))
        await pass_on({"new", "other"}, store, book("new", "other"), NOW)
        for name in ("new", "other"):
            told = await waiting(store, name)
            assert [replace(each, diversion=None) for each in told] == notices(12)


async def test_a_disk_that_takes_nothing_keeps_what_memory_has_no_room_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(left_behind, "AT_ONCE", 4)
    sqlite = Full(tmp_path / "state.db", ballast_size=4096)
    async with DurableStore(sqlite, memory=Memory(max_letters=12)) as store:
        await leave(store, notices(20))
        sqlite.is_full = True
        for _ in range(5):
            with pytest.raises(StoreError):
                await pass_on({"new"}, store, book("new"), NOW)
        assert len(await waiting(store, "new")) == 8
        sqlite.is_full = False
        await store.retry()
        await pass_on({"new"}, store, book("new"), NOW)
        assert len(await waiting(store, "new")) == 20


async def test_a_reload_sees_to_it(store: DurableStore) -> None:
    swap = Swap(store)
    async with asyncio.TaskGroup() as tasks:
        channels = swap.channels(tasks)
        await store.post([FIRING], ["old"], NOW)
        await channels.apply([])
        assert len(await waiting(store, "old")) == 1  # nobody is left to be told
        await channels.apply([channel("new")])
        await swap.until_told()
        await channels.apply([])
    assert len(swap.notifiers["new"].sent) == 1


async def test_a_disk_that_cannot_be_read_then_is_read_later(tmp_path: Path) -> None:
    class Sick(SqliteStore):
        is_sick = False

        async def outbox_summary(self) -> Mapping[str, Backlog]:
            if self.is_sick:
                raise StoreError("cannot read the database: disk I/O error; check the disk")
            return await super().outbox_summary()

    sqlite = Sick(tmp_path / "state.db", ballast_size=4096)
    async with DurableStore(sqlite) as store, asyncio.TaskGroup() as tasks:
        swap = Swap(store)
        channels = swap.channels(tasks)
        await store.post([FIRING], ["old"], NOW)
        sqlite.is_sick = True
        with capture_logs() as logs:
            await channels.apply([channel("new")])
            await swap.clock.advance(60)
        said = [line for line in logs if line["event"] == "alerts not passed on; trying again"]
        assert len(said) == 1
        assert "disk I/O error" in said[0]["reason"]
        sqlite.is_sick = False
        await swap.clock.advance(STUMBLE)
        await swap.until_told()
        await channels.apply([])
    assert len(swap.notifiers["new"].sent) == 1


async def test_a_channel_that_comes_back_keeps_what_waits_for_it(tmp_path: Path) -> None:
    class Slow(SqliteStore):
        async def outbox_summary(self) -> Mapping[str, Backlog]:
            found = await super().outbox_summary()
            await asyncio.Event().wait()
            return found

    async with DurableStore(Slow(tmp_path / "state.db", ballast_size=4096)) as store:
        swap = Swap(store)
        await store.post([FIRING], ["old"], NOW)
        async with asyncio.TaskGroup() as tasks:
            channels = swap.channels(tasks)
            await channels.apply([channel("new")])
            await swap.clock.settle()
            await channels.apply([channel("old")])
            await swap.until_told()
            await channels.apply([])
    assert len(swap.notifiers["old"].sent) == 1
    assert not swap.notifiers["new"].sent
