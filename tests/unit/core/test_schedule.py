from __future__ import annotations

from dataclasses import replace

import pytest

from watchdog.core.model import (
    Maintenance,
    Phase,
    State,
)
from watchdog.core.schedule import next_round, spread
from watchdog.core.service import Policy

BEGAN = 1007.0
OFFSET = 4.0


@pytest.mark.parametrize(
    ("phase", "due"),
    [
        (Phase.HEALTHY, 1024),  # 4 + 34 * 30: the grid, whenever the last round began
        (Phase.MAINTENANCE, 1024),
        (Phase.RESTARTING, 1024),
        (Phase.PENDING, 1009),
        (Phase.SUSPECT, 1009),
        (Phase.HELD, 1009),
        (Phase.WAITING, 1009),
        (Phase.FAILING, 1009),
        (Phase.GAVE_UP, 1009),
        (Phase.RECOVERING, 1007.5),
    ],
)
def test_trouble_is_looked_at_faster(phase: Phase, due: float) -> None:
    assert next_round(State("api", phase), Policy(), BEGAN, OFFSET) == due


def test_every_phase_has_its_pace() -> None:
    for phase in Phase:
        assert next_round(State("api", phase), Policy(), BEGAN, OFFSET) > BEGAN


@pytest.mark.parametrize("phase", [Phase.SUSPECT, Phase.RECOVERING])
def test_a_service_in_trouble_is_never_looked_at_more_slowly(phase: Phase) -> None:
    policy = Policy(interval=0.25)
    assert next_round(State("api", phase), policy, BEGAN, OFFSET) == BEGAN + 0.25


@pytest.mark.parametrize(
    ("deadline", "due"),
    [
        (None, 1024),
        (1010.5, 1010.5),
        (1030, 1024),  # later than the next round anyway
        (1007, 1024),  # it was this round's
        (900, 1024),
    ],
)
def test_a_deadline_is_met_on_time(deadline: float | None, due: float) -> None:
    healthy, paused = State("api", Phase.HEALTHY), State("api", Phase.MAINTENANCE)
    assert next_round(healthy, Policy(), BEGAN, OFFSET, deadline) == due
    if deadline is not None:
        paused = replace(paused, maintenance=Maintenance(deadline, "kim", "deploy"))
    assert next_round(paused, Policy(), BEGAN, OFFSET) == due


def test_the_end_of_a_backoff_is_met_on_time() -> None:
    waiting = State("api", Phase.WAITING, restart_at=1008.25)
    assert next_round(waiting, Policy(), BEGAN, OFFSET) == 1008.25


def test_of_several_deadlines_the_earliest_counts() -> None:
    waiting = State("api", Phase.WAITING, restart_at=1008.25)
    assert next_round(waiting, Policy(), BEGAN, OFFSET, 1007.75) == 1007.75


def test_a_round_that_began_on_its_slot_is_followed_by_the_next_slot() -> None:
    assert next_round(State("api", Phase.HEALTHY), Policy(), 1024, OFFSET) == 1054


def test_a_round_before_the_first_slot_is_followed_by_that() -> None:
    assert next_round(State("api", Phase.HEALTHY), Policy(), 1.0, OFFSET) == OFFSET


@pytest.mark.no_cover
@pytest.mark.parametrize("interval", [0.1, 0.3, 223.14809526376936])
def test_a_slot_that_rounding_falls_short_of_is_not_taken_twice(interval: float) -> None:
    began = 0.0
    for number in range(1, 3000):
        due = next_round(State("api", Phase.HEALTHY), Policy(interval=interval), began, 0.0)
        assert due == pytest.approx(number * interval)
        began = due


def test_a_timer_that_rings_a_hair_too_early_does_not_cause_two_rounds() -> None:
    assert next_round(State("api", Phase.HEALTHY), Policy(), 1023.9999, OFFSET) == 1054


@pytest.mark.parametrize(
    ("index", "count", "interval", "offset"),
    [
        (0, 1, 30, 0),
        (0, 4, 30, 0),
        (1, 4, 30, 7.5),
        (3, 4, 30, 22.5),
        (1, 7, 30, 4.25),  # 4.285…, on a slot of a quarter of a second
        (999, 1000, 30, 29.75),
        (0, 0, 30, 0),
        (17, 10_000, 10, 0.015625),  # 0.017: sixteen in a slot, so it is shorter
        (9999, 10_000, 10, 9.984375),
    ],
)
def test_services_are_spread_over_the_interval_on_slots(
    index: int, count: int, interval: float, offset: float
) -> None:
    assert spread(index, count, interval) == offset
