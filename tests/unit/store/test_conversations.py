"""What the store knows of conversations: how far a delivery has come, and where it was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk
from tests.unit.store.outbox import oldest
from tests.unit.store.place import query
from tests.unit.store.values import WALL, alert, change, opening
from watchdog.core.model import Alert, AlertKind
from watchdog.ports import Addressed, Delivery, Receipt, Told
from watchdog.store import DurableStore, SqliteStore

FIRING, UPDATE, RESOLVED = AlertKind.FIRING, AlertKind.UPDATE, AlertKind.RESOLVED
THERE, ELSEWHERE = Receipt({"channel": "C1", "ts": "1.1"}), Receipt({"channel": "C1", "ts": "2.2"})


def about(incident: str, kind: AlertKind = FIRING) -> Alert:
    return replace(alert(kind=kind), incident=incident)


async def deliver(store: DurableStore | SqliteStore, receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        await store.delivered([await next_of(store)], receipt, WALL)


async def next_of(store: DurableStore | SqliteStore) -> Delivery:
    delivery = await oldest(store, "slack")
    assert delivery is not None
    return delivery


async def test_how_far_a_delivery_has_come_survives_a_failed_try_and_the_daemon(
    make_store: MakeStore,
) -> None:
    async with make_store() as store:
        await store.commit(change([about("a")]))
        delivery = replace(await next_of(store), receipt=THERE)
        await store.progressed([delivery], WALL)
        assert (await next_of(store)).attempts == 0
        await store.attempt_failed([await next_of(store)], "timeout", WALL)
    async with make_store() as store:
        again = await next_of(store)
    assert (again.key, again.receipt, again.attempts) == (delivery.key, THERE, 1)


async def test_how_far_a_delivery_has_come_is_known_without_a_disk(
    make_store: MakeStore, disk: Disk
) -> None:
    async with DurableStore(make_store()) as store:
        await store.commit(change([about("a")]))
        disk.fill_up()
        await store.progressed([replace(await next_of(store), receipt=THERE)], WALL)
        assert (await next_of(store)).receipt == THERE
        await store.attempt_failed([await next_of(store)], "timeout", WALL)
        assert (await next_of(store)).receipt == THERE
        disk.recover()
        await store.retry()
        assert (await next_of(store)).receipt == THERE


async def test_a_receipt_that_nobody_understands_says_nothing(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await store.commit(change([about("a")]))
        query(path, "UPDATE outbox SET receipt = '[1'")
        assert (await next_of(store)).receipt == Receipt()


async def test_a_conversation_lasts_until_its_last_incident_is_told_to_be_over(
    make_store: MakeStore,
) -> None:
    opening = [about("a"), about("b"), about("c")]
    async with DurableStore(make_store()) as store:
        await store.commit(change(opening))
        await deliver(store, [THERE, THERE, ELSEWHERE])
        await store.commit(change([about("a", RESOLVED), about("c", RESOLVED)]))
        assert await store.conversations("slack") == [
            *(Told(opening[0], THERE), Told(opening[1], THERE), Told(opening[2], ELSEWHERE))
        ]
        await deliver(store, [THERE, ELSEWHERE])
        assert await store.conversations("slack") == [
            *(Told(opening[0], THERE), Told(opening[1], THERE)),
            Told(about("a", RESOLVED), THERE),
        ]
        await store.commit(change([about("b", RESOLVED)]))
        await deliver(store, [THERE])
        assert await store.conversations("slack") == []


async def test_the_message_of_a_warning_is_known_until_it_says_that_it_is_over(
    store: SqliteStore,
) -> None:
    warning, end = about("w", AlertKind.WARNING), about("w", AlertKind.WARNING_OVER)
    async with store:
        await store.commit(change([warning]))
        await deliver(store, [THERE])
        await store.commit(change([end]))
        assert await store.conversations("slack") == [Told(warning, THERE)]
        assert await store.conversations("email") == []
        await deliver(store, [THERE])
        assert await store.conversations("slack") == []


async def test_the_end_of_a_warning_is_not_to_be_told_again_and_again(store: SqliteStore) -> None:
    async with store:
        await store.commit(change([about("w", AlertKind.WARNING_OVER)]))
        await deliver(store, [Receipt()])
        assert await store.standing("slack") == []


async def test_what_was_told_without_a_place_is_in_no_conversation(store: SqliteStore) -> None:
    async with store:
        await store.commit(change([about("a"), replace(alert(), incident="")]))
        await deliver(store, [Receipt(), THERE])
        assert await store.conversations("slack") == []
        assert await store.conversations("email") == []


async def test_an_update_keeps_no_incident_standing_that_is_to_be_renewed(
    store: SqliteStore,
) -> None:
    async with store:
        await store.commit(change([about("a"), about("a", UPDATE)]))
        await deliver(store, [Receipt(), Receipt()])
        assert await store.standing("slack") == [about("a")]


async def test_a_database_that_is_replaced_keeps_how_far_deliveries_have_come(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([about("a")]))
        await store.progressed([replace(await next_of(store), receipt=THERE)], WALL)
    query(path, "PRAGMA user_version = 99")
    async with make_store() as store:
        assert (await next_of(store)).receipt == THERE


async def test_the_story_of_an_incident_tells_who_was_told_and_not_who_reads_along(
    store: SqliteStore,
) -> None:
    async with store:
        told = [Addressed(about("inc1", kind), ("slack",)) for kind in (FIRING, UPDATE)]
        await store.commit(replace(opening(), alerts=told))
        story = await store.story("inc1")
    assert story is not None
    assert {told.kind for told in story.alerts} == {"firing"}
