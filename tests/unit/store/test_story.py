"""All that is on record about an incident, for whoever writes its post-mortem."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.outbox import oldest
from tests.unit.store.place import query
from tests.unit.store.values import NOW, WALL, alert, change, opening
from watchdog.core.history import Record, Turn
from watchdog.core.model import (
    AlertKind,
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
from watchdog.errors import NotOnRecordError
from watchdog.ports import Addressed, Change, Receipt
from watchdog.store import SqliteStore
from watchdog.store.story import Told

PASS = Observation(Verdict.PASS, "http", "200")
FAIL = Observation(Verdict.FAIL, "port", "connection refused")


def at(seconds: float) -> Now:
    return Now(NOW.mono + seconds, WALL + seconds)


def failed(seconds: float, *, phase: Phase | None = None, service: str = "api") -> Change:
    """Return the change in which a failure is counted, *seconds* after the incident opens."""
    note = Note(NoteKind.FAILED, f"failure at {seconds:g}", WALL + seconds)
    turn = Turn(at(seconds), FAIL, 1.0, phase=phase, notes=(NoteKind.FAILED,))
    return change(service=service, now=at(seconds), notes=(note,), history=(turn,))


def healthy(seconds: float) -> Change:
    history: tuple[Record, ...] = (Turn(at(seconds), PASS, 1.0, phase=Phase.HEALTHY),)
    return change(state=State("api", Phase.HEALTHY), now=at(seconds), history=history)


async def test_a_story_begins_with_the_first_failure_after_health(store: SqliteStore) -> None:
    async with store:
        await store.commit(failed(-900, phase=Phase.SUSPECT))
        await store.commit(healthy(-890))
        await store.commit(failed(-4, phase=Phase.SUSPECT))
        await store.commit(failed(-3, service="web"))
        await store.commit(failed(-2))
        await store.commit(opening())
        story = await store.story("inc1")
    assert [note.text for note in story.notes] == [
        *("failure at -4", "failure at -2"),
        *("connection refused", "restart 1"),
    ]
    assert story.began == WALL - 4
    assert (story.lasted, story.ending, story.closed) == (None, "", None)


async def test_without_a_history_it_begins_when_it_opens(store: SqliteStore) -> None:
    async with store:
        await store.commit(replace(failed(-4), history=()))
        await store.commit(opening())
        story = await store.story("inc1")
    assert story.began == WALL
    assert [note.kind for note in story.notes] == [NoteKind.OPENED, NoteKind.RESTART]


async def test_it_has_each_restart_and_who_was_told_when_or_why_not(store: SqliteStore) -> None:
    done = RestartFinished(RestartOutcome.DONE, "started", 2.0)
    about = replace(alert(), incident="inc1")
    async with store:
        told = [Addressed(about, ("slack", "email"))]
        await store.commit(replace(opening(), alerts=told))
        await store.commit(change(now=at(2), finished=done))
        resolved = replace(about, kind=AlertKind.RESOLVED, duration=7.5)
        closing = Note(NoteKind.CLOSED, "healed by a restart", WALL + 3600, "inc1")
        await store.commit(change([resolved], now=at(3600), notes=(closing,)))
        later = change(now=at(4000), restart=Restart("another day", 1), finished=None)
        await store.commit(later)
        sent = await oldest(store, "slack")
        refused = await oldest(store, "email")
        assert sent is not None
        assert refused is not None
        await store.delivered([sent], Receipt(), WALL + 1)
        await store.rejected(refused, "550 no such user", WALL + 5)
        story = await store.story("inc1")
    [restart] = story.restarts
    assert (restart.outcome, restart.finished, restart.result) == ("done", WALL + 2, "started")
    assert story.alerts == (
        Told("firing", "slack", WALL, "sent", WALL + 1, 1, ""),
        Told("firing", "email", WALL, "dead", WALL + 5, 1, "550 no such user"),
        Told("resolved", "slack", WALL + 3600, "pending", None, 0, ""),
    )
    assert story.ending == "healed by a restart"
    assert story.lasted == 7.5, "the wall clock was set meanwhile"


async def test_evidence_that_nobody_can_read_costs_the_story_nothing_else(
    store: SqliteStore, path: Path
) -> None:
    async with store:
        await store.commit(opening())
        await store.save_evidence("inc1", ["the last words"])
    query(path, "UPDATE evidence SET lines = '[\"the la'")
    async with store:
        story = await store.story("inc1")
    [line] = story.evidence
    assert line.startswith("cannot read a saved evidence: ")
    assert story.reason


async def test_as_much_of_an_id_is_enough_as_tells_it_from_others(store: SqliteStore) -> None:
    async with store:
        await store.commit(opening(1))
        assert (await store.story("i")).id == "inc1"
        await store.commit(opening(11))
        assert (await store.story("inc1")).id == "inc1", "it is one in full"
        assert (await store.story("inc11")).id == "inc11"
        with pytest.raises(NotOnRecordError) as error:
            await store.story("in")
        assert str(error.value) == (
            "cannot show incident in: it may be inc1, inc11; give more of its id"
        )
        for number in range(2, 8):
            await store.commit(opening(number))
        with pytest.raises(NotOnRecordError, match=r"it may be .*, …; give more of its id"):
            await store.story("in")
        for none in ("%", "INC1", "inc1 "):
            with pytest.raises(NotOnRecordError, match="there is none of that id"):
                await store.story(none)


async def test_incidents_are_found_by_service_and_by_time(store: SqliteStore) -> None:
    async with store:
        for number, service in enumerate(["api", "web", "api"]):
            note = Note(NoteKind.OPENED, "down", WALL + 100 * number, f"inc{number}")
            await store.commit(change(service=service, now=at(100 * number), notes=(note,)))
        over = Note(NoteKind.CLOSED, "up", WALL + 50, "inc0")
        await store.commit(change(now=at(50), notes=(over,)))

        async def found(service: str = "", since: float = 0.0) -> list[str]:
            return [each.id for each in await store.incidents(9, service, since)]

        assert await found() == ["inc2", "inc1", "inc0"]
        assert await found("api") == ["inc2", "inc0"]
        assert await found(since=WALL + 50) == ["inc2", "inc1", "inc0"]
        assert await found(since=WALL + 51) == ["inc2", "inc1"]
        assert await found(since=WALL + 150) == ["inc2", "inc1"], "one is still open"
