"""The recorded history in the database: written with the state, read back, bounded."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.store.conftest import MakeStore
from tests.unit.store.place import overwrite, page_of, query
from tests.unit.store.values import BOOT, NOW, WALL, change, opening
from watchdog.core.history import Again, Ended, Record, Turn, Watching, Withdrawn
from watchdog.core.model import (
    Acknowledged,
    AlertKind,
    Began,
    Crashed,
    Judged,
    Leased,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Pressed,
    Released,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silenced,
    State,
    Unsilenced,
    Verdict,
)
from watchdog.errors import StoreError
from watchdog.store import SqliteStore, retention
from watchdog.store.history import REASON, Life, pack, unpack, unpacked
from watchdog.store.ledger import Ledger
from watchdog.store.schema import MIGRATIONS, VERSION

ANSWER = Observation(Verdict.FAIL, "port", "held", curable=False, dead=True, until=9.5)
EVENTS: Sequence[Judged] = (
    ANSWER,
    Observation(Verdict.HOLD, "unit", "starting"),
    RestartFinished(RestartOutcome.FAILED, "no", 1.5),
    Crashed(3, "SEGV"),
    Began(restarted=True),
    Began(restarted=False),
    Paused(5.0, "kim", "deploy"),
    Silenced(5.0, "kim", "known"),
    Resumed("kim"),
    Unsilenced("kim"),
    RestartRequested("kim"),
    RestartRequested("kim", "abc234"),
    Paused(5.0, "kim", "deploy", "abc234"),
    Silenced(5.0, "kim", "known", "abc234"),
    Acknowledged("kim", "on it", "abc234"),
    Pressed("abc234", "restart: refused"),
    Leased("5f1c", 5.0, "lee"),
    Released("5f1c", "done, health is proven"),
)
RECORDS: Sequence[Record] = (
    Watching(NOW, None, 0.25),
    Watching(NOW, State("api", Phase.HEALTHY, since=5.0)),
    Turn(NOW, ANSWER, 3.5, True, Phase.SUSPECT, (NoteKind.FAILED,), (AlertKind.FIRING,), ""),
    *(Turn(NOW, event) for event in EVENTS),
    Again(NOW, 9.0, 57_600),
    Ended(NOW),
    Withdrawn(NOW, (AlertKind.RESOLVED,)),
)


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_every_record_comes_back_as_it_was(record: Record) -> None:
    assert unpack(pack([record])) == (record,)


def test_what_an_answer_that_passed_said_is_not_kept_and_no_reason_at_length() -> None:
    [passed, failed] = unpack(
        pack(
            [
                Turn(NOW, Observation(Verdict.PASS, "http", "200 after 0.01 s")),
                Turn(NOW, Observation(Verdict.FAIL, "http", "x" * 5000)),
            ]
        )
    )
    assert isinstance(passed, Turn)
    assert isinstance(failed, Turn)
    assert passed.event == Observation(Verdict.PASS, "http", "")
    assert failed.event == Observation(Verdict.FAIL, "http", "x" * REASON)


@given(st.text())
def test_any_text_can_be_kept(text: str) -> None:
    assert len(unpack(pack([Turn(NOW, Crashed(1, text))]))) == 1


@pytest.mark.parametrize("text", ["", "{}", '[{"kind":"dreamt","at":[1,2]}]', '[{"kind":"ended"}]'])
def test_what_cannot_be_read_is_told_and_left_out(text: str) -> None:
    with pytest.raises(StoreError, match=r"cannot read recorded history: .*; it is left out"):
        unpack(text)


async def test_it_is_written_with_the_state_it_has_led_to(store: SqliteStore, path: Path) -> None:
    async with store:
        first = change(history=[Watching(NOW, None), Turn(NOW, ANSWER, 1.0)])
        await store.commit(first)
        await store.commit(change())
        await store.commit(change(service="web", history=[Ended(NOW)]))
        [api, web] = await store.history("", 0, 10)
        assert await store.history("web", 0, 10) == [web]
        assert await store.history("", api.id, 10) == [web]
        assert await store.history("", 0, 1) == [api]
        assert [row.service for row in (api, web)] == ["api", "web"]
        assert unpack(api.records) == tuple(first.history)
        assert await store.lives() == [Life(api.life, BOOT, NOW.mono, NOW.wall)]
        assert await store.life() == api.life
    assert query(path, "SELECT count(*) FROM history") == [(2,)]


async def test_a_damaged_row_costs_itself_alone(store: SqliteStore, path: Path) -> None:
    async with store:
        for _ in range(3):
            await store.commit(change(history=[Ended(NOW)]))
    query(path, "UPDATE history SET records = '[{' WHERE id = 2")
    async with store:
        rows = await store.history("", 0, 10)
    assert [row.id for row, _ in unpacked(rows)] == [1, 3]


async def test_a_run_of_the_daemon_is_known_by_when_it_was_last_alive(
    make_store: MakeStore,
) -> None:
    async with make_store() as store:
        assert await store.life() == 0
        await store.commit(change(history=[Watching(NOW, None)]))
        await store.note_alive(Now(NOW.mono + 60, WALL + 60))
    async with make_store() as store:
        await store.commit(change(history=[Watching(Now(2000, WALL + 900), None)]))
        assert await store.lives() == [
            Life(1, BOOT, NOW.mono + 60, WALL + 60),
            Life(2, BOOT, NOW.mono, WALL),
        ]


async def test_a_database_of_the_version_before_gets_a_history_and_keeps_the_rest(
    make_store: MakeStore, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for statement in MIGRATIONS[0]:
            old.execute(statement)
        old.execute("PRAGMA application_id = 0x53574447")
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO incident VALUES ('abc234', 'api', 1.0, NULL, 'port', 'refused')")
    with pytest.raises(StoreError, match="an older version wrote it"):
        Ledger(path)
    async with make_store() as store:
        assert store.notices == ()
        assert [incident.id for incident in await store.incidents(5)] == ["abc234"]
        await store.commit(change(history=[Ended(NOW)]))
        assert len(await store.history("", 0, 10)) == 1
    assert query(path, "PRAGMA user_version") == [(VERSION,)]


# --- retention ------------------------------------------------------------------------------------

DAY = 86400.0


async def fill(store: SqliteStore, *services: str, days: Sequence[float]) -> None:
    for day in days:
        for service in services:
            now = Now(day * DAY, WALL + day * DAY)
            await store.commit(change(service=service, now=now, history=[Ended(now)]))


def left(path: Path) -> list[tuple[str, float]]:
    rows = query(path, "SELECT service, wall FROM history ORDER BY id")
    return [(service, (wall - WALL) / DAY) for service, wall in rows]


async def test_what_stood_at_the_horizon_is_kept_however_old(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await fill(store, "api", days=[0, 1, 200])
        await fill(store, "web", days=[0])
        await store.prune(Now(0, WALL + 450 * DAY))
        assert left(path) == [("api", 1), ("api", 200), ("web", 0)]
        await store.prune(Now(0, WALL + 5000 * DAY))
        assert left(path) == [("api", 200), ("web", 0)]


async def test_a_service_that_flaps_costs_the_others_nothing(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await fill(store, "web", days=[0])
        await fill(store, "api", days=range(1, 9))
    with closing(sqlite3.connect(path)) as raw:
        while retention.prune(raw, WALL, max_history=3):
            pass
        raw.commit()
    assert left(path) == [("web", 0), ("api", 6), ("api", 7), ("api", 8)]


async def test_of_all_of_it_only_so_much_is_kept_and_of_each_service_the_newest(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await fill(store, "old", days=[0])
        await fill(store, "api", "web", days=[1, 2, 3])
    with closing(sqlite3.connect(path)) as raw:
        while retention.prune(raw, WALL, {"history": 3}):
            pass
        raw.commit()
    assert left(path) == [("old", 0), ("web", 2), ("api", 3), ("web", 3)]


async def test_the_work_of_pruning_grows_as_the_rows_do_and_no_faster(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change(history=[Ended(NOW)]))
    with closing(sqlite3.connect(path)) as raw:
        few, many = (work_of_pruning(raw, rows) for rows in (100, 800))
    assert few > 0
    assert many < 10 * few


def work_of_pruning(raw: sqlite3.Connection, rows: int) -> int:
    """Return the work, in instructions of SQLite, where half of a flapping service's rows go."""
    raw.executescript("DELETE FROM history; DELETE FROM incident; DELETE FROM outbox")
    numbers = range(rows)
    raw.executemany(
        "INSERT INTO history (service, life, wall, records) VALUES ('api', 1, ?, '[]')",
        [(WALL + number,) for number in numbers],
    )
    raw.executemany(
        "INSERT INTO incident VALUES (?, 'api', ?1, ?1 + 1, 'unit', 'down')",
        [(number,) for number in numbers],
    )
    raw.executemany(
        "INSERT INTO outbox (destination, incident, kind, alert, key, created, status, ended)"
        " VALUES ('slack', ?1, 'firing', '{}', ?1, 0, 'sent', ?1)",
        [(number,) for number in numbers],
    )
    counted = []
    raw.set_progress_handler(lambda: counted.append(1), 100)
    half = rows // 2
    while retention.prune(raw, WALL, {"incident": half, "outbox": half}, max_history=half):
        pass
    raw.set_progress_handler(None, 0)
    assert raw.execute("SELECT count(*) FROM history").fetchone() == (half,)
    return len(counted)


async def test_a_run_of_which_nothing_is_left_is_forgotten(
    make_store: MakeStore, path: Path
) -> None:
    for day in (0, 1, 900):
        async with make_store() as store:
            await fill(store, "api", days=[day])
            if day == 900:
                await store.prune(Now(0, WALL + 901 * DAY))
    assert query(path, "SELECT id FROM life ORDER BY id") == [(2,), (3,)]


# --- kill -9 --------------------------------------------------------------------------------------

KILLED = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.values import NOW, change
from watchdog.core.history import Again, Ended
from watchdog.core.model import Now, State, Phase
from watchdog.store import SqliteStore

async def main():
    async with SqliteStore(Path(sys.argv[1]), boot_id="b", ballast_size=4096) as store:
        for number in range(1, 100_000):
            now = Now(1000.0 + number, NOW.wall + number)
            state = State("api", Phase.SUSPECT, since=float(number))
            await store.commit(change(state=state, now=now, history=[Again(now, 1.0, number)]))
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.adapter
def test_after_a_kill_the_history_ends_with_the_state_that_it_has_led_to(path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    for line in killed.stdout:
        if int(line) == 50:
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.stdout.close()
    killed.wait()
    with Ledger(path) as ledger:
        counts = [
            record.count
            for _, records in unpacked(ledger.history())
            for record in records
            if isinstance(record, Again)
        ]
        [life] = ledger.lives()
    [(state,)] = query(path, "SELECT json_extract(state, '$.since') FROM service_state")
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) >= 50
    assert counts[-1] == state == life.mono - 1000


# --- reading from outside -------------------------------------------------------------------------


def test_a_database_that_is_not_there_or_not_ours_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"cannot read {path}: No such file or directory"):
        Ledger(path)
    query(path, "CREATE TABLE recipe (name TEXT)")
    with pytest.raises(StoreError, match="it is not a database of service-watchdog"):
        Ledger(path)
    garbage = tmp_path / "garbage"
    garbage.write_text("Dear diary" * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        Ledger(garbage)


async def test_damage_is_told_as_such_and_what_is_whole_is_read(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        for _ in range(4):
            await store.commit(change(history=[Ended(NOW)]))
    query(
        path,
        "UPDATE history SET records = '[]' WHERE id = 2",
        "UPDATE history SET records = CAST(X'5BFF5D' AS TEXT) WHERE id = 3",
    )
    with Ledger(path) as ledger:
        assert [row.id for row, _ in unpacked(ledger.history())] == [1, 4]
    overwrite(path, page_of(path, "history"))
    with Ledger(path) as ledger:
        with pytest.raises(StoreError, match=f"cannot read {path}: .*malformed"):
            ledger.history()
        assert len(ledger.lives()) == 1


async def test_a_database_of_a_newer_version_is_not_guessed_at(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await store.commit(opening())
    query(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreError, match="a newer version wrote it"):
        Ledger(path)


async def test_reading_leaves_no_trace(store: SqliteStore, path: Path) -> None:
    async with store:
        await store.commit(opening())
        with Ledger(path) as ledger:
            assert [incident.id for incident in ledger.incidents(5)] == ["inc1"]
    before = {file: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    with Ledger(path) as ledger:
        assert [incident.id for incident in ledger.incidents(5)] == ["inc1"]
    assert {file: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before
