from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk, failing
from tests.unit.store.outbox import oldest
from tests.unit.store.place import delete, put, query
from tests.unit.store.values import NOW, WALL, alert, change, opening
from watchdog.core.model import (
    AlertKind,
    Note,
    NoteKind,
    State,
)
from watchdog.errors import StoreError
from watchdog.ports import Delivery, Receipt, Store
from watchdog.store import DurableStore, SqliteStore
from watchdog.store.memory import Memory
from watchdog.store.read import Backlog

pytestmark = pytest.mark.adapter


@pytest.fixture
async def store(make_store: MakeStore) -> AsyncIterator[DurableStore]:
    async with DurableStore(make_store()) as store:
        yield store


async def deliver_all(store: DurableStore, destination: str = "slack") -> list[str]:
    """Deliver what is due, and return it in words."""
    reasons = []
    while delivery := await oldest(store, destination):
        reasons.append(delivery.alert.reason)
        await store.delivered([delivery], Receipt({"ts": "1"}), WALL)
    return reasons


def rows(path: Path) -> list[tuple[object, ...]]:
    return query(path, "SELECT status, attempts, receipt FROM outbox ORDER BY id")


async def test_it_is_a_store(store: DurableStore) -> None:
    as_port: Store = store
    assert as_port is store


async def test_while_the_disk_works_everything_is_durable_at_once(
    store: DurableStore, path: Path
) -> None:
    await store.commit(change([alert("1")]))
    assert rows(path) == [("pending", 0, "{}")]
    assert await deliver_all(store) == ["1"]
    assert rows(path) == [("sent", 1, '{"ts":"1"}')]
    assert store.trouble == ""
    assert not store.troubled.is_set()


async def test_without_a_disk_alerts_are_sent_once_and_written_as_sent_later(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    await store.commit(change([alert("1")]))
    disk.break_down()
    await store.commit(change([alert("2"), alert("3")]))
    delivery = await oldest(store, "slack")
    assert delivery is not None
    # The disk cannot be read, either: what is only there has to wait.
    assert (delivery.alert.reason, delivery.id < 0) == ("2", True)
    await store.delivered([delivery], Receipt({"ts": "2"}), WALL)
    disk.recover()
    await store.retry()
    assert rows(path) == [
        ("pending", 0, "{}"),
        ("sent", 1, '{"ts":"2"}'),
        ("pending", 0, "{}"),
    ]
    assert await deliver_all(store) == ["1", "3"]


async def test_a_full_disk_changes_nothing_for_the_reader_of_alerts(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    await store.commit(change([alert("1")]))
    disk.fill_up()
    await store.commit(change([alert("2")]))
    assert await deliver_all(store) == ["1", "2"]
    assert rows(path) == [("pending", 0, "{}")]
    assert store.troubled.is_set()
    disk.recover()
    await store.commit(change())
    assert [row[0] for row in rows(path)] == ["sent", "sent"]
    assert store.trouble.endswith("the database's reserve of 0.0625 MiB is used up; make room")
    await store.retry()
    assert store.trouble == ""
    assert not store.troubled.is_set()


async def test_an_alert_in_flight_may_be_written_meanwhile(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    disk.fill_up()
    await store.commit(change([alert("1")]))
    delivery = await oldest(store, "slack")
    assert delivery is not None
    disk.recover()
    await store.retry()
    again = await oldest(store, "slack")
    assert again is not None
    assert (again.key, again.id > 0) == (delivery.key, True)
    await store.delivered([delivery], Receipt(), WALL)
    assert await oldest(store, "slack") is None


async def test_tries_are_counted_without_a_disk(store: DurableStore, disk: Disk) -> None:
    await store.commit(change([alert("1")]))
    disk.fill_up()
    await store.commit(change([alert("2")], to=("email",)))
    for destination in ("slack", "email"):
        for attempts in range(3):
            delivery = await oldest(store, destination)
            assert delivery is not None
            assert delivery.attempts == attempts
            await store.attempt_failed([delivery], "timeout", WALL)
    disk.recover()
    await store.retry()
    for destination in ("slack", "email"):
        delivery = await oldest(store, destination)
        assert delivery is not None
        assert delivery.attempts == 3


async def test_a_refused_alert_is_set_aside_without_a_disk(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    disk.break_down()
    await store.commit(change([alert("1"), alert("2")]))
    delivery = await oldest(store, "slack")
    assert delivery is not None
    await store.rejected(delivery, "channel_not_found", WALL)
    assert await deliver_all(store) == ["2"]
    disk.recover()
    await store.retry()
    assert [row[0] for row in rows(path)] == ["dead", "sent"]


async def test_states_ledger_and_evidence_are_caught_up_on(store: DurableStore, disk: Disk) -> None:
    disk.break_down()
    await store.commit(opening())
    await store.save_evidence("inc1", ["the last words"])
    assert await store.evidence("inc1") == ("the last words",)
    left = (await store.load(NOW))["api"]
    assert (left.state, left.restart_identity) == (opening().state, "run-1")
    assert await store.evidence("inc2") == ()
    disk.recover()
    await store.commit(change(notes=(Note(NoteKind.CLOSED, "healed", WALL, "inc1"),)))
    known = await store.load(NOW)
    assert known["api"].state == change().state
    assert known["api"].restart_identity == "run-1"
    incident = await store.incident("inc1")
    assert incident is not None
    assert [note.kind for note in incident.notes] == ["opened", "restart", "closed"]
    assert incident.evidence == ("the last words",)


async def test_what_a_person_asks_for_says_why_it_cannot_be_had(
    store: DurableStore, disk: Disk
) -> None:
    disk.break_down()
    with pytest.raises(StoreError, match="disk I/O error; check the disk"):
        await store.incidents(3)
    with pytest.raises(StoreError):
        await store.incident("inc1")
    with pytest.raises(StoreError):
        await store.restarts("api", 0)
    await store.commit(change([alert()]))
    assert await store.outbox_summary() == {"slack": Backlog(pending=1, oldest=WALL)}


async def test_the_outbox_is_counted_with_what_is_in_memory(
    store: DurableStore, disk: Disk
) -> None:
    early = replace(change([alert()]), now=replace(NOW, wall=WALL - 60))
    await store.commit(early)
    disk.fill_up()
    await store.commit(change([alert(), alert()], to=("slack", "email")))
    assert await store.outbox_summary() == {
        "slack": Backlog(pending=3, oldest=WALL - 60),
        "email": Backlog(pending=2, oldest=WALL),
    }


async def test_trouble_says_what_is_wrong_and_watchers_hear_of_its_beginning_and_end(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    heard: list[str] = []
    store.watch(lambda: heard.append(store.trouble))
    await store.commit(change())
    disk.break_down()
    await store.commit(change())
    await store.commit(change())
    disk.fill_up()
    await store.commit(change())
    disk.recover()
    await store.retry()
    until = "alerts are sent from memory until"
    assert heard == [
        f"cannot write {path}: disk I/O error; {until} that works again",
        f"cannot write {path}: database or disk is full; {until} there is room",
        "",
    ]


async def test_a_database_set_aside_is_noticed(make_store: MakeStore, path: Path) -> None:
    put(path, b"garbage" * 100)
    heard: list[int] = []
    store = DurableStore(make_store())
    store.watch(lambda: heard.append(len(store.notices)))
    async with store:
        assert heard == [1]
        assert len(store.take_notices()) == 1
        delete(path)
        await store.commit(change([alert()]))
        assert heard == [1, 1]
        assert store.trouble == ""


async def test_relays_wake_for_alerts_that_only_memory_has(store: DurableStore, disk: Disk) -> None:
    woken: list[str] = []
    store.subscribe("slack", lambda: woken.append("slack"))
    disk.break_down()
    await store.commit(change())
    assert woken == []
    await store.commit(change([alert()]))
    await store.post([alert("test", AlertKind.TEST)], ["slack"], NOW)
    assert woken == ["slack", "slack"]
    # Moved to the disk it has another place in the queue, so the relay looks again.
    disk.recover()
    await store.retry()
    assert woken == ["slack", "slack", "slack"]


async def test_a_database_that_cannot_be_opened_is_opened_as_soon_as_it_can_be(
    make_store: MakeStore, disk: Disk, path: Path
) -> None:
    async with make_store() as before:
        await before.commit(change([alert("before")]))
    disk.break_down(sqlite3.SQLITE_CANTOPEN, "unable to open database file")
    async with DurableStore(make_store()) as store:
        assert store.trouble == (
            f"cannot write {path}: unable to open database file;"
            " alerts are sent from memory until that works again"
        )
        assert await store.load(NOW) == {}
        await store.commit(change([alert("now")]))
        disk.recover()
        await store.retry()
        assert await deliver_all(store) == ["before", "now"]


async def test_a_missing_directory_is_for_a_person_to_mend(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist; create it with"):
        await DurableStore(SqliteStore(tmp_path / "no" / "state.db")).__aenter__()


async def test_what_memory_holds_at_the_end_is_written_if_it_can_be(
    make_store: MakeStore, disk: Disk, path: Path
) -> None:
    async with DurableStore(make_store()) as store:
        disk.break_down()
        await store.commit(change([alert()]))
        disk.recover()
    assert [row[0] for row in rows(path)] == ["pending"]


async def test_many_changes_at_once_share_a_transaction(store: DurableStore, disk: Disk) -> None:
    disk.statements.clear()
    await asyncio.gather(*(store.commit(change(service=f"s{n}")) for n in range(100)))
    assert disk.statements.count("COMMIT") == 2, "the first, and all that came meanwhile"
    assert len(await store.load(NOW)) == 100


async def test_a_cancelled_commit_is_done_nevertheless(store: DurableStore) -> None:
    task = asyncio.create_task(store.commit(opening()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.retry()
    incident = await store.incident("inc1")
    assert incident is not None
    assert len(incident.notes) == 2
    assert await deliver_all(store) == ["alert 1"]


# --- a disk that does not answer -----------------------------------------------------------------


class Stall:
    """Holds every statement up until it is released."""

    def __init__(self, disk: Disk) -> None:
        self.gate = threading.Event()
        disk.before = self.wait

    def wait(self, _: str) -> None:
        self.gate.wait(30)


async def test_a_disk_that_does_not_answer_stops_nothing(
    make_store: MakeStore, disk: Disk, path: Path
) -> None:
    async with DurableStore(make_store(), patience=0.05) as store:
        stall = Stall(disk)
        try:
            await store.commit(change([alert("1")]))
            assert store.trouble == (
                f"cannot use {path}: no answer within 0.05 s;"
                " alerts are sent from memory until that works again"
            )
            # Now that it is known, nobody waits for it any more.
            async with asyncio.timeout(0.04):
                for number in range(100):
                    await store.commit(change(service=f"s{number}"))
                assert await deliver_all(store) == ["1"]
            mended = asyncio.Event()
            store.watch(mended.set)
        finally:
            stall.gate.set()
        await mended.wait()  # nobody has to ask: its answer is the sign
        assert store.trouble == ""
        assert len(await store.load(NOW)) == 101
        assert await oldest(store, "slack") is None
        assert [row[0] for row in rows(path)] == ["sent"]


async def test_stopping_does_not_wait_for_a_disk_that_does_not_answer(
    make_store: MakeStore, disk: Disk
) -> None:
    store = DurableStore(make_store(), patience=0.01)
    try:
        async with asyncio.timeout(1), store:
            stall = Stall(disk)
            await store.commit(change([alert("1")]))
    finally:
        stall.gate.set()


# --- bounds --------------------------------------------------------------------------------------


async def test_memory_keeps_every_alert_and_each_newest_state_but_not_all_history(
    make_store: MakeStore, disk: Disk, path: Path
) -> None:
    disk.break_down()
    store = DurableStore(make_store(), memory=Memory(max_entries=20))
    note = Note(NoteKind.FAILED, "down", WALL)
    for number in range(100):
        alerts = [alert(f"{number}")] if number % 10 == 0 else []
        state = State(f"s{number % 3}", failures=number)
        await store.commit(change(alerts, state=state, notes=(note,)))
    disk.recover()
    async with store:
        await store.retry()
        known = await store.load(NOW)
        failures = {name: left.state.failures for name, left in known.items()}
        assert failures == {"s0": 99, "s1": 97, "s2": 98}
        assert await deliver_all(store) == [f"{n}" for n in range(0, 100, 10)]
    ((notes,),) = query(path, "SELECT count(*) FROM note")
    assert 10 <= notes < 60


async def test_beyond_its_bound_memory_loses_the_oldest_alerts_and_says_so(
    make_store: MakeStore, disk: Disk
) -> None:
    disk.break_down()
    store = DurableStore(make_store(), memory=Memory(max_letters=20))
    for number in range(20):
        await store.commit(change([alert(f"{number}")]))
    for _ in range(5):
        delivery = await oldest(store, "slack")
        assert delivery is not None
        await store.delivered([delivery], Receipt(), WALL)
    await store.commit(change([alert("20")]))
    assert "lost" not in store.trouble, "those that were sent went first"
    for number in range(21, 40):
        await store.commit(change([alert(f"{number}")]))
    assert store.trouble.endswith(" alerts were lost for want of memory")
    lost = int(store.trouble.split()[-8])
    assert await deliver_all(store) == [f"{number}" for number in range(5 + lost, 40)]
    disk.recover()
    async with store:
        await store.retry()
        assert await deliver_all(store) == []


async def test_a_delivery_whose_recording_seemed_to_fail_is_not_repeated(
    store: DurableStore, disk: Disk
) -> None:
    await store.commit(change([alert("1"), alert("2")]))
    delivery = await oldest(store, "slack")
    assert delivery is not None

    def doubt(sql: str) -> None:
        if sql == "COMMIT":
            raise failing(sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error")

    disk.after = doubt
    await store.delivered([delivery], Receipt(), WALL)
    following = await oldest(store, "slack")
    assert isinstance(following, Delivery)
    assert following.alert.reason == "2"
    disk.recover()
    assert await deliver_all(store) == ["2"]


async def test_pruning_goes_on_quietly_and_fails_quietly(
    store: DurableStore, disk: Disk, path: Path
) -> None:
    await store.commit(change([alert("1")]))
    assert await deliver_all(store) == ["1"]
    later = replace(NOW, wall=WALL + 31 * 86400)
    disk.break_down()
    await store.prune(later)
    assert "disk I/O error" in store.trouble
    disk.recover()
    await store.prune(later)
    await store.retry()
    assert rows(path) == []
    assert store.trouble == ""
