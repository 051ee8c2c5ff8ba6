"""Warnings: told once, again only when worse by a step, and over without a call."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.life import DEAD, DONE, HTTP, MONO, PASS, RESUME, WALL, Life, memory
from watchdog.core.model import (
    Alert,
    AlertKind,
    NoteKind,
    Now,
    Phase,
    RestartRequested,
    Silenced,
    State,
    Unsilenced,
)
from watchdog.core.service import Policy
from watchdog.core.standing import Measured, Reading, Started
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.core.thresholds import DAY, HOUR, HostWarnings, Steps, Warnings
from watchdog.core.warning import CALM, HOST, judged, of_host
from watchdog.core.warning_words import in_english

WARNING = AlertKind.WARNING
STEPS = Policy(warnings=Warnings(memory=(80, 90, 95)))
SILENCE = Silenced(MONO + 1e6, "kim", "known")

C = CircumstanceKind


def certificate(left: float) -> Measured:
    told = Circumstance(C.CERTIFICATE, subject="https://shop.example", value=left)
    return Measured((Reading(told, -left),))


# --- once ---------------------------------------------------------------------------------------


def test_a_warning_is_told_once_with_all_that_words_need() -> None:
    life = Life(STEPS).on(memory(91), memory(91), memory(92), every=300)
    [alert] = life.alerts
    assert (alert.kind, alert.service, alert.wall) == (WARNING, "api", WALL + 300)
    assert alert.circumstance == Circumstance(C.MEMORY, value=91e7, limit=1e9)
    assert alert.reason == "memory is at 868 MiB of its unit's limit of 954 MiB"
    [warning] = life.state.warnings
    assert alert.incident == warning.id
    assert (warning.level, warning.told, warning.since) == (2, 2, alert.wall)
    assert life.noted == [NoteKind.WARNED]


def test_what_stands_is_kept_up_to_date_though_nothing_is_told() -> None:
    life = Life(STEPS).on(memory(91), memory(94))
    assert life.state.warnings[0].about.value == 94e7
    assert len(life.alerts) == 1


def test_a_step_worse_is_told_as_the_same_warning() -> None:
    life = Life(STEPS).on(memory(81), memory(91), memory(99), every=300)
    assert life.told == [WARNING] * 3
    assert len({alert.incident for alert in life.alerts}) == 1
    assert {alert.opened for alert in life.alerts} == {WALL + 300}


def test_two_steps_at_once_are_told_once() -> None:
    assert Life(STEPS).on(memory(99), memory(99)).told == [WARNING]


def test_two_warnings_stand_apart() -> None:
    life = Life(STEPS).on(Measured(memory(91).readings + certificate(5 * DAY).readings))
    assert life.told == [WARNING, WARNING]
    assert len({alert.incident for alert in life.alerts}) == 2


def test_what_is_not_known_for_now_changes_nothing() -> None:
    life = Life(STEPS).on(memory(91))
    assert life.on(memory(None)).state.warnings[0].level == 2
    assert Life(STEPS).on(memory(None)).state.warnings == ()


def test_a_daemon_that_is_restarted_tells_nothing_again() -> None:
    life = Life(STEPS).on(memory(91))
    state = msgspec.json.decode(msgspec.json.encode(life.state), type=State)
    again = Life(STEPS, state).on(memory(91), memory(93), every=300)
    assert again.told == []
    assert again.on(memory(96)).told == [WARNING]


# --- better -------------------------------------------------------------------------------------


def test_a_warning_is_over_when_it_has_been_better_for_an_hour() -> None:
    life = Life(STEPS).on(memory(81), memory(50))
    assert life.wait(CALM - 1).on(memory(50)).state.warnings != ()
    assert life.wait(1).on(memory(50)).state.warnings == ()
    assert life.told == [WARNING], "its end calls nobody"
    assert life.noted == [NoteKind.WARNED, NoteKind.WARNING_OVER]
    assert life.notes[-1].text == (
        "memory is at 772 MiB of its unit's limit of 954 MiB: over,"
        " memory is at 477 MiB of its unit's limit of 954 MiB"
    )
    assert life.on(memory(81)).told == [WARNING, WARNING]


def test_the_end_of_what_was_told_is_for_those_who_can_close_it() -> None:
    life = Life(STEPS).on(memory(91), memory(93), every=300).on(memory(50)).wait(CALM)
    [told] = life.alerts
    assert life.ends == []
    [end] = life.on(memory(50), memory(50)).ends
    assert (end.service, end.incident, end.opened) == ("api", told.incident, told.opened)
    assert (end.wall, end.duration) == (life.now.wall, 300 + CALM)
    assert end.circumstance == Circumstance(C.MEMORY, value=93e7, limit=1e9), "as it was at last"
    assert end.measure is None


def test_what_nobody_was_told_of_ends_for_nobody() -> None:
    life = Life(STEPS).on(SILENCE, memory(91), memory(50)).wait(CALM).on(memory(50))
    assert life.noted[-1] is NoteKind.WARNING_OVER
    assert life.ends == []


def test_a_silence_does_not_keep_an_end_back_that_would_look_open_for_ever() -> None:
    life = Life(STEPS).on(memory(91), SILENCE, memory(50)).wait(CALM).on(memory(50))
    assert [end.incident for end in life.ends] == [life.alerts[0].incident]


def test_each_of_two_warnings_ends_by_itself() -> None:
    both = Measured(memory(91).readings + certificate(5 * DAY).readings)
    life = Life(STEPS).on(both, Measured(memory(91).readings), memory(91))
    assert [end.incident for end in life.ends] == [life.alerts[1].incident]


def test_what_is_no_longer_measured_is_told_to_be_over_and_not_to_be_mended() -> None:
    life = Life(STEPS).on(memory(91), Measured())
    assert [end.measure for end in life.ends] == [Measure(MeasureKind.NO_LONGER_MEASURED)]


def test_a_clock_put_back_makes_no_negative_duration() -> None:
    life = Life(STEPS).on(memory(91))
    life.now = Now(life.now.mono + 60, life.now.wall - 86400)
    assert [end.duration for end in life.on(Measured()).ends] == [0.0]


def test_what_trembles_around_a_step_is_told_once() -> None:
    life = Life(STEPS)
    for _ in range(50):
        life.on(memory(90.5), memory(88), every=2 * CALM)
    assert life.told == [WARNING]


def test_two_servers_that_answer_by_turns_make_one_warning() -> None:
    life = Life()
    for _ in range(50):
        life.on(certificate(5 * DAY), certificate(80 * DAY), every=300)
    assert life.told == [WARNING]
    assert life.state.warnings[0].about.value == 5 * DAY, "the worse of them is what it is about"


def test_a_worse_step_that_was_over_is_news_when_it_comes_back() -> None:
    life = Life(STEPS).on(memory(96), memory(82)).wait(CALM).on(memory(82))
    assert life.state.warnings[0].level == 1
    assert life.on(memory(96)).told == [WARNING, WARNING]


def test_what_is_no_longer_measured_is_over_at_once() -> None:
    life = Life(STEPS).on(memory(91), Measured())
    assert life.state.warnings == ()
    assert life.notes[-1].text.endswith("over, is no longer measured")


def test_what_is_switched_off_is_over_at_once() -> None:
    life = Life(STEPS).on(memory(91))
    life.policy = Policy(warnings=Warnings(memory=()))
    assert life.on(memory(91)).state.warnings == ()
    assert life.on(memory(99)).told == [WARNING]


# --- silence and maintenance ----------------------------------------------------------------------


def test_a_silence_keeps_a_warning_back_until_it_ends() -> None:
    life = Life(STEPS).on(SILENCE, memory(91), memory(91))
    assert (life.told, life.noted[-1]) == ([], NoteKind.WARNED)
    assert life.on(Unsilenced("kim"), memory(91), memory(91)).told == [WARNING]


def test_what_was_over_before_the_silence_ended_is_never_told() -> None:
    life = Life(STEPS).on(SILENCE, memory(91), memory(10)).wait(CALM).on(memory(10))
    assert life.on(Unsilenced("kim"), memory(10)).told == []


def test_what_is_better_when_the_silence_ends_is_not_told_as_it_was() -> None:
    life = Life(STEPS).on(SILENCE, memory(96), memory(10), Unsilenced("kim"), memory(10))
    assert life.told == []
    assert life.on(memory(97)).told == [WARNING], "it is bad again, and nobody knows"


def test_a_maintenance_keeps_a_warning_back_too() -> None:
    life = Life(STEPS).on(PASS).pause().on(memory(91))
    assert (life.told, life.phase) == ([], Phase.MAINTENANCE)
    assert life.on(RESUME, memory(91)).told == [WARNING]


def test_a_measurement_that_ends_a_silence_does_not_swallow_what_it_kept_back() -> None:
    life = Life(STEPS).on(Silenced(MONO + 60, "kim", "known"), HTTP, HTTP, HTTP).wait(60)
    assert life.on(memory(91)).told == [WARNING]
    assert life.on(HTTP).told[1:] == [AlertKind.FIRING]


def test_a_warning_does_not_put_off_a_reminder() -> None:
    life = Life(Policy(restart_after={"http": 0}))
    life.on(HTTP, HTTP, HTTP).wait(3599).on(memory(95)).wait(1).on(HTTP)
    assert life.told == [AlertKind.FIRING, WARNING, AlertKind.REMINDER]


# --- certificates -------------------------------------------------------------------------------


def test_a_certificate_is_told_of_at_21_7_and_1_days_and_when_it_has_ended() -> None:
    life = Life()
    for days in range(60, -3, -1):
        life.wait(DAY).on(certificate(days * DAY))
    told = [
        alert.reason.removeprefix("certificate of https://shop.example ") for alert in life.alerts
    ]
    assert told == ["ends in 21 days", "ends in 7 days", "ends in 24 h", "ends in 0 s"]


def test_a_renewed_certificate_is_over() -> None:
    life = Life().on(certificate(5 * DAY), certificate(90 * DAY)).wait(CALM)
    assert life.on(certificate(90 * DAY)).state.warnings == ()


def test_an_end_that_is_over_is_said_so() -> None:
    told = Circumstance(C.CERTIFICATE, subject="https://a", value=-3 * DAY)
    assert in_english(told) == "certificate of https://a ended 3 days ago"


# --- restarts that do not last ------------------------------------------------------------------


def test_restarts_that_heal_again_and_again_are_a_warning() -> None:
    life = Life()
    for _ in range(3):
        life.on(DEAD, DONE, PASS, PASS).wait(HOUR).on(PASS, Measured())
    assert life.told == []
    life.on(DEAD, DONE, PASS, PASS, Measured())
    assert life.alerts[-1].reason == "healed 4 times in 6 h: the restarts hide a bug"
    assert life.on(Measured(), Measured()).told == [WARNING]


def test_healings_that_are_long_ago_do_not_count_and_the_warning_ends() -> None:
    life = Life()
    for _ in range(4):
        life.on(DEAD, DONE, PASS, PASS).wait(600).on(PASS)
    life.on(Measured())
    assert life.told == [WARNING]
    life.wait(6 * HOUR).on(Measured()).wait(CALM).on(Measured())
    assert life.state.warnings == ()


def test_restarts_that_a_person_asked_for_do_not_count() -> None:
    life = Life().on(PASS)
    for _ in range(10):
        life.on(RestartRequested("kim"), DONE, PASS, PASS)
    assert life.state.healings == ()


def test_a_resumed_maintenance_heals_nothing() -> None:
    assert Life().on(DEAD).pause().on(DONE, RESUME, PASS, PASS).state.healings == ()


def test_no_healing_is_counted_where_nobody_asked_for_it() -> None:
    life = Life(Policy(warnings=Warnings(healed_limit=0)))
    for _ in range(5):
        life.on(DEAD, DONE, PASS, PASS).wait(HOUR).on(PASS, Measured())
    assert (life.state.healings, life.told) == ((), [])


# --- slow starts --------------------------------------------------------------------------------


def test_starts_twice_as_slow_as_they_used_to_be_are_a_warning() -> None:
    life = Life().on(*[Started(9.0)] * 10)
    assert life.on(Started(22.0)).told == [], "one is none"
    assert life.on(Started(21.0)).alerts[0].reason == "starts take 21.0 s, formerly 9.0 s"
    assert life.on(Started(23.0), Measured()).told == [WARNING]


def test_starts_that_are_slower_and_yet_quick_are_none() -> None:
    assert Life().on(*[Started(0.02)] * 10, *[Started(14.0)] * 3).told == []


def test_a_few_starts_say_nothing_of_how_long_they_usually_take() -> None:
    assert Life().on(*[Started(1.0)] * 4, *[Started(29.0)] * 3).told == []


def test_only_the_latest_starts_are_remembered() -> None:
    life = Life().on(*[Started(float(number)) for number in range(40)])
    assert life.state.starts == tuple(float(number) for number in range(27, 40))


def test_slow_starts_can_be_switched_off() -> None:
    life = Life(Policy(warnings=Warnings(slow_start=0)))
    assert life.on(*[Started(1.0)] * 10, *[Started(29.0)] * 3).told == []


def test_a_start_leaves_other_warnings_alone() -> None:
    life = Life(STEPS).on(memory(91), Started(1.0))
    assert len(life.state.warnings) == 1


# --- the host -----------------------------------------------------------------------------------


def test_a_warning_of_the_host_names_no_service() -> None:
    told = Circumstance(C.DISK, subject="/srv", value=91.0, limit=2.0**30)
    inodes = Circumstance(C.INODES, subject="/srv", value=85.0)
    readings = [Reading(told, 91.0), Reading(inodes, 85.0)]
    step = judged(State(HOST), readings, of_host(HostWarnings()), Now(MONO, WALL))
    alerts = [effect for effect in step.effects if isinstance(effect, Alert)]
    assert [(alert.service, alert.reason) for alert in alerts] == [
        ("", "file system /srv is 91 % full, 1.0 GiB free"),
        ("", "file system /srv has used 85 % of its inodes"),
    ]


# --- whatever comes -----------------------------------------------------------------------------

percents = st.floats(0, 120)
pauses = st.sampled_from([0.0, 300.0, 3600.0, 7200.0]) | st.floats(0, 1e5)


@given(st.lists(st.tuples(pauses, st.none() | percents), max_size=60))
def test_nothing_is_told_twice_without_having_been_better_for_long(
    course: list[tuple[float, float | None]],
) -> None:
    life, worst, better = Life(STEPS), 0, 0.0
    for seconds, percent in course:
        life.wait(seconds)
        told = len(life.alerts)
        life.state = msgspec.json.decode(msgspec.json.encode(life.state), type=State)  # restarted
        life.on(memory(percent))
        steps = sum((percent or 0) >= step for step in (80, 90, 95))
        if len(life.alerts) > told:
            assert len(life.alerts) == told + 1
            assert steps > worst
        level = life.state.warnings[0].level if life.state.warnings else 0
        if level < worst:
            assert percent is not None
            assert percent <= (80, 90, 95)[worst - 1] - 5
            assert life.now.mono - better >= CALM
        if level >= worst and not (life.state.warnings and life.state.warnings[0].better_since):
            better = life.now.mono
        worst = level


@given(st.lists(percents, min_size=1, max_size=4), percents, st.integers(0, 4), st.floats(0, 10))
def test_a_step_that_is_reached_is_reached_whatever_was_before(
    at: list[float], value: float, before: int, margin: float
) -> None:
    steps = Steps(tuple(sorted(at)), margin)
    reached = sum(value >= step for step in steps.at)
    assert reached <= steps.reached(value, before) <= max(reached, before)
    assert steps.reached(value) == reached


@pytest.mark.parametrize("kind", CircumstanceKind)
def test_whatever_is_told_has_words(kind: CircumstanceKind) -> None:
    told = Circumstance(kind, "the reason", "the subject", count=1, value=1.0, limit=2.0)
    assert in_english(told)
    assert in_english(replace(told, count=2))
