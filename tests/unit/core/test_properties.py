"""What holds whatever happens: any events in any order at any time, under any policy."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.life import (
    BEGAN,
    BEGAN_BEFORE_IT,
    DEAD,
    DONE,
    FAILED,
    HOLD,
    HTTP,
    IMPOSSIBLE,
    MASKED,
    MONO,
    PASS,
    PORT,
    RESUME,
    STRANGER,
    UNKNOWN,
    YIELDED,
    Life,
    memory,
)
from watchdog.core import policy as rules
from watchdog.core import schedule
from watchdog.core.machine import step
from watchdog.core.maintenance import RETAKEN_WITHIN, is_leased
from watchdog.core.model import (
    Acknowledged,
    Alert,
    AlertKind,
    Began,
    Crashed,
    Event,
    Leased,
    Note,
    NoteKind,
    Observation,
    Paused,
    Phase,
    Pressed,
    Released,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Step,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.standing import Started


@dataclass(frozen=True)
class PausedFor:
    """A Paused whose end is told from when it comes."""

    seconds: float


@dataclass(frozen=True)
class LeasedFor:
    """A Leased whose end is told from when it comes."""

    lease: str
    seconds: float


def spans(*usual: float) -> st.SearchStrategy[float]:
    between = st.floats(min(usual), max(usual)).map(lambda seconds: round(seconds, 3))
    return st.sampled_from(usual) | between


thresholds = dict.fromkeys(["unit", "port", "http"], st.integers(0, 4))

policies = st.builds(
    Policy,
    max_failures=st.integers(1, 4),
    restart_after=st.fixed_dictionaries({}, optional=thresholds),
    interval=spans(0.5, 1, 30, 300),
    fast_interval=spans(0.1, 2, 60),
    recovery_interval=spans(0.1, 0.5, 60),
    recover_after=st.integers(1, 3),
    restart_budget=st.integers(0, 4),
    restart_window=spans(1, 60, 1800, 10_000),
    backoff_first=spans(0, 5, 600),
    backoff_max=spans(600, 1000),
    retry_every=spans(1, 60, 900, 10_000),
    stable_after=spans(0, 1, 300),
    crash_limit=st.integers(0, 3),
    crash_window=spans(1, 300, 5000),
    crash_quiet=spans(0, 60, 1000),
    flap_limit=st.integers(0, 6),
    flap_window=spans(0, 1800, 5000),
    remind_after=spans(0, 60, 3600),
    notify_healed=st.booleans(),
)  # fmt: skip

answers = st.sampled_from(
    [PASS, PASS, PASS, HTTP, HTTP, DEAD, DEAD, PORT, STRANGER, MASKED, HOLD, UNKNOWN]
)
ends = st.sampled_from([DONE, DONE, FAILED, YIELDED, IMPOSSIBLE])
people = st.sampled_from(
    [RestartRequested("kim"), RESUME, PausedFor(10), PausedFor(600), PausedFor(0)]
)
deploys = st.sampled_from(
    [
        *(LeasedFor("d1", 600), LeasedFor("d1", 5), LeasedFor("d2", 600), LeasedFor("d2", 0)),
        *(Released("d1", "done"), Released("d2", "done")),
    ]
)
words = st.sampled_from(
    [
        Acknowledged("kim"),
        Acknowledged("lee", "on it"),
        Acknowledged("kim", incident="of-old"),
        RestartRequested("kim", incident="of-old"),
        Pressed("of-old", "restart refused"),
    ]
)
rare = (
    st.sampled_from([BEGAN, BEGAN_BEFORE_IT])
    | people
    | words
    | deploys
    | st.builds(Crashed, st.integers(0, 4), st.just("SEGV"))
    | st.builds(memory, st.none() | st.floats(0, 120))
    | st.builds(Started, st.floats(0, 60))
)
happenings = answers | answers | ends | ends | rare
pauses = st.sampled_from([0, 0, 0.5, 2, 2, 5, 30, 60, 300, 900, 2000]) | st.floats(0, 10_000)
courses = st.lists(st.tuples(pauses, happenings), max_size=40)

LEASED = Leased("d3", MONO + 1e9, "lee")

Course = Sequence[tuple[float, Event | PausedFor | LeasedFor]]


@dataclass
class Witness:
    """Sees every step of a life and holds it against the rules."""

    life: Life
    in_flight: bool = False
    own: list[float] = field(default_factory=list)  # restarts, when they were decided
    voided: bool = False  # the last of them was never issued
    firings: list[float] = field(default_factory=list)
    open: str = ""  # the incident that people know of
    told_gave_up: bool = False
    warned: set[str] = field(default_factory=set)  # warnings that people know of

    def on(self, event: Event) -> None:
        life = self.life
        before = life.state
        life.on(event)
        after = life.state
        assert step(before, event, life.policy, life.now) == Step(after, tuple(life.last)), "pure"
        self.see_state(after)
        self.see_event(before, event, after)
        self.see_restart(before, event, after)
        self.see_alerts(before, after)

    def see_state(self, state: State) -> None:
        policy, phase = self.life.policy, state.phase
        assert (state.restart_at is not None) == (phase in {Phase.WAITING, Phase.GAVE_UP})
        assert (state.maintenance is not None) == (phase is Phase.MAINTENANCE)
        assert not state.unfinished or phase in {Phase.MAINTENANCE, Phase.WAITING}
        assert (state.passes == 0) == (state.healthy_since is None)
        assert state.passes <= policy.recover_after
        if phase is Phase.HEALTHY:
            assert state.failures == 0
        if phase in {Phase.FAILING, Phase.GAVE_UP}:
            assert state.incident is not None, "nobody is left to find out by themselves"
        if phase is Phase.SUSPECT:
            assert state.incident is None
        if state.failures >= policy.max_failures:
            assert state.incident is not None
        assert len(state.crashes) <= max(policy.crash_limit, 1)
        horizon = max(policy.restart_window, policy.retry_every)
        assert len(state.restarts) <= policy.restart_budget + horizon / policy.retry_every + 2

    def see_event(self, before: State, event: Event, after: State) -> None:
        restarts = [effect for effect in self.life.last if isinstance(effect, Restart)]
        resumed = any(
            isinstance(effect, Note) and effect.kind in {NoteKind.RESUMED, NoteKind.RELEASED}
            for effect in self.life.last
        )
        failures = 0 if resumed else before.failures
        match event:
            case Observation(verdict=Verdict.HOLD | Verdict.UNKNOWN):
                assert after.failures == failures
                assert not restarts
                alerts = [effect for effect in self.life.last if isinstance(effect, Alert)]
                assert all(alert.kind is AlertKind.UPDATE for alert in alerts)
            case Observation(verdict=Verdict.PASS):
                assert after.failures in {0, failures}
                assert not restarts
            case Observation():
                assert after.failures in {failures, failures + 1}
            case RestartFinished(outcome=RestartOutcome.FAILED | RestartOutcome.IMPOSSIBLE):
                assert after.failures in {failures, failures + 1}
            case RestartRequested():
                assert after.failures == failures
                assert not (event.incident and restarts), "a button under an incident that is over"
            case _:
                assert after.failures == failures
                assert not restarts
        if after.phase is Phase.MAINTENANCE:
            assert all(restart.wanted_by for restart in restarts)
        if is_leased(after):
            assert not restarts, "the deploy restarts it"
        if is_leased(before) and is_leased(after):
            told = [effect.kind for effect in self.life.last if isinstance(effect, Alert)]
            assert set(told) <= {AlertKind.WARNING_OVER}, "which disturbs nobody"
            self.see_lease(before, event, after)

    def see_lease(self, before: State, event: Event, after: State) -> None:
        held, still = before.maintenance, after.maintenance
        assert held is not None
        assert still is not None
        if held.lease == still.lease:
            assert still.until <= held.until or isinstance(event, Leased), "only its own deploy"
        else:
            assert self.life.now.mono >= held.until, "a second deploy"
        is_over = held.under is not None and self.life.now.mono >= held.under.until
        if not (isinstance(event, Paused | Resumed) or is_over) and held.lease == still.lease:
            assert still.under == held.under, "a person's"

    def see_restart(self, before: State, event: Event, after: State) -> None:
        self.see_end(event)
        if after.phase not in {Phase.WAITING, Phase.RESTARTING}:
            self.voided = False
        for restart in self.life.last:
            if isinstance(restart, Restart):
                assert not self.in_flight, "one at a time"
                self.in_flight = True
                if not restart.wanted_by and not self.voided:
                    self.see_spending(event, after)
                self.voided = False  # the same again counts from when it was decided
        assert after.phase is not Phase.RESTARTING or self.in_flight, "waits for nothing"

    def see_end(self, event: Event) -> None:
        match event:
            case RestartFinished():
                if self.in_flight and event.outcome is RestartOutcome.YIELDED and self.own:
                    self.own.pop()
                self.in_flight = False
            case Began():
                self.voided = self.voided or (self.in_flight and not event.restarted)
                self.in_flight = False

    def see_spending(self, event: Event, after: State) -> None:
        policy, now = self.life.policy, self.life.now.mono
        recent = [at for at in self.own if at > now - policy.restart_window]
        half_open = not self.own or now >= self.own[-1] + policy.retry_every
        assert len(recent) < policy.restart_budget or half_open, "a storm"
        assert policy.restart_budget, "switched off"
        self.own.append(now)
        if isinstance(event, Observation):
            assert event.verdict is Verdict.FAIL
            assert event.curable
            assert 0 < rules.threshold(policy, event.check) <= after.failures

    def see_alerts(self, before: State, after: State) -> None:
        policy = self.life.policy
        for effect in self.life.last:
            if isinstance(effect, Note) and effect.kind not in _ELSEWHERE:
                incident = after.incident or before.incident
                assert effect.incident == (incident.id if incident else "")
            if not isinstance(effect, Alert):
                continue
            match effect.kind:
                case AlertKind.FIRING:
                    assert not self.open
                    assert effect.incident
                    self.open, self.told_gave_up = effect.incident, after.phase is Phase.GAVE_UP
                    self.see_firing(after)
                case AlertKind.GAVE_UP:
                    assert self.open == effect.incident
                    assert self.open
                    assert not self.told_gave_up
                    self.told_gave_up = True
                case AlertKind.REMINDER:
                    assert self.open == effect.incident
                    assert effect.duration >= policy.remind_after > 0
                    assert after.incident is not None
                    assert not after.incident.acknowledged, "it is known"
                case AlertKind.UPDATE:
                    self.see_update(effect, before, after)
                case AlertKind.RESOLVED:
                    assert self.open == effect.incident
                    assert self.open
                    assert effect.duration >= 0
                    self.open = ""
                case AlertKind.WARNING | AlertKind.WARNING_OVER:
                    self.see_warning(effect, after)
                case _:
                    assert effect.kind is AlertKind.NOTICE
                    assert not effect.incident
        assert (after.incident.id if after.incident else "") == self.open
        assert {warning.id for warning in after.warnings if warning.told} == self.warned

    def see_update(self, update: Alert, before: State, after: State) -> None:
        assert self.open == update.incident
        assert self.open
        assert before.incident is not None, "the opening has told it"
        assert after.phase is not Phase.MAINTENANCE
        alerts = [effect for effect in self.life.last if isinstance(effect, Alert)]
        assert alerts == [update], "an alert has told it"

    def see_warning(self, alert: Alert, after: State) -> None:
        if alert.kind is AlertKind.WARNING_OVER:
            self.warned.remove(alert.incident)  # told, and not yet told to be over
            assert alert.duration >= 0
            return
        assert after.silence is None
        assert after.phase is not Phase.MAINTENANCE
        assert alert.incident in {warning.id for warning in after.warnings}
        self.warned.add(alert.incident)

    def see_firing(self, state: State) -> None:
        incident, policy = state.incident, self.life.policy
        assert incident is not None
        assert (
            state.failures >= policy.max_failures
            or incident.crash_loop
            or rules.lost_too_often(state, policy, self.life.now.mono)
            or state.phase is Phase.GAVE_UP
        )
        self.firings.append(self.life.now.mono)
        if len(self.firings) > 2:
            assert self.firings[-1] - self.firings[-3] >= policy.flap_window, "pages without end"


# Notes that are filed by themselves: under no incident, or under one that may be over.
_ELSEWHERE = {NoteKind.RESUMED, NoteKind.RELEASED, NoteKind.PRESSED}


def happen(life: Life, course: Course, witness: Witness | None = None) -> Life:
    """Return *life* after *course*, seen by *witness* if there is one."""
    for seconds, happening in course:
        life.wait(seconds)
        event = happening
        if isinstance(event, PausedFor):
            event = Paused(life.now.mono + event.seconds, "kim", "deploy")
        elif isinstance(event, LeasedFor):
            event = Leased(event.lease, life.now.mono + event.seconds, "lee")
        if witness is None:
            life.on(event)
        else:
            witness.on(event)
    return life


def live(policy: Policy, course: Course) -> Life:
    return happen(Life(policy), course)


@given(policies, courses)
def test_the_rules_hold_whatever_happens(policy: Policy, course: Course) -> None:
    life = Life(policy)
    happen(life, course, Witness(life))


@given(courses)
def test_the_rules_hold_under_the_default_policy(course: Course) -> None:
    life = Life()
    happen(life, course, Witness(life))


@given(st.lists(st.tuples(pauses, happenings, policies), max_size=20))
def test_a_policy_may_change_at_any_time(
    course: Sequence[tuple[float, Event | PausedFor | LeasedFor, Policy]],
) -> None:
    life = Life()
    for seconds, happening, life.policy in course:
        happen(life, [(seconds, happening)])


@given(policies, courses)
def test_a_state_can_be_written_as_json_and_read_again(policy: Policy, course: Course) -> None:
    state = live(policy, course).state
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


# --- nothing is stuck for ever ------------------------------------------------------------------


def end_what_goes_on(life: Life) -> Life:
    """End what people and their deploys hold, and a restart that is under way, as systemd does."""
    life.on(Released("d1", "done"), Released("d2", "done"), RESUME)
    return life.on(DONE) if life.phase is Phase.RESTARTING else life


@given(policies, courses)
def test_a_service_that_stays_healthy_is_found_healthy_wherever_it_was(
    policy: Policy, course: Course
) -> None:
    life = end_what_goes_on(live(policy, course))
    rounds = policy.interval * (policy.recover_after + 2)
    settled = 2 * policy.stable_after + policy.crash_quiet + policy.flap_window + rounds
    for _ in range(60):
        life.wait(settled / 50).on(PASS)
    state = life.state
    assert (state.phase, state.failures, state.incident) == (Phase.HEALTHY, 0, None)
    assert (state.attempts, state.gave_up) == (0, False)


@given(policies, courses)
def test_a_service_that_stays_dead_is_told_of_and_restarted_for_ever(
    policy: Policy, course: Course
) -> None:
    policy = replace(policy, restart_after={"unit": 1}, restart_budget=policy.restart_budget or 1)
    life = end_what_goes_on(live(policy, course))
    slowest = max(policy.retry_every, policy.backoff_max, policy.interval)
    for _ in range(3):
        restarts, began = len(life.restarts), life.now.mono
        while len(life.restarts) == restarts:
            assert life.now.mono - began <= slowest * 1.05
            life.wait(slowest / 50).on(FAILED if life.phase is Phase.RESTARTING else DEAD)
    for _ in range(2 * policy.max_failures):
        life.wait(slowest).on(FAILED if life.phase is Phase.RESTARTING else DEAD)
    assert life.state.incident is not None


@given(policies, courses, st.sampled_from([HTTP, PORT, STRANGER, MASKED, DEAD]))
def test_a_service_that_stays_broken_is_told_of_whatever_the_cause(
    policy: Policy, course: Course, cause: Observation
) -> None:
    life = end_what_goes_on(live(policy, course))
    slowest = policy.interval
    for _ in range(2 * policy.max_failures):
        life.wait(slowest).on(FAILED if life.phase is Phase.RESTARTING else cause)
    assert life.state.incident is not None


@given(policies, courses)
def test_a_hold_that_ends_is_followed_by_a_judgement(policy: Policy, course: Course) -> None:
    life = end_what_goes_on(live(policy, course)).on(HOLD, PASS, PASS, PASS, HOLD)
    assert life.on(PASS, PASS, PASS).phase is not Phase.HELD


@given(policies, courses, st.sampled_from([PASS, HTTP, DEAD, HOLD]))
def test_a_lease_ends_whether_its_deploy_ends_it_or_not(
    policy: Policy, course: Course, answer: Observation
) -> None:
    life = live(policy, course)
    while life.phase is Phase.MAINTENANCE:
        assert life.state.maintenance is not None
        until = life.state.maintenance.until
        life.wait(max(0.0, until - life.now.mono)).on(answer)
    assert life.state.maintenance is None


@given(policies, courses)
def test_a_daemon_that_comes_back_lets_go_of_a_lease_that_is_not_taken_again(
    policy: Policy, course: Course
) -> None:
    life = live(policy, course).on(LEASED).on(BEGAN).wait(RETAKEN_WITHIN).on(HOLD)
    assert not is_leased(life.state)


# --- rounds -------------------------------------------------------------------------------------

moments = st.floats(0, 1e7)


@given(policies, courses, moments, st.floats(0, 300), st.none() | moments)
def test_the_next_round_is_later_soon_enough_and_no_deadline_is_missed(
    policy: Policy,
    course: Course,
    began: float,
    offset: float,
    until: float | None,
) -> None:
    state = live(policy, course).state
    due = schedule.next_round(state, policy, began, offset, until)
    assert due > began
    assert due <= began + policy.interval + 0.0011
    maintenance = state.maintenance.until if state.maintenance else None
    for deadline in (until, state.restart_at, maintenance):
        assert deadline is None or deadline <= began or due <= deadline


@given(st.floats(0.1, 300), st.floats(0, 300), moments, st.lists(st.floats(0, 1), max_size=20))
def test_regular_rounds_never_drift_however_late_each_of_them_begins(
    interval: float, offset: float, start: float, lateness: list[float]
) -> None:
    policy, state = Policy(interval=interval), State("api", Phase.HEALTHY)
    due = schedule.next_round(state, policy, start, offset)
    for late in lateness:
        following = schedule.next_round(state, policy, due + late * interval * 0.98, offset)
        assert math.isclose(following, due + interval, abs_tol=1e-6)
        due = following
    turns = (due - offset) / interval
    assert math.isclose(turns, round(turns), abs_tol=1e-4)


@given(st.integers(1, 2000), st.floats(0.25, 300))
def test_services_are_spread_evenly_over_their_interval(count: int, interval: float) -> None:
    offsets = [schedule.spread(index, count, interval) for index in range(count)]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    assert offsets[-1] < interval
    gaps = [later - earlier for earlier, later in itertools.pairwise(offsets)]
    assert all(gap <= interval / count + schedule.SLOT for gap in gaps)
    assert max(Counter(offsets).values()) <= schedule.TOGETHER + 1
