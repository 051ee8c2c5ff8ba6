from __future__ import annotations

import pytest

from watchdog.core import policy as rules
from watchdog.core.model import State
from watchdog.core.service import Policy


@pytest.mark.parametrize(
    ("policy", "check", "failures"),
    [
        (Policy(), "unit", 1),
        (Policy(), "port", 1),
        (Policy(), "http", 3),
        (Policy(restart_after={"unit": 0}), "unit", 0),
        (Policy(restart_after={}, max_failures=7), "http", 7),  # not named: with the page
        (Policy(restart_budget=0), "unit", 0),  # no budget is no restart
    ],
)
def test_a_restart_is_due_after_so_many_failures(policy: Policy, check: str, failures: int) -> None:
    assert rules.threshold(policy, check) == failures


@pytest.mark.parametrize(
    ("policy", "may"),
    [
        (Policy(), True),
        (Policy(restart_after={"unit": 0, "http": 3}), True),
        (Policy(restart_after={"unit": 0, "http": 0}), False),
        (Policy(restart_budget=0), False),
    ],
)
def test_a_service_that_no_check_restarts_is_only_watched(policy: Policy, may: bool) -> None:
    assert rules.may_restart(policy) is may


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 0), (1, 5), (2, 10), (3, 20), (4, 40), (7, 300), (8, 300), (1_000_000, 300)],
)
def test_pauses_double_up_to_a_limit_and_the_first_restart_waits_for_nothing(
    attempts: int, seconds: float
) -> None:
    assert rules.backoff(Policy(), attempts) == seconds


def test_a_pause_of_nothing_stays_nothing() -> None:
    assert rules.backoff(Policy(backoff_first=0), 9) == 0


@pytest.mark.parametrize(
    ("ago", "left"),
    [
        ((), 3),
        ((10,), 2),
        ((599, 10), 1),
        ((600, 10), 2),  # just out of the window
        ((30, 20, 10), 0),
        ((40, 30, 20, 10), 0),  # half-open retries spend more than there is
    ],
)
def test_the_budget_is_what_its_window_has_not_seen_spent(
    ago: tuple[float, ...], left: int
) -> None:
    policy = Policy(restart_budget=3, restart_window=600)
    state = State("api", restarts=tuple(1000 - seconds for seconds in ago))
    assert rules.budget_left(state, policy, 1000) == left


@pytest.mark.parametrize(("window", "retry_every"), [(600, 60), (60, 600)])
def test_restarts_are_remembered_as_long_as_the_budget_or_a_retry_needs_them(
    window: float, retry_every: float
) -> None:
    policy = Policy(restart_window=window, retry_every=retry_every)
    state = State("api", restarts=(400, 401, 990))
    assert rules.remembered(state, policy, 1000) == (401, 990)


def test_a_retry_is_due_retry_every_after_the_last_restart() -> None:
    policy = Policy(retry_every=900)
    assert rules.retry_at(State("api", restarts=(10, 20)), policy) == 920
    assert rules.retry_at(State("api"), policy) == 0, "without one, at once"


@pytest.mark.parametrize(
    ("failed_at", "counts"), [(None, True), (999, False), (970.5, False), (970, True), (1, True)]
)
def test_while_a_restart_is_waited_for_failures_count_at_the_regular_pace(
    failed_at: float | None, *, counts: bool
) -> None:
    state = State("api", failed_at=failed_at)
    assert rules.counts_again(state, Policy(interval=30), 1000) is counts


def test_crashes_are_forgotten_with_their_window() -> None:
    state = State("api", crashes=(700, 701, 999))
    assert rules.recent_crashes(state, Policy(crash_window=300), 1000) == (701, 999)


@pytest.mark.parametrize(
    ("crashes", "over"), [((), True), ((10, 940), True), ((10, 941), False), ((1000,), False)]
)
def test_a_crash_loop_is_over_after_some_quiet(crashes: tuple[float, ...], *, over: bool) -> None:
    assert rules.crash_loop_over(State("api", crashes=crashes), Policy(), 1000) is over


@pytest.mark.parametrize(("since", "stable"), [(None, False), (701, False), (700, True)])
def test_health_is_stable_once_it_has_lasted(since: float | None, *, stable: bool) -> None:
    assert rules.is_stable(State("api", healthy_since=since), Policy(), 1000) is stable
