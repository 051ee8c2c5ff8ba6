"""A full disk, a full database, and what is forgotten so that neither comes about."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk, failing
from tests.unit.store.outbox import oldest
from tests.unit.store.place import query
from tests.unit.store.values import NOW, WALL, alert, change, opening
from watchdog.core.model import (
    Alert,
    AlertKind,
    Note,
    NoteKind,
    Now,
    Restart,
    RestartFinished,
    RestartOutcome,
    State,
)
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Receipt
from watchdog.store import DurableStore, SqliteStore, retention
from watchdog.store.ballast import Ballast
from watchdog.store.encode import encode
from watchdog.store.entry import Batch

pytestmark = pytest.mark.adapter

KIB = 1024


class Filler:
    """A file that takes up all the room that is left."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "filler"

    def fill(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            for size in (64 * KIB, 4 * KIB, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        self.path.unlink()


def on(directory: Path) -> SqliteStore:
    return SqliteStore(directory / "state.db", ballast_size=128 * KIB)


async def commit_for_ever(store: SqliteStore, filler: Filler | None = None) -> NoReturn:
    while True:
        await store.commit(change([alert("connection refused " * 20)]))
        if filler is not None:
            filler.fill()


async def test_a_full_disk_takes_what_is_due_out_of_the_reserve(small_disk: Path) -> None:
    filler = Filler(small_disk)
    async with on(small_disk) as store:
        ballast = small_disk / "state.db.ballast"
        assert ballast.stat().st_size == 128 * KIB
        assert ballast.stat().st_blocks * 512 >= 128 * KIB
        filler.fill()
        while not store.trouble:
            await store.commit(opening())
        assert store.trouble == (
            f"the file system of {small_disk}/state.db is nearly full: the database's reserve of"
            " 0.125 MiB is used up; make room"
        )
        assert not ballast.exists()
        delivery = await oldest(store, "slack")
        assert delivery is not None
        await store.delivered([delivery], Receipt(), WALL)
        filler.make_room()
        await store.check()
        assert store.trouble == ""
        assert ballast.exists()


async def test_beyond_the_reserve_writing_fails_and_reading_works(small_disk: Path) -> None:
    filler = Filler(small_disk)
    async with on(small_disk) as store:
        filler.fill()
        with pytest.raises(StoreError) as caught:
            await commit_for_ever(store, filler)
        assert str(caught.value) == (
            f"cannot write {small_disk}/state.db: database or disk is full;"
            " make room on its file system"
        )
        assert (await store.load(NOW))["api"].state == change().state
        filler.make_room()
        await store.commit(opening())
        assert (await store.load(NOW))["api"].state == opening().state


async def test_what_a_full_disk_refused_is_sent_from_memory_and_written_later(
    small_disk: Path,
) -> None:
    filler = Filler(small_disk)
    async with DurableStore(on(small_disk)) as store:
        filler.fill()
        number = 0
        while "from memory" not in store.trouble:
            number += 1
            await store.commit(change([alert(f"{number}")]))
            filler.fill()
        assert store.trouble == (
            f"cannot write {small_disk}/state.db: database or disk is full;"
            " alerts are sent from memory until there is room"
        )
        for expected in range(1, number + 1):
            delivery = await oldest(store, "slack")
            assert delivery is not None
            assert delivery.alert.reason == f"{expected}"
            await store.delivered([delivery], Receipt(), WALL)
        assert await oldest(store, "slack") is None
        filler.make_room()
        await store.retry()
        assert store.trouble == ""
    async with on(small_disk) as again:
        assert await oldest(again, "slack") is None
    statuses = query(small_disk / "state.db", "SELECT status, count(*) FROM outbox GROUP BY status")
    assert statuses == [("sent", number)]


async def test_a_store_opens_on_a_full_disk_by_its_reserve(small_disk: Path) -> None:
    async with on(small_disk) as store:
        for number in range(20):
            await store.commit(opening(number))
    filler = Filler(small_disk)
    filler.fill()
    async with on(small_disk) as store:
        assert set(await store.load(NOW)) == {"api"}
        await store.commit(change())
        assert store.trouble


async def test_a_daemon_that_starts_on_a_full_disk_watches_all_the_same(small_disk: Path) -> None:
    filler = Filler(small_disk)
    filler.fill()
    async with DurableStore(on(small_disk)) as store:
        assert "alerts are sent from memory" in store.trouble
        assert await store.load(NOW) == {}
        await store.commit(change([alert("1")]))
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.id < 0
        filler.make_room()
        await store.retry()
        assert store.trouble == ""
        again = await oldest(store, "slack")
        assert again is not None
        assert again.key == delivery.key
        assert again.id > 0


async def test_a_full_database_forgets_its_oldest_history_first(make_store: MakeStore) -> None:
    async with make_store(max_size=512 * KIB) as store:
        for number in range(150):
            long = Note(NoteKind.FAILED, "word " * 1000, WALL, "inc1")
            notes = (*opening(number).notes, long)
            await store.commit(replace(opening(number, to=("slack",)), notes=notes))
            delivery = await oldest(store, "slack")
            assert delivery is not None
            await store.delivered([delivery], Receipt(), WALL)
        assert store.path.stat().st_size <= 512 * KIB
        assert store.trouble == ""
        assert (await store.load(NOW))["api"].state == opening(149).state
        assert (await store.load(NOW))["api"].restart_identity == "run-1"


async def test_a_log_that_is_cut_as_history_is_forgotten_is_not_missed(
    make_store: MakeStore,
) -> None:
    """SQLite cuts it to 1 MiB with the first commit after it was longer."""
    async with make_store(max_size=4096 * KIB) as store:
        await store.post([alert()], ["slack"], NOW)
        for delivery in await store.due("slack"):
            await store.delivered([delivery], Receipt(), WALL)  # goes first, and is little
        for number in range(5):
            lines = encode(["evidence"] * 6000)
            evidence = {f"incident {number}/{each}": lines for each in range(20)}
            await store.write(Batch(evidence=evidence))
        assert store.path.stat().st_size > 3000 * KIB
        assert list(store.notices) == []


async def test_alerts_that_are_due_never_give_way(make_store: MakeStore) -> None:
    async with make_store(max_size=512 * KIB) as store:
        woken: list[None] = []
        store.subscribe("slack", lambda: woken.append(None))
        with pytest.raises(StoreError) as caught:
            await commit_for_ever(store)
        assert str(caught.value) == (
            f"cannot write {store.path}: it has reached its limit of 0.5 MiB with alerts that"
            " are still due; mend the channels that do not take them"
        )
        assert (await store.outbox_summary())["slack"].pending == len(woken) > 300
        for _ in range(20):
            delivery = await oldest(store, "slack")
            assert delivery is not None
            await store.delivered([delivery], Receipt(), WALL)
        await store.commit(change([alert("there is room again")]))


async def test_an_error_of_a_quota_is_met_with_the_reserve(
    store: SqliteStore, disk: Disk, path: Path
) -> None:
    async with store:

        def over_quota(sql: str) -> None:
            if path.with_name("state.db.ballast").exists() and sql == "COMMIT":
                raise failing(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error")

        disk.before = over_quota
        await store.commit(change())
        assert set(await store.load(NOW)) == {"api"}


def test_the_reserve_is_not_made_when_there_is_little_room(small_disk: Path) -> None:
    ballast = Ballast(small_disk / "ballast", 1024 * KIB)
    assert not ballast.fill()
    assert not ballast.path.exists()
    assert not ballast.release()
    assert Ballast(small_disk / "ballast", 256 * KIB).fill()
    assert not ballast.is_there, "another size"


# --- retention -----------------------------------------------------------------------------------

DAY = 86400.0


def days_later(days: float) -> Now:
    return Now(NOW.mono, WALL + days * DAY)


def count(store: SqliteStore) -> dict[str, int]:
    return {
        table: query(store.path, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
        for table in ("note", "incident", "restart", "evidence", "outbox", "service_state")
    }


async def test_history_is_kept_for_a_year_and_sent_alerts_for_a_month(store: SqliteStore) -> None:
    async with store:
        await store.commit(opening())
        closing = Note(NoteKind.CLOSED, "healed", WALL, "inc1")
        done = RestartFinished(RestartOutcome.DONE, "started")
        await store.commit(change(notes=(closing,), finished=done))
        sent = await oldest(store, "slack")
        dead = await oldest(store, "email")
        assert sent is not None
        assert dead is not None
        await store.delivered([sent], Receipt(), WALL)
        await store.rejected(dead, "no such mailbox", WALL)
        everything = {
            "note": 3,
            "incident": 1,
            "restart": 1,
            "evidence": 0,
            "outbox": 2,
            "service_state": 1,
        }
        await store.prune(days_later(29.9))
        assert count(store) == everything
        await store.prune(days_later(30.1))
        assert count(store) == {**everything, "outbox": 1}
        await store.prune(days_later(90.1))
        assert count(store) == {**everything, "outbox": 0}
        await store.prune(days_later(399.9))
        assert count(store)["note"] == 3
        await store.prune(days_later(400.1))
        assert count(store) == {**dict.fromkeys(everything, 0), "service_state": 1}


async def test_what_is_open_or_due_is_never_too_old(store: SqliteStore) -> None:
    async with store:
        await store.commit(opening())
        await store.prune(days_later(10_000))
        assert count(store) == {
            "note": 0,
            "incident": 1,
            "restart": 1,
            "evidence": 0,
            "outbox": 2,
            "service_state": 1,
        }


async def test_what_was_sent_of_an_open_incident_is_kept_as_long_as_it_is_open(
    store: SqliteStore,
) -> None:
    about = replace(alert(), incident="inc1")
    async with store:
        await store.commit(replace(opening(), alerts=(Addressed(about, ("slack",)),)))
        await store.commit(change([alert("another, closed")], to=("email",)))
        for destination in ("slack", "email"):
            sent = await oldest(store, destination)
            assert sent is not None
            await store.delivered([sent], Receipt(), WALL)
        await store.prune(days_later(31))
        assert await store.standing("slack") == [about]
        assert await store.standing("email") == []
        await store.commit(change(notes=(Note(NoteKind.CLOSED, "healed", WALL, "inc1"),)))
        await store.prune(days_later(31))
        assert await store.standing("slack") == []


async def test_what_was_sent_of_a_warning_is_kept_and_told_again_as_long_as_it_stands(
    store: SqliteStore,
) -> None:
    about = Circumstance(CircumstanceKind.DISK, subject="/srv", value=91.0)
    told = Alert(AlertKind.WARNING, "api", WALL, "full", incident="warn1", circumstance=about)
    standing = State("api", warnings=(StandingWarning("warn1", about, WALL, 1, 1),))
    async with store:
        await store.commit(change([told], state=standing))
        sent = await oldest(store, "slack")
        assert sent is not None
        await store.delivered([sent], Receipt(), WALL)
        await store.prune(days_later(31))
        assert await store.standing("slack") == [told]
        await store.commit(change(state=State("api")))
        assert await store.standing("slack") == [], "it is over, though nothing resolved was sent"
        await store.prune(days_later(31))
        assert query(store.path, "SELECT count(*) FROM outbox") == [(0,)]


async def test_a_state_that_nobody_can_read_does_not_keep_history_from_being_forgotten(
    store: SqliteStore,
) -> None:
    async with store:
        await store.commit(change([alert()]))
        sent = await oldest(store, "slack")
        assert sent is not None
        await store.delivered([sent], Receipt(), WALL)
    query(store.path, "UPDATE service_state SET state = '{\"warnings\": 7'")
    async with store:
        await store.prune(days_later(31))
        assert await store.standing("slack") == []


async def test_the_newest_of_too_many_are_kept(store: SqliteStore) -> None:
    async with store:
        for number in range(9):
            note = Note(NoteKind.FAILED, f"{number}", WALL, "inc1")
            await store.commit(change(notes=(note,), restart=Restart("down", number)))
            await store.save_evidence(f"inc{number}", ["line"])
        await store.commit(change(notes=(Note(NoteKind.OPENED, "9", WALL, "inc1"),)))
        with sqlite3.connect(store.path) as raw:
            while retention.prune(raw, WALL, {"note": 3, "restart": 2, "evidence": 1}):
                pass
        raw.close()
        incident = await store.incident("inc1")
        assert incident is not None
        assert [note.text for note in incident.notes] == ["7", "8", "9"]
        assert [restart.number for restart in await store.restarts("api", 0)] == [7, 8]
        assert await store.evidence("inc7") == ()
        assert await store.evidence("inc8") == ("line",)
