"""A service that is taken out of the configuration leaves nothing open that was told."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.core.life import HTTP, PASS, Life, memory
from watchdog.core.model import (
    Alert,
    AlertKind,
    Note,
    NoteKind,
    Silenced,
    State,
    Step,
)
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind
from watchdog.core.withdrawal import withdrawn

NEVER = Policy(restart_after={"http": 0})


def test_a_service_without_an_incident_leaves_nothing_to_tell() -> None:
    life = Life().on(PASS)
    assert withdrawn(life.state, life.policy, life.now) == Step(life.state)


def test_an_open_incident_is_closed_and_told_to_be_over() -> None:
    life = Life(NEVER).on(HTTP, HTTP, HTTP, every=2).wait(60)
    incident = life.alerts[0].incident
    end = withdrawn(life.state, life.policy, life.now)
    note, alert = end.effects
    assert end.state == State("api")
    assert isinstance(note, Note)
    assert (note.kind, note.incident) == (NoteKind.CLOSED, incident)
    assert isinstance(alert, Alert)
    assert (alert.kind, alert.incident, alert.duration) == (AlertKind.RESOLVED, incident, 60)
    assert alert.measure == Measure(MeasureKind.NO_LONGER_WATCHED)


def test_an_incident_that_a_silence_kept_back_is_closed_and_not_told() -> None:
    life = Life(NEVER).on(Silenced(1e9, "kim", "known"), HTTP, HTTP, HTTP)
    [note] = withdrawn(life.state, life.policy, life.now).effects
    assert isinstance(note, Note)
    assert note.kind is NoteKind.CLOSED


def test_warnings_are_over_beside_the_incident_and_told_to_be_if_they_were_told() -> None:
    life = Life(NEVER).on(memory(95), HTTP, HTTP, HTTP)
    warning, firing = life.alerts
    end = withdrawn(life.state, life.policy, life.now)
    told = [(effect.kind, effect.incident) for effect in end.effects if isinstance(effect, Alert)]
    assert told == [
        (AlertKind.RESOLVED, firing.incident),
        (AlertKind.WARNING_OVER, warning.incident),
    ]
    assert isinstance(end.effects[-1], Alert)
    assert end.effects[-1].measure == Measure(MeasureKind.NO_LONGER_WATCHED)
    assert end.state == State("api")


def test_a_warning_that_nobody_was_told_of_is_over_and_the_silence_goes_on() -> None:
    life = Life(NEVER).on(Silenced(1e9, "kim", "known"), memory(95))
    end = withdrawn(life.state, life.policy, life.now)
    [note] = end.effects
    assert isinstance(note, Note)
    assert note.kind is NoteKind.WARNING_OVER
    assert end.state == replace(life.state, warnings=())
    assert end.state.silence is not None
