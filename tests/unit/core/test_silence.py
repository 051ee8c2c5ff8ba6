"""A silence keeps alerts back and changes nothing else; what outlasts it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.life import CRASH, DEAD, DONE, HTTP, PASS, Life
from tests.unit.core.test_properties import Course, courses, happen, policies
from watchdog.core.model import (
    Alert,
    AlertKind,
    Effect,
    Phase,
    Restart,
    Silenced,
    State,
    Unsilenced,
)
from watchdog.core.service import Policy
from watchdog.core.telling import MeasureKind

FIRING, GAVE_UP, RESOLVED = AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED
NEVER = Policy(restart_after={"http": 0})
SPEAK = Unsilenced("kim")


def silenced(life: Life, seconds: float = 600) -> Life:
    return life.on(Silenced(life.now.mono + seconds, "kim", "known"))


def test_what_opens_and_closes_in_a_silence_is_told_to_nobody() -> None:
    life = silenced(Life(NEVER).on(PASS)).on(HTTP, HTTP, HTTP, PASS, PASS, every=2)
    assert life.told == []
    assert life.state.incident is None


def test_what_outlasts_a_silence_is_told_when_that_ends() -> None:
    life = silenced(Life(NEVER).on(PASS), 60).on(HTTP, HTTP, HTTP, every=2)
    assert life.told == []
    assert life.wait(60).on(HTTP).told == [FIRING]
    assert life.on(PASS, PASS).told == [FIRING, RESOLVED]


def test_who_ends_a_silence_is_told_at_once_what_is_still_true() -> None:
    life = silenced(Life(NEVER).on(PASS)).on(HTTP, HTTP, HTTP, every=2)
    assert life.on(SPEAK).told == [FIRING]


def test_what_was_told_before_a_silence_is_told_to_be_over_within_it() -> None:
    life = silenced(Life(NEVER).on(HTTP, HTTP, HTTP)).on(PASS, PASS)
    assert life.told == [FIRING, RESOLVED]


def test_a_silence_that_ends_in_health_is_quiet() -> None:
    life = silenced(Life(NEVER).on(PASS), 60).on(HTTP, HTTP, HTTP, every=2).wait(60)
    assert life.on(PASS, PASS).told == []


def test_restarts_go_on_in_a_silence() -> None:
    life = silenced(Life().on(PASS)).on(HTTP, HTTP, HTTP, every=2)
    assert isinstance(life.last[-1], Restart)
    assert life.on(DONE, PASS, PASS).told == []


def test_what_is_told_after_a_silence_says_what_happens_next() -> None:
    life = silenced(Life(Policy(restart_budget=1, backoff_first=0))).on(DEAD, DONE)
    while life.phase is not Phase.GAVE_UP:
        life.on(DEAD, every=5)
    measure = life.on(SPEAK).alerts[-1].measure
    assert measure is not None
    assert measure.kind is MeasureKind.GAVE_UP


def test_a_reminder_comes_long_after_the_last_word_whatever_brought_that_about() -> None:
    life = silenced(Life(NEVER).on(PASS), 7200).on(HTTP, HTTP, HTTP).wait(3590).on(SPEAK)
    assert life.on(HTTP, HTTP, every=30).told == [FIRING]


def test_a_crash_loop_that_outlasts_a_silence_is_told_though_rounds_pass() -> None:
    life = silenced(Life(Policy(crash_limit=1)).on(PASS), 30).on(CRASH, every=1)
    assert life.on(PASS, every=30).told == [FIRING]


def without_silence(state: State) -> State:
    """Return what is to be the same with and without silences."""
    incident = state.incident
    if incident is not None:
        incident = replace(incident, told=True, hushed=False, told_mono=None, reminders=0)
    warnings = tuple(replace(warning, told=0) for warning in state.warnings)
    return replace(state, silence=None, incident=incident, warnings=warnings)


def deeds(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, Restart)]


@given(policies, courses, st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)))
def test_silences_change_nothing_but_what_is_told(
    policy: Policy, course: Course, begin: set[int], end: set[int]
) -> None:
    loud, hushed = Life(policy), Life(policy)
    open_for_people = ""
    for number, happening in enumerate(course):
        if number in begin:
            silenced(hushed, 300)
            loud.on(SPEAK)  # nothing to it, but for a maintenance that has ended meanwhile
        told: list[Effect] = []
        if number in end:
            told += hushed.on(SPEAK).last
            loud.on(SPEAK)
        happen(loud, [happening])
        told += happen(hushed, [happening]).last
        assert without_silence(hushed.state) == without_silence(loud.state)
        assert deeds(hushed.last) == deeds(loud.last)
        for alert in told:
            if not isinstance(alert, Alert):
                continue
            assert hushed.state.silence is None or alert.kind is RESOLVED
            match alert.kind:
                case AlertKind.FIRING:
                    assert not open_for_people
                    open_for_people = alert.incident
                case AlertKind.RESOLVED:
                    assert open_for_people == alert.incident
                    open_for_people = ""
                case AlertKind.GAVE_UP | AlertKind.REMINDER | AlertKind.UPDATE:
                    assert open_for_people == alert.incident
                case AlertKind.WARNING:
                    assert alert.incident in {each.id for each in hushed.state.warnings}
                case _:
                    assert not alert.incident
