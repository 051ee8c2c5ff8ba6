"""A channel is taken out while an incident is open, and comes back when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.relay_bench import Bench
from tests.unit.swap import Full, Swap, book, channel, waiting
from watchdog.core.model import Alert, AlertKind
from watchdog.core.telling import Diversion
from watchdog.errors import StoreError
from watchdog.ports import Receipt
from watchdog.relay import missed_ends, pass_on, tell_missed_ends
from watchdog.store import DurableStore, SqliteStore

pytestmark = pytest.mark.adapter

BENCH = Bench()
NOW = BENCH.clock.now()
FIRING = BENCH.alert()
RESOLVED = replace(FIRING, kind=AlertKind.RESOLVED, wall=FIRING.wall + 90)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DurableStore]:
    async with DurableStore(SqliteStore(tmp_path / "state.db", ballast_size=4096)) as store:
        yield store


async def tell(store: DurableStore, alert: Alert, *names: str) -> None:
    """Have *alert* told at destinations of these names."""
    await store.post([alert], names, NOW)
    for name in names:
        await store.delivered(await store.due(name, 100), Receipt(), NOW.wall)


async def missed(store: DurableStore, name: str = "slack") -> list[Alert]:
    """Return what a channel of that name is told when it is back."""
    await tell_missed_ends(name, store, NOW)
    return await waiting(store, name)


async def test_it_is_told_the_end_that_others_were_told(store: DurableStore) -> None:
    await tell(store, FIRING, "slack", "mail")
    await tell(store, RESOLVED, "mail")
    assert await missed(store) == [RESOLVED]


async def test_it_is_told_once_whatever_becomes_of_it(store: DurableStore) -> None:
    await tell(store, FIRING, "slack", "mail")
    await tell(store, RESOLVED, "mail")
    assert len(await missed(store)) == len(await missed(store)) == 1
    [end] = await store.due("slack")
    await store.rejected(end, "channel_not_found", NOW.wall)
    assert await missed(store) == []


async def test_an_end_that_waits_behind_its_beginning_is_enough(store: DurableStore) -> None:
    await store.post([FIRING], ["slack", "mail"], NOW)
    await store.post([RESOLVED], ["slack", "mail"], NOW)
    assert await missed(store) == [FIRING, RESOLVED]


async def test_a_beginning_that_still_waits_is_told_with_its_end(store: DurableStore) -> None:
    await store.post([FIRING], ["slack", "mail"], NOW)
    await store.post([RESOLVED], ["mail"], NOW)
    assert await missed(store) == [FIRING, RESOLVED]


async def test_an_end_that_was_set_aside_meanwhile_is_told_after_all(store: DurableStore) -> None:
    """It went to others as that of a channel which is no more."""
    await tell(store, FIRING, "slack")
    await store.post([RESOLVED], ["slack"], NOW)
    [end] = await store.due("slack")
    why = Diversion("slack", NOW.wall, "it is not configured any more")
    await tell(store, replace(RESOLVED, diversion=why), "mail")
    await store.rejected(end, why.reason, NOW.wall)
    assert await missed(store) == [RESOLVED]


async def test_who_is_taken_out_again_before_it_was_told_misses_it_anew(
    store: DurableStore,
) -> None:
    await tell(store, FIRING, "slack", "mail")
    await tell(store, RESOLVED, "mail")
    for _ in range(3):
        assert await missed(store) == await missed(store) == [RESOLVED]
        await pass_on(["mail"], store, book("mail"), NOW)
        assert await waiting(store, "slack") == await waiting(store, "mail") == []
    assert await missed(store) == [RESOLVED]


async def test_an_end_that_it_has_refused_is_not_told_again(store: DurableStore) -> None:
    await tell(store, FIRING, "slack", "mail")
    await store.post([RESOLVED], ["slack", "mail"], NOW)
    [end] = await store.due("slack")
    await store.rejected(end, "channel_not_found", NOW.wall)
    assert await missed(store) == []


@pytest.mark.parametrize(
    "told",
    [
        pytest.param((), id="nothing"),
        pytest.param((FIRING, RESOLVED), id="all"),
        pytest.param((BENCH.update(),), id="an edit"),
        pytest.param((replace(FIRING, kind=AlertKind.WARNING),), id="a warning"),
        pytest.param((BENCH.alert("another"),), id="another incident"),
    ],
)
async def test_who_was_not_told_of_a_beginning_or_was_told_the_end_misses_nothing(
    store: DurableStore, told: tuple[Alert, ...]
) -> None:
    await tell(store, FIRING, "mail")
    await tell(store, RESOLVED, "mail")
    for alert in told:
        await tell(store, alert, "slack")
    assert await missed(store) == []


async def test_it_is_not_told_to_a_fallback_that_knows_it(store: DurableStore) -> None:
    """A channel that is back need not be well."""
    await tell(store, FIRING, "slack", "mail")
    await tell(store, RESOLVED, "mail")
    later = replace(NOW, wall=NOW.wall + 3600)
    await tell_missed_ends("slack", store, later)
    [end] = await store.due("slack")
    assert await store.addressed(end) == {"slack", "mail"}


async def test_an_incident_that_is_open_has_no_end_to_miss(store: DurableStore) -> None:
    await tell(store, FIRING, "slack", "mail")
    assert await missed(store) == []


async def test_an_end_that_only_memory_has_is_not_told_twice(tmp_path: Path) -> None:
    sqlite = Full(tmp_path / "state.db", ballast_size=4096)
    async with DurableStore(sqlite) as store:
        await tell(store, FIRING, "slack", "mail")
        await tell(store, RESOLVED, "mail")
        sqlite.is_full = True
        await store.post([RESOLVED], ["slack"], NOW)
        assert await missed(store) == [RESOLVED]
        sqlite.is_full = False


async def test_a_disk_that_takes_nothing_keeps_what_memory_has_no_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_ends, "AT_ONCE", 2)
    sqlite = Full(tmp_path / "state.db", ballast_size=4096)
    async with DurableStore(sqlite) as store:
        for number in range(9):
            await tell(store, replace(FIRING, incident=f"incident {number}"), "slack", "mail")
            await tell(store, replace(RESOLVED, incident=f"incident {number}"), "mail")
        sqlite.is_full = True
        with pytest.raises(StoreError, match="the disk does not take it"):
            await missed(store)
        assert store.held < 9
        sqlite.is_full = False
        await store.retry()
        assert len(await missed(store)) == 9


async def test_a_reload_that_brings_it_back_sees_to_it(store: DurableStore) -> None:
    swap = Swap(store)
    await tell(store, FIRING, "old", "new")
    await tell(store, RESOLVED, "new")
    async with asyncio.TaskGroup() as tasks:
        channels = swap.channels(tasks)
        await channels.apply([channel("old"), channel("new")])
        while not swap.notifiers["old"].sent:
            await swap.clock.settle()
        await channels.apply([])
    assert not swap.notifiers["new"].sent
