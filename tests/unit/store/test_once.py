"""What is posted under a name is there once, in any run; and who was told of what is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk
from tests.unit.store.outbox import oldest
from tests.unit.store.place import query
from tests.unit.store.values import NOW, WALL, alert, change, opening
from watchdog.core.model import AlertKind, State
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import Circumstance, CircumstanceKind, Diversion
from watchdog.ports import Addressed, Receipt
from watchdog.store import DurableStore

NAMED = {
    "fallback/1": Addressed(replace(alert(), diversion=Diversion("slack", WALL, "why")), ("sms",))
}


@pytest.fixture
async def store(make_store: MakeStore) -> AsyncIterator[DurableStore]:
    async with DurableStore(make_store()) as store:
        yield store


async def post(store: DurableStore) -> bool:
    """Post it unless it was; tell whether it was new."""
    named = await store.unposted(NAMED)
    is_new = bool(named["fallback/1"].destinations)
    if is_new:
        await store.post_once(named, NOW)
    return is_new


def keys(path: Path) -> list[tuple[object, ...]]:
    return query(path, "SELECT destination, status FROM outbox")


async def test_what_was_posted_is_not_posted_again_though_it_has_been_sent(
    store: DurableStore, path: Path
) -> None:
    assert await post(store)
    assert not await post(store)
    sent = await oldest(store, "sms")
    assert sent is not None
    assert sent.alert == NAMED["fallback/1"].alert
    await store.delivered([sent], Receipt(), WALL)
    assert not await post(store)
    assert keys(path) == [("sms", "sent")]


async def test_the_next_run_knows_it(make_store: MakeStore, path: Path) -> None:
    for expected in (True, False):
        async with DurableStore(make_store()) as store:
            assert await post(store) is expected
    assert keys(path) == [("sms", "pending")]


async def test_it_is_once_for_each_destination(store: DurableStore) -> None:
    await post(store)
    more = {"fallback/1": replace(NAMED["fallback/1"], destinations=("sms", "email"))}
    assert (await store.unposted(more))["fallback/1"].destinations == ["email"]


async def test_written_twice_it_counts_once(store: DurableStore, path: Path) -> None:
    """As when two destinations fail at the same moment."""
    await store.post_once(NAMED, NOW)
    await store.post_once(NAMED, NOW)
    assert keys(path) == [("sms", "pending")]


async def test_without_the_disk_memory_knows_it(
    make_store: MakeStore, disk: Disk, path: Path
) -> None:
    async with DurableStore(make_store()) as store:
        disk.fill_up()
        assert await post(store)
        assert not await post(store)
        sent = await oldest(store, "sms")
        assert sent is not None
        await store.delivered([sent], Receipt(), WALL)
        assert not await post(store)
        disk.recover()
        await store.retry()
        assert not await post(store)
    assert keys(path) == [("sms", "sent")]


async def test_a_delivery_tells_when_it_was_addressed_and_where_else(store: DurableStore) -> None:
    await store.commit(change([alert()], to=("slack", "email")))
    later = replace(NOW, wall=WALL + 60)
    await store.commit(change([alert(kind=AlertKind.GAVE_UP)], to=("slack",), now=later))
    first, second = await store.due("slack", 2)
    assert (first.created, second.created) == (WALL, WALL + 60)
    assert await store.addressed(first) == {"slack", "email"}
    assert await store.addressed(second) == {"slack"}


async def test_without_the_disk_memory_tells_where_else_it_was_addressed(
    make_store: MakeStore, disk: Disk
) -> None:
    async with DurableStore(make_store()) as store:
        disk.fill_up()
        await store.commit(change([alert()], to=("slack", "email")))
        [delivery] = await store.due("slack")
        assert delivery.created == WALL
        assert await store.addressed(delivery) == {"slack", "email"}


@pytest.mark.parametrize("is_full", [False, True])
async def test_of_an_end_everybody_is_told_who_has_it_whenever_that_was(
    make_store: MakeStore, disk: Disk, is_full: bool
) -> None:
    end = alert(kind=AlertKind.RESOLVED)
    async with DurableStore(make_store()) as store:
        if is_full:
            disk.fill_up()
        await store.post([end], ["email"], NOW)
        await store.post([end], ["slack"], replace(NOW, wall=WALL + 60))
        [delivery] = await store.due("slack")
        assert await store.addressed(delivery) == {"slack", "email"}


async def test_who_was_told_of_an_incident_is_known_until_its_end_is_told(
    store: DurableStore,
) -> None:
    await store.commit(opening())
    sent = await oldest(store, "slack")
    assert sent is not None
    await store.delivered([sent], Receipt(), WALL)
    assert await store.told() == {"abc234": {"slack", "email"}}
    await store.commit(change([alert(kind=AlertKind.RESOLVED)], to=("slack", "email")))
    assert await store.told() == {}


async def test_who_was_told_of_a_warning_is_known_for_as_long_as_it_stands(
    store: DurableStore,
) -> None:
    about = Circumstance(CircumstanceKind.DISK, subject="/srv", value=91.0)
    standing = State("api", warnings=(StandingWarning("warn1", about, WALL, 1, 1),))
    told = replace(alert(kind=AlertKind.WARNING), incident="warn1")
    await store.commit(change([told], to=("slack", "tickets"), state=standing))
    assert await store.told() == {"warn1": {"slack", "tickets"}}
    await store.commit(change(state=State("api")))
    assert await store.told() == {}, "whether or not anybody was told of its end"
    end = replace(told, kind=AlertKind.WARNING_OVER)
    await store.commit(change([end], to=("tickets",)))
    assert await store.told() == {}
