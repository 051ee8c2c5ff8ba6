from __future__ import annotations

import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.conftest import MakeStore
from tests.unit.store.faults import Disk
from tests.unit.store.outbox import oldest
from tests.unit.store.place import query
from tests.unit.store.values import NOW, WALL, alert, change, opening
from watchdog.core.model import (
    Alert,
    AlertKind,
    Maintenance,
    Note,
    NoteKind,
    Now,
    Observation,
    Phase,
    Restart,
    RestartFinished,
    RestartOutcome,
    State,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.errors import StoreError
from watchdog.ports import Receipt, Store
from watchdog.store import SqliteStore
from watchdog.store.read import Backlog, PastIncident, PastRestart

pytestmark = pytest.mark.adapter


async def test_a_new_store_knows_nothing_and_says_nothing(store: SqliteStore) -> None:
    async with store:
        assert await store.load(NOW) == {}
        assert await oldest(store, "slack") is None
        assert await store.outbox_summary() == {}
        assert store.trouble == ""
        assert store.notices == ()


async def test_it_is_a_store(store: SqliteStore) -> None:
    as_port: Store = store
    assert as_port is store


async def test_nobody_else_may_read_its_files(make_store: MakeStore, path: Path) -> None:
    async with make_store() as store:
        await store.commit(change())
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ("state.db", "state.db-wal", "state.db-shm", "state.db.ballast"), 0o600
    )


async def test_a_state_comes_back_as_it_was(make_store: MakeStore) -> None:
    state = State(
        "api",
        Phase.MAINTENANCE,
        since=990.5,
        failures=2,
        cause=Observation(Verdict.FAIL, "http", "503: « trop tard » \udcff", 0.25, until=5.0),
        restarts=(1.0, 2.5),
        incident=opening().state.incident,
        maintenance=Maintenance(2000.0, "kim", "deploy"),
    )
    async with make_store() as store:
        await store.commit(change(state=state))
    async with make_store() as store:
        left = (await store.load(NOW))["api"]
    assert state.cause is not None
    # What is no character was written as an escape.
    mended = replace(state.cause, reason="503: « trop tard » \\udcff")
    assert left.state == replace(state, cause=mended)
    assert left.restart_identity is None


async def test_the_newest_state_of_each_service_counts(store: SqliteStore) -> None:
    async with store:
        for failures in (1, 2):
            for name in ("api", "web"):
                await store.commit(change(state=State(name, failures=failures)))
        known = await store.load(NOW)
    assert {name: left.state.failures for name, left in known.items()} == {"api": 2, "web": 2}


async def test_a_state_that_nobody_understands_is_left_out_and_told_of(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change(service="api"))
        await store.commit(change(service="web"))
    query(path, """UPDATE service_state SET state = '{"phase": "?"}' WHERE service = 'api'""")
    async with make_store() as store:
        assert set(await store.load(NOW)) == {"web"}
        (notice,) = store.take_notices()
        assert notice.text.startswith("cannot read a saved state: ")
        assert notice.text.endswith("; it is left out: api begins anew")
        assert notice.circumstance == Circumstance(
            CircumstanceKind.STATE_UNREADABLE, "Invalid enum value '?' - at `$.phase`", "api"
        )
        assert store.notices == ()


@pytest.mark.parametrize(
    "damage", ['{"phase": "?"} and more', "{", "", '{"more": ' + "[" * 5000], ids=range(4)
)
async def test_a_damaged_state_keeps_no_other_from_being_known(
    make_store: MakeStore, path: Path, damage: str
) -> None:
    async with make_store() as store:
        await store.commit(change(service="api"))
        await store.commit(change(service="web"))
    query(path, f"UPDATE service_state SET state = '{damage}' WHERE service = 'api'")  # noqa: S608
    async with make_store() as store:
        assert set(await store.load(NOW)) == {"web"}


async def test_a_state_of_another_version_is_understood(make_store: MakeStore, path: Path) -> None:
    async with make_store() as store:
        await store.commit(change())
    query(path, """UPDATE service_state SET state = '{"service": "api", "mood": "good"}'""")
    async with make_store() as store:
        assert (await store.load(NOW))["api"].state == State("api")


# --- outbox --------------------------------------------------------------------------------------


async def test_alerts_leave_in_the_order_in_which_they_came(store: SqliteStore) -> None:
    async with store:
        await store.commit(change([alert("1"), alert("2")], to=("slack", "email")))
        await store.commit(change([alert("3")], service="web", to=("slack", "email")))
        for destination in ("slack", "email"):
            reasons = []
            while delivery := await oldest(store, destination):
                reasons.append(delivery.alert.reason)
                await store.delivered([delivery], Receipt(), WALL)
            assert reasons == ["1", "2", "3"]


async def test_an_alert_is_kept_word_for_word(store: SqliteStore) -> None:
    sent = replace(alert("über \N{SNOWMAN}", AlertKind.RESOLVED), duration=1.25, restarts=2)
    async with store:
        await store.commit(change([sent]))
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.alert == sent
        assert delivery.attempts == 0
        assert delivery.id > 0


async def test_a_delivery_has_the_same_key_at_every_try_and_no_other_has_it(
    make_store: MakeStore,
) -> None:
    keys = []
    for destination in ("slack", "email"):
        async with make_store() as store:
            await store.commit(change([alert()], to=(destination,)))
            first = await oldest(store, destination)
            assert first is not None
            await store.attempt_failed([first], "429", WALL)
        async with make_store() as store:
            second = await oldest(store, destination)
            assert second is not None
        assert (first.key, first.attempts) == (second.key, 0)
        assert second.attempts == 1
        keys.append(first.key)
    assert len(set(keys)) == 2


def rewrite(path: Path, table: str, column: str, value: str) -> None:
    query(path, f"UPDATE {table} SET {column} = {value}")  # noqa: S608 - our own words


async def test_what_is_told_as_data_crosses_the_store(store: SqliteStore) -> None:
    sent = replace(
        alert(),
        measure=Measure(MeasureKind.GAVE_UP, count=5, next_try=WALL + 900.5),
        circumstance=Circumstance(CircumstanceKind.CRASH_LOOP, "exit 1", count=3, lasted=40.5),
    )
    async with store:
        await store.commit(change([sent]))
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.alert == sent


async def test_an_alert_that_an_older_version_worded_is_delivered_in_its_words(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([alert()]))
    # As it was written before there was a choice of languages.
    old = (
        '{"kind":"firing","service":"api","wall":1763777580.0,"reason":"exit 1","check":"unit",'
        '"incident":"abc234","opened":1763777580.0,"failures":3,"max_failures":3,"restarts":1,'
        '"action":"restarting now (4 more allowed for now)","duration":0.0}'
    )
    rewrite(path, "outbox", "alert", f"'{old}'")
    async with make_store() as store:
        delivery = await oldest(store, "slack")
        assert delivery is not None
        words = "restarting now (4 more allowed for now)"
        assert delivery.alert.measure == Measure(MeasureKind.WORDED, words=words)
        assert (delivery.alert.reason, delivery.alert.failures) == ("exit 1", 3)


async def test_an_alert_that_an_older_version_had_no_more_to_say_of_is_delivered(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([alert()]))
    old = '{"kind":"test","service":"","wall":1763777580.0,"reason":"all is well","action":""}'
    rewrite(path, "outbox", "alert", f"'{old}'")
    async with make_store() as store:
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert (delivery.alert.reason, delivery.alert.measure) == ("all is well", None)


async def test_what_a_newer_version_tells_in_a_way_not_known_here_keeps_its_reason(
    make_store: MakeStore, path: Path
) -> None:
    cause = Observation(
        Verdict.FAIL, "unit", "eaten: x", circumstance=Circumstance(CircumstanceKind.CRASH_LOOP)
    )
    sent = replace(
        alert("eaten: x"), measure=Measure(MeasureKind.HEALED), circumstance=cause.circumstance
    )
    async with make_store() as store:
        await store.commit(change([sent], state=State("api", failures=2, cause=cause)))
    newer = "replace(replace({0}, 'crash-loop', 'eaten'), '\"healed\"', '\"mended\"')"
    rewrite(path, "outbox", "alert", newer.format("alert"))
    rewrite(path, "service_state", "state", newer.format("state"))
    async with make_store() as store:
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.alert == alert("eaten: x")
        state = (await store.load(NOW))["api"].state
        assert state == State("api", failures=2, cause=replace(cause, circumstance=None))
        assert store.notices == ()


async def test_a_failed_try_holds_up_what_is_behind_it_and_a_refused_one_does_not(
    store: SqliteStore,
) -> None:
    async with store:
        await store.commit(change([alert("1"), alert("2")]))
        first = await oldest(store, "slack")
        assert first is not None
        await store.attempt_failed([first], "timeout", WALL)
        again = await oldest(store, "slack")
        assert again is not None
        assert again == replace(first, attempts=1)
        await store.rejected(again, "channel_not_found", WALL)
        second = await oldest(store, "slack")
        assert second is not None
        assert second.alert.reason == "2"
        summary = await store.outbox_summary()
        assert summary == {"slack": Backlog(pending=1, oldest=WALL, dead=1)}


async def test_an_alert_that_nobody_understands_becomes_a_dead_letter(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store() as store:
        await store.commit(change([alert("1"), alert("2")]))
    query(path, "UPDATE outbox SET alert = '?' WHERE id = 1")
    async with make_store() as store:
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.alert.reason == "2"
        (notice,) = store.notices
        assert notice.text.startswith(
            "cannot deliver an alert to slack: cannot read a saved alert: "
        )
        told = notice.circumstance
        assert (told.kind, told.subject) == (CircumstanceKind.ALERT_UNREADABLE, "slack")
        assert told.reason.startswith("JSON is malformed")
        assert (await store.outbox_summary())["slack"].dead == 1


async def test_a_destination_was_told_of_what_it_took_and_not_of_what_was_resolved(
    store: SqliteStore,
) -> None:
    def about(incident: str, kind: AlertKind = AlertKind.FIRING) -> Alert:
        return replace(alert(kind=kind), incident=incident)

    async def deliver(count: int) -> None:
        for _ in range(count):
            delivery = await oldest(store, "slack")
            assert delivery is not None
            await store.delivered([delivery], Receipt(), WALL)

    async with store:
        firing = [about(incident) for incident in ("over", "open", "ending")]
        gave_up = about("open", AlertKind.GAVE_UP)
        test = replace(alert(kind=AlertKind.TEST), incident="")
        over = about("over", AlertKind.RESOLVED)
        await store.commit(change([*firing, gave_up, test, over], to=["slack", "other"]))
        await deliver(6)
        due = [about("ending", AlertKind.RESOLVED), about("new")]
        await store.commit(change(due))
        assert await store.standing("slack") == [firing[1], firing[2], gave_up]
        assert await store.standing("other") == []
        await deliver(2)
        assert await store.standing("slack") == [firing[1], gave_up, about("new")]


async def test_what_was_told_and_cannot_be_read_any_more_is_left_out(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await store.commit(change([alert(), alert("readable")]))
        for _ in range(2):
            delivery = await oldest(store, "slack")
            assert delivery is not None
            await store.delivered([delivery], Receipt(), WALL)
        query(path, "UPDATE outbox SET alert = '{' WHERE id = 1")
        assert await store.standing("slack") == [alert("readable")]


async def test_an_alert_without_a_service_can_be_posted(store: SqliteStore) -> None:
    async with store:
        await store.post([alert("test", AlertKind.TEST)], ["slack"], NOW)
        delivery = await oldest(store, "slack")
        assert delivery is not None
        assert delivery.alert.kind is AlertKind.TEST
        assert await store.load(NOW) == {}


async def test_a_relay_wakes_when_its_alert_is_durable(store: SqliteStore, path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def woken(name: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        ((count,),) = query(path, "SELECT count(*) FROM outbox")
        seen.append((name, count))

    async with store:
        store.subscribe("slack", lambda: woken("slack"))
        unsubscribe = store.subscribe("email", lambda: woken("email"))
        await store.commit(change())
        assert seen == []
        await store.commit(change([alert()], to=("slack", "email")))
        assert sorted(seen) == [("email", 2), ("slack", 2)]
        unsubscribe()
        await store.commit(change([alert()], to=("email",)))
        assert len(seen) == 2


# --- ledger --------------------------------------------------------------------------------------


async def test_an_incident_has_a_timeline_and_its_newest_evidence(store: SqliteStore) -> None:
    async with store:
        await store.commit(opening())
        await store.save_evidence("inc1", ["old"])
        await store.save_evidence("inc1", ["one", "two \udcff"])
        assert await store.incidents(10) == [
            PastIncident("inc1", "api", WALL, None, "port", "connection refused")
        ]
        closing = Note(NoteKind.CLOSED, "healed by a restart", WALL + 9, "inc1")
        await store.commit(change(notes=(closing,)))
        incident = await store.incident("inc1")
        assert incident is not None
        assert incident.closed == WALL + 9
        assert incident.notes == (*opening().notes, closing)
        assert incident.evidence == ("one", "two \\udcff") == await store.evidence("inc1")
        assert await store.incident("inc2") is None
        assert await store.evidence("inc2") == ()


async def test_incidents_are_listed_newest_first(store: SqliteStore) -> None:
    async with store:
        for number in (1, 2, 3):
            note = Note(NoteKind.OPENED, "down", WALL + number, f"inc{number}")
            await store.commit(change(notes=(note,)))
        assert [incident.id for incident in await store.incidents(2)] == ["inc3", "inc2"]


async def test_an_incident_tells_who_acknowledged_it_first(store: SqliteStore) -> None:
    async with store:
        await store.commit(opening(1))
        await store.commit(opening(2))
        for text in ("by kim: on it", "by lee"):
            note = Note(NoteKind.ACKNOWLEDGED, text, WALL + 9, "inc1")
            await store.commit(change(notes=(note,)))
        listed = {each.id: each.acknowledged for each in await store.incidents(10)}
        assert listed == {"inc1": "by kim: on it", "inc2": ""}
        incident = await store.incident("inc1")
        assert incident is not None
        assert incident.acknowledged == "by kim: on it"


async def test_an_incident_whose_opening_was_lost_is_closed_all_the_same(
    store: SqliteStore,
) -> None:
    async with store:
        closing = Note(NoteKind.CLOSED, "came back", WALL + 9, "abc234")
        resolved = alert("refused", AlertKind.RESOLVED)
        await store.commit(change([resolved], notes=(closing,)))
        assert await store.incidents(1) == [
            PastIncident("abc234", "api", WALL, WALL + 9, "port", "refused")
        ]


async def test_of_much_evidence_the_last_lines_are_kept(store: SqliteStore) -> None:
    async with store:
        await store.save_evidence("inc1", [str(n) * 30_000 for n in range(5)])
        assert [line[0] for line in await store.evidence("inc1")] == ["3", "4"]
        await store.save_evidence("inc1", ["x" * 100_000])
        assert [len(line) for line in await store.evidence("inc1")] == [65_536]


async def test_a_restart_without_an_end_is_known_by_the_run_that_it_replaced(
    make_store: MakeStore,
) -> None:
    async with make_store() as store:
        await store.commit(change(restart=Restart("down", 1), identity="run-1"))
    async with make_store() as store:
        assert (await store.load(NOW))["api"].restart_identity == "run-1"
        await store.commit(change(restart=Restart("down", 2), identity=""))
        # Nothing was running: that too is an answer.
        assert (await store.load(NOW))["api"].restart_identity == ""
        done = RestartFinished(RestartOutcome.DONE, "started", 1.5)
        await store.commit(change(finished=done, now=Now(1002.0, WALL + 2)))
        assert (await store.load(NOW))["api"].restart_identity is None
        restarts = await store.restarts("api", WALL)
    assert restarts == [
        PastRestart("api", WALL, "down", 1, "", "superseded", WALL, ""),
        PastRestart("api", WALL, "down", 2, "", "done", WALL + 2, "started"),
    ]


async def test_a_restart_may_end_and_the_next_begin_in_one_change(store: SqliteStore) -> None:
    async with store:
        await store.commit(change(restart=Restart("down", 1), identity="run-1"))
        failed = RestartFinished(RestartOutcome.FAILED, "exit 1")
        await store.commit(change(finished=failed, restart=Restart("down", 2, "kim")))
        restarts = await store.restarts("api", WALL)
        assert [(r.number, r.outcome, r.wanted_by) for r in restarts] == [
            (1, "failed", ""),
            (2, "", "kim"),
        ]
        assert await store.restarts("api", WALL + 1) == []
        assert await store.restarts("web", 0) == []


# --- failures ------------------------------------------------------------------------------------


async def test_what_fails_says_what_and_why_and_what_to_do(
    store: SqliteStore, disk: Disk, path: Path
) -> None:
    async with store:
        disk.break_down()
        with pytest.raises(StoreError) as caught:
            await store.commit(change())
        assert str(caught.value) == f"cannot write {path}: disk I/O error; check the disk"
        with pytest.raises(StoreError, match="cannot read "):
            await store.load(NOW)
        disk.recover()
        await store.commit(change())
        assert set(await store.load(NOW)) == {"api"}


async def test_a_single_hiccup_of_the_disk_is_not_noticed(store: SqliteStore, disk: Disk) -> None:
    async with store:

        def hiccup(_: str) -> None:
            disk.recover()
            raise sqlite3.OperationalError("disk I/O error")

        disk.before = hiccup
        await store.commit(opening())
        assert len(await store.incidents(9)) == 1


async def test_a_change_whose_commit_seemed_to_fail_is_not_written_twice(
    store: SqliteStore, disk: Disk
) -> None:
    async with store:

        def doubt(sql: str) -> None:
            if sql == "COMMIT":
                disk.recover()
                raise sqlite3.OperationalError("disk I/O error")

        disk.after = doubt
        await store.commit(opening())
        incident = await store.incident("inc1")
        assert incident is not None
        assert len(incident.notes) == 2
        assert len(await store.restarts("api", 0)) == 1
        assert {n: b.pending for n, b in (await store.outbox_summary()).items()} == {
            "slack": 1,
            "email": 1,
        }


async def test_another_process_in_a_transaction_is_named_as_the_cause(
    make_store: MakeStore, path: Path
) -> None:
    async with make_store(lock_timeout=0.01) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"database is locked; find out which other process"):
            await store.commit(change())
        other.close()
        await store.commit(change())
