"""Updates: what happens within an incident, a line each, for those who hold a conversation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.life import (
    ASKED,
    BEGAN,
    CRASH,
    DEAD,
    DONE,
    FAILED,
    HOLD,
    HTTP,
    MONO,
    PASS,
    PORT,
    RESUME,
    STRANGER,
    Life,
)
from watchdog.core.model import (
    Acknowledged,
    Alert,
    AlertKind,
    Event,
    Phase,
    Restart,
    Silenced,
    State,
    Unsilenced,
)
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind

FIRING, RESOLVED, REMINDER = AlertKind.FIRING, AlertKind.RESOLVED, AlertKind.REMINDER
NEVER = Policy(restart_after={"http": 0})
ONCE = Policy(restart_budget=1)


def fired(policy: Policy | None = None, cause: Event = HTTP) -> Life:
    """Return a life whose incident has just been told, a restart under way if one can help."""
    return Life(policy).on(cause, cause, cause, every=2)


def measures(life: Life) -> list[Measure | None]:
    return [update.measure for update in life.updates]


def test_the_course_of_a_healing_is_told_line_by_line() -> None:
    life = fired().on(DONE, HTTP).wait(5).on(HTTP, FAILED).wait(10).on(DEAD, DONE, PASS, PASS)
    assert life.told == [FIRING, RESOLVED]
    assert [measure.kind for measure in measures(life) if measure is not None] == [
        MeasureKind.RECOVERING,
        MeasureKind.RESTART_DUE,
        MeasureKind.RESTARTING,
        MeasureKind.RESTART_DUE,
        MeasureKind.RESTARTING,
        MeasureKind.RECOVERING,
    ]


def test_an_update_is_of_the_incident_and_says_what_is_true_then() -> None:
    life = fired().on(DONE, DEAD)
    update, opening = life.updates[-1], life.alerts[0]
    assert (update.kind, update.incident) == (AlertKind.UPDATE, opening.incident)
    assert (update.reason, update.check) == (DEAD.reason, "unit")
    assert (update.failures, update.restarts) == (4, 1)
    assert update.measure == Measure(MeasureKind.RESTART_DUE, next_try=life.now.wall + 5)


def test_a_restart_counts_against_the_budget() -> None:
    life = fired().on(DONE, HTTP).wait(5).on(HTTP)
    assert measures(life)[-1] == Measure(MeasureKind.RESTARTING, count=2, limit=5)


def test_an_update_comes_before_the_restart_that_it_tells_of() -> None:
    life = fired().on(DONE, HTTP).wait(5).on(HTTP)
    kinds = [type(effect) for effect in life.last if isinstance(effect, Alert | Restart)]
    assert kinds == [Alert, Restart]


def test_a_failed_restart_is_told_with_its_reason() -> None:
    assert fired().on(FAILED).updates[-1].reason == f"restart failed: {FAILED.reason}"


def test_a_restart_that_a_person_wants_is_told_with_their_name() -> None:
    life = fired(NEVER).on(ASKED)
    assert measures(life) == [Measure(MeasureKind.RESTART_ASKED, words="kim")]


def test_a_restart_that_follows_one_that_failed_is_told_though_the_phase_is_the_same() -> None:
    life = fired().on(DONE, STRANGER, ASKED, FAILED)
    assert (life.phase, len(life.restarts)) == (Phase.RESTARTING, 3)
    assert measures(life)[-1] == Measure(MeasureKind.RESTARTING, count=2, limit=5)


def test_another_check_that_fails_is_news_and_the_same_one_again_is_not() -> None:
    life = fired(Policy(restart_after={"http": 0, "port": 0})).on(HTTP, PORT, PORT)
    assert [(each.check, each.measure) for each in life.updates] == [
        ("port", Measure(MeasureKind.RESTARTS_OFF))
    ]


def test_what_a_restart_cannot_help_is_told_as_such() -> None:
    life = fired(NEVER).on(STRANGER)
    assert measures(life) == [Measure(MeasureKind.NO_RESTART_HELPS)]


def test_a_threshold_that_is_not_reached_yet_is_told() -> None:
    life = fired(Policy(restart_after={"http": 0, "port": 9})).on(PORT)
    assert measures(life) == [Measure(MeasureKind.RESTART_AFTER, limit=9)]


def test_a_hold_is_told_with_its_reason() -> None:
    life = fired(NEVER).on(HOLD, HOLD)
    assert measures(life) == [Measure(MeasureKind.HELD, words=HOLD.reason)]


def test_who_has_seen_it_is_told_beside_how_it_stands() -> None:
    life = fired(ONCE).on(DONE, HTTP).on(Acknowledged("lee"), Acknowledged("lee"))
    update = life.updates[-1]
    assert (update.seen_by, update.acknowledged) == ("lee", ("lee",))
    assert update.measure is not None
    assert update.measure.kind is MeasureKind.GAVE_UP
    assert len(life.updates) == 2, "each of them once"
    assert life.on(PASS, PASS).alerts[-1].acknowledged == ("lee",)


def test_who_sees_it_while_it_is_restarted_reads_that_it_is() -> None:
    life = fired().on(Acknowledged("lee"))
    assert measures(life) == [Measure(MeasureKind.RESTARTING, count=1, limit=5)]


def test_who_sees_it_while_it_is_held_reads_no_reason_that_nobody_gave() -> None:
    life = fired(NEVER).on(HOLD, Acknowledged("lee"))
    assert measures(life)[-1] is None


def test_after_giving_up_retries_are_told_apart() -> None:
    life = fired(ONCE).on(DONE, HTTP).wait(900).on(HTTP, DONE, HTTP)
    kinds = [measure.kind for measure in measures(life) if measure is not None]
    assert kinds == [
        MeasureKind.RECOVERING,
        MeasureKind.RESTARTING_ONCE_MORE,
        MeasureKind.RECOVERING_ONCE_MORE,
        MeasureKind.GAVE_UP,
    ]


def test_health_that_is_not_believed_yet_is_told() -> None:
    life = fired(NEVER).on(PASS, PASS, HTTP, HTTP, HTTP, every=2)
    life.on(PASS, PASS)
    assert measures(life) == [Measure(MeasureKind.SETTLING, lasted=1800.0)]
    life.on(HTTP)
    assert life.updates[-1].measure == Measure(MeasureKind.RESTARTS_OFF)


def test_a_crash_loop_in_an_open_incident_is_left_to_its_keeper() -> None:
    life = fired(NEVER).on(HOLD, CRASH, CRASH, CRASH)
    assert measures(life)[-1] == Measure(MeasureKind.LEFT_TO_KEEPER)


def test_a_daemon_that_comes_back_tells_how_it_stands_now() -> None:
    life = fired().on(BEGAN)
    assert measures(life) == [Measure(MeasureKind.RECOVERING)]


def test_nothing_is_told_of_what_nobody_was_told_of() -> None:
    assert Life().on(DEAD, DONE, DEAD).updates == []
    silent = Life(NEVER).on(Silenced(MONO + 600, "kim", "known"), HTTP, HTTP, HTTP)
    assert silent.on(HOLD).updates == []


def test_a_silence_and_a_maintenance_keep_updates_back() -> None:
    silent = fired().on(Silenced(MONO + 600, "kim", "known"), DONE, HTTP)
    assert silent.updates == []
    assert silent.on(Unsilenced("kim")).told == [FIRING], "and leave nothing to be told later"
    assert fired().pause().on(DONE).updates == []


def test_after_a_maintenance_it_goes_on() -> None:
    life = fired(NEVER).pause().on(RESUME, HTTP)
    assert life.updates[-1].measure == Measure(MeasureKind.RESTARTS_OFF)


def test_an_alert_needs_no_update_beside_it() -> None:
    life = fired(ONCE).on(DONE)
    before = len(life.updates)
    assert life.on(HTTP).told == [FIRING, AlertKind.GAVE_UP]
    assert len(life.updates) == before


def test_updates_keep_no_reminder_waiting() -> None:
    life = fired(NEVER).wait(3000).on(HOLD, HTTP).wait(600).on(HTTP)
    assert len(life.updates) == 2
    assert life.told == [FIRING, REMINDER]


@pytest.mark.parametrize("cause", [None, STRANGER])
def test_what_lacks_a_cause_lacks_no_update(cause: Event | None) -> None:
    life = fired(NEVER)
    state: State = replace(life.state, cause=cause, phase=Phase.PENDING)  # type: ignore[arg-type]
    life.state = state
    assert life.on(STRANGER).updates[-1].measure == Measure(MeasureKind.NO_RESTART_HELPS)
