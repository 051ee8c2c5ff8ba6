"""An incident that lasts is told of again, at growing intervals, and in no other case."""

from __future__ import annotations

import pytest

from tests.unit.core.life import CRASH, DONE, HTTP, PASS, STRANGER, Life
from watchdog.core.model import (
    Alert,
    AlertKind,
    Phase,
)
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind

HOUR = 3600.0
FIRING, REMINDER, RESOLVED = AlertKind.FIRING, AlertKind.REMINDER, AlertKind.RESOLVED


def reminders(life: Life) -> list[Alert]:
    return [alert for alert in life.alerts if alert.kind is REMINDER]


def test_reminders_come_after_one_hour_and_then_each_after_twice_as_long() -> None:
    life = Life(Policy(restart_after={"http": 0})).on(HTTP, HTTP, HTTP)
    life.on(*[HTTP] * (5 * 24 * 4), every=HOUR / 4)
    lasted = [round(alert.duration / HOUR) for alert in reminders(life)]
    assert lasted == [1, 3, 7, 15, 31, 55, 79, 103]  # twice as long, a day at most


def test_a_reminder_says_what_happens_next() -> None:
    helpless = Life().on(STRANGER, STRANGER, STRANGER).wait(HOUR).on(STRANGER)
    assert reminders(helpless)[0].measure == Measure(MeasureKind.NO_RESTART_HELPS)
    off = Life(Policy(restart_after={"http": 0})).on(HTTP, HTTP, HTTP).wait(HOUR).on(HTTP)
    assert reminders(off)[0].measure is None


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.GAVE_UP])
def test_a_reminder_tells_when_the_next_restart_is_due(phase: Phase) -> None:
    budget = {Phase.WAITING: 9, Phase.GAVE_UP: 1}[phase]
    life = Life(
        Policy(backoff_first=1e5, backoff_max=1e5, retry_every=1e5, restart_budget=budget)
    ).on(HTTP, HTTP, HTTP, DONE, HTTP, HTTP, every=10)
    assert life.phase is phase
    life.wait(HOUR).on(HTTP)
    measure = reminders(life)[-1].measure
    assert measure is not None
    assert life.state.restart_at is not None
    assert measure.next_try == pytest.approx(life.now.wall + life.state.restart_at - life.now.mono)


@pytest.mark.no_cover
def test_a_crash_loop_is_reminded_of_though_every_round_passes() -> None:
    life = Life()
    for _ in range(100):
        life.on(CRASH).see(PASS, 50)
    assert reminders(life)


def test_nobody_is_reminded_of_what_seems_to_be_over() -> None:
    life = Life(Policy(restart_after={"http": 0})).on(HTTP, HTTP, HTTP).wait(HOUR).on(PASS, PASS)
    assert life.told == [FIRING, RESOLVED]


def test_reminders_can_be_switched_off() -> None:
    policy = Policy(restart_after={"http": 0}, remind_after=0)
    life = Life(policy).on(HTTP, HTTP, HTTP).on(*[HTTP] * (5 * 24 * 4), every=HOUR / 4)
    assert life.told == [FIRING]
