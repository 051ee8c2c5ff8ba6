"""A service that fails and heals by turns: one incident, one message, an end to be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.life import DEAD, DONE, HTTP, PASS, PORT, RESUME, Life
from watchdog.core.model import AlertKind, NoteKind, Observation, Phase
from watchdog.core.service import Policy
from watchdog.core.telling import CircumstanceKind, MeasureKind

FIRING, GAVE_UP, RESOLVED = AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED
HOUR = 3600


def flap(life: Life, failing: float, healthy: float, answer: Observation = HTTP) -> Life:
    """For an hour let *answer* come for *failing* seconds, seen at once, then health."""
    end = life.now.mono + HOUR
    while life.now.mono < end:
        life.on(answer).see(answer, failing).see(PASS, healthy)
    return life


# Each of them is an hour of rounds: a tenth of what all properties of the core would take.
@settings(max_examples=settings().max_examples // 2)
@given(
    failing=st.floats(1, 60),
    healthy=st.floats(10, 800),
    answer=st.sampled_from([HTTP, DEAD, PORT]),
)
def test_an_hour_of_flapping_is_three_messages_at_most(
    failing: float, healthy: float, answer: Observation
) -> None:
    life = flap(Life(), failing, healthy, answer)
    # One more only if it was given up on before anybody could know that it comes back.
    given_up = life.told[:2] == [FIRING, GAVE_UP]
    assert len(life.told) <= 3 + given_up, life.told


def test_blips_too_short_to_page_are_told_once_they_are_many() -> None:
    life = Life().see(PASS, 60)
    for _ in range(4):
        life.on(HTTP, HTTP, PASS, every=2).see(PASS, 120)
    assert life.told == []
    life.on(HTTP)
    assert (life.told, life.phase) == ([FIRING], Phase.FAILING)
    [firing] = life.alerts
    assert firing.reason == "flapping, failed 5 times in 8 min: /health answered 500"
    told = firing.circumstance
    assert told is not None
    assert (told.kind, told.count, told.reason) == (CircumstanceKind.FLAPPING, 5, HTTP.reason)
    assert (firing.failures, firing.max_failures) == (1, 3)


def test_blips_far_apart_are_no_flapping() -> None:
    life = Life().see(PASS, 60)
    for _ in range(20):
        life.on(HTTP, HTTP, PASS, every=2).see(PASS, 500)
    assert life.told == []


def test_a_flap_limit_of_zero_counts_no_blips() -> None:
    life = flap(Life(Policy(flap_limit=0)), 2, 30)
    assert life.told == []


def test_a_flap_window_of_zero_makes_every_incident_one_of_its_own() -> None:
    life = Life(Policy(flap_window=0, restart_after={"http": 0}))
    life.on(*[HTTP, HTTP, HTTP, PASS, PASS] * 3, every=2)
    assert life.told == [FIRING, RESOLVED] * 3


def test_flapping_is_over_when_health_has_lasted_and_only_then() -> None:
    life = flap(Life(Policy(remind_after=0, max_failures=99, restart_after={})), 30, 60).see(
        PASS, 1700
    )
    assert life.told == [FIRING]
    life.see(PASS, 120)
    assert life.told == [FIRING, RESOLVED]
    assert life.state.losses, "kept as far as flapping looks back, and no further"
    life.on(HTTP, PASS, every=2).see(PASS, 60)
    assert life.told == [FIRING, RESOLVED], "one blip does not make it flap again"


SPENT = Policy(max_failures=1, restart_budget=2)


def spent(policy: Policy = SPENT) -> Life:
    """Return the life of a service whose second failure, in no time, takes its last restart."""
    life = Life(policy).on(DEAD, DONE, PASS, PASS, DEAD).see(DEAD, 6)
    assert (life.told, life.phase) == ([FIRING, RESOLVED, FIRING], Phase.GAVE_UP)
    assert NoteKind.GAVE_UP in life.noted
    return life


@pytest.mark.no_cover
def test_that_restarts_are_used_up_is_no_news_while_it_heals_by_turns() -> None:
    life = spent()
    for _ in range(10):
        life.see(PASS, 100).see(DEAD, 200)
    assert life.told == [FIRING, RESOLVED, FIRING]


def test_a_flapping_service_that_does_not_come_back_any_more_is_told_of_again() -> None:
    life = spent().see(PASS, 60).see(DEAD, 280)
    assert life.told == [FIRING, RESOLVED, FIRING]
    life.see(DEAD, 60)
    assert life.told == [FIRING, RESOLVED, FIRING, GAVE_UP]
    measure = life.alerts[-1].measure
    assert measure is not None
    assert (measure.kind, measure.count) == (MeasureKind.GAVE_UP, 2)
    life.see(DEAD, 1000)
    assert life.told == [FIRING, RESOLVED, FIRING, GAVE_UP]


@pytest.mark.parametrize("retry_every", [30.0, 120.0, 300.0, 900.0])
def test_retries_however_frequent_do_not_hide_that_it_stays_down(retry_every: float) -> None:
    life = spent(replace(SPENT, retry_every=retry_every)).see(PASS, 60).see(DEAD, 280)
    assert life.told == [FIRING, RESOLVED, FIRING]
    life.see(DEAD, 60)
    assert life.told == [FIRING, RESOLVED, FIRING, GAVE_UP]


def test_an_incident_of_flapping_that_began_without_a_health_to_lose_can_be_given_up_on() -> None:
    life = Life(SPENT).on(DEAD, DONE, PASS, PASS).see(PASS, 20)
    life = Life(SPENT, replace(life.state, losses=(), phase=Phase.PENDING)).see(DEAD, 240)
    assert life.told == [FIRING]
    life.see(DEAD, 120)
    assert life.told == [FIRING, GAVE_UP]


def test_that_restarts_are_forgiven_is_on_record_while_it_flaps() -> None:
    """And so in the database: after a kill -9 the service would be given up on once more."""
    life = spent().see(PASS, 240)
    assert NoteKind.REARMED not in life.noted
    life.see(PASS, 120)
    assert (life.noted[-1], life.state.gave_up) == (NoteKind.REARMED, False)


def test_giving_up_on_a_flapping_service_is_on_record_once_for_each_time() -> None:
    life = spent()
    before = life.noted.count(NoteKind.GAVE_UP)
    life.see(DEAD, 60)
    assert life.noted.count(NoteKind.GAVE_UP) == before


def test_what_flapped_before_maintenance_does_not_count_after_it() -> None:
    life = Life().see(PASS, 60)
    for _ in range(4):
        life.on(HTTP, PASS, every=2).see(PASS, 60)
    life.pause().on(RESUME).see(PASS, 60).on(HTTP)
    assert life.told == []


@pytest.mark.no_cover
@pytest.mark.parametrize("count", [20, 100])
def test_what_is_kept_of_flapping_is_bounded(count: int) -> None:
    life = Life().see(PASS, 60)
    for _ in range(count):
        life.on(HTTP, PASS, every=1).on(PASS, every=1)
    assert len(life.state.losses) == 20


def test_of_a_single_failure_nobody_is_told_that_it_is_one_of_many() -> None:
    life = Life(Policy(restart_after={"http": 0})).on(HTTP, HTTP, HTTP, PASS, PASS)
    life.on(HTTP, HTTP, HTTP)
    assert life.state.incident is not None
    assert life.state.incident.flapping
    assert life.alerts[-1].reason == HTTP.reason
    lost = replace(life.state, losses=(life.now.mono - 60, life.now.mono))
    again = Life(life.policy, lost).see(PASS, 20).on(HTTP)
    assert again.state.losses[-1] == again.now.mono
