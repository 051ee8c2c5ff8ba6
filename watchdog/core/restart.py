"""Counting a failure, and deciding whether a restart is due, allowed and of any help."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.incident import enter, make_alert, make_note, open_incident, unproven
from watchdog.core.model import (
    AlertKind,
    Effect,
    NoteKind,
    Now,
    Observation,
    Phase,
    Restart,
    RestartFinished,
    RestartOutcome,
    State,
    Step,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.spans import span
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind


def count_failure(
    state: State, seen: Observation, policy: Policy, now: Now, *, impossible: bool = False
) -> Step:
    """Count a failure and decide on restart and incident.

    *impossible*: the failure is a restart that cannot be done, so a person is told at once.
    """
    knew = state.phase is Phase.GAVE_UP
    too_often = rules.lost_too_often(state, policy, now.mono)
    fresh = state.cause is None or state.cause.check != seen.check
    state = replace(unproven(state), failures=state.failures + 1, failed_at=now.mono, cause=seen)
    effects: list[Effect] = []
    if fresh or state.failures <= policy.max_failures:
        count = f"failure {state.failures}/{policy.max_failures}"
        effects.append(
            make_note(state, NoteKind.FAILED, f"{seen.check}: {seen.reason} ({count})", now)
        )
    planned, measure = _plan(state, seen, policy, now, impossible=impossible)
    state = planned.state
    gave_up = state.phase is Phase.GAVE_UP
    told = state.incident is not None and state.incident.told_gave_up
    enough = state.failures >= policy.max_failures or too_often
    if state.incident is None and (gave_up or enough):
        calm = Phase.FAILING if state.phase is Phase.SUSPECT else state.phase
        state, opening = open_incident(enter(state, calm, now), policy, now, measure)
        effects += opening
    elif state.incident is not None and gave_up and not (told or state.incident.flapping):
        state = replace(state, incident=replace(state.incident, told_gave_up=True))
        effects.append(make_alert(state, AlertKind.GAVE_UP, policy, now, measure))
    if gave_up and not (told or knew):
        effects.append(make_note(state, NoteKind.GAVE_UP, _gave_up_words(measure, now), now))
    return Step(state, (*effects, *planned.effects))


def _gave_up_words(measure: Measure, now: Now) -> str:
    """Say for the ledger why there is no restart for now."""
    why = f"gave up after {measure.count} restarts"
    if measure.kind is MeasureKind.NO_RESTART_POSSIBLE:
        why = "no restart is possible; a person is needed"
    return f"{why}; tries once more in {span(measure.next_try - now.wall)}"


def _plan(
    state: State, seen: Observation, policy: Policy, now: Now, *, impossible: bool
) -> tuple[Step, Measure]:
    """Return what becomes of a counted failure, and what is to be told of that."""
    limit = rules.threshold(policy, seen.check)
    if impossible:
        return _give_up(state, policy, now, MeasureKind.NO_RESTART_POSSIBLE)
    if seen.curable and 0 < limit <= state.failures:
        return _plan_restart(state, seen, policy, now)
    if not seen.curable:
        measure = Measure(MeasureKind.NO_RESTART_HELPS)
    elif limit == 0:
        measure = Measure(MeasureKind.RESTARTS_OFF)
    else:
        measure = Measure(MeasureKind.RESTART_AFTER, limit=limit)
    calm = Phase.SUSPECT if state.incident is None else Phase.FAILING
    return Step(enter(state, calm, now)), measure


def _plan_restart(
    state: State, seen: Observation, policy: Policy, now: Now
) -> tuple[Step, Measure]:
    """Return the restart, or the waiting for it, and what is to be told of that."""
    state = replace(state, restarts=rules.remembered(state, policy, now.mono))
    left = rules.budget_left(state, policy, now.mono)
    if state.gave_up or left == 0:
        if now.mono < rules.retry_at(state, policy):
            return _give_up(state, policy, now, MeasureKind.GAVE_UP)
        once_more = spend_restart(replace(state, gave_up=True), seen.reason, now)
        return once_more, Measure(MeasureKind.RESTARTING_ONCE_MORE)
    due = now.mono + rules.backoff(policy, state.attempts)
    if state.phase is Phase.WAITING and state.restart_at is not None:
        due = state.restart_at  # decided by an earlier failure of the same trouble
    if due > now.mono:
        waiting = replace(enter(state, Phase.WAITING, now), restart_at=due)
        return Step(waiting), Measure(MeasureKind.RESTART_DUE, next_try=_wall(due, now))
    number = policy.restart_budget - left + 1
    measure = Measure(MeasureKind.RESTARTING, count=number, limit=policy.restart_budget)
    return spend_restart(state, seen.reason, now), measure


def _give_up(state: State, policy: Policy, now: Now, kind: MeasureKind) -> tuple[Step, Measure]:
    """Return the waiting for a half-open retry, and what is to be told of it."""
    due = rules.retry_at(state, policy)
    waiting = replace(enter(state, Phase.GAVE_UP, now), restart_at=due, gave_up=True)
    return Step(waiting), Measure(kind, count=len(state.restarts), next_try=_wall(due, now))


def _wall(mono: float, now: Now) -> float:
    """Return what the wall clock will say at *mono*; now, if that is over."""
    return now.wall + max(0.0, mono - now.mono)


def spend_restart(state: State, reason: str, now: Now) -> Step:
    """Take a restart from the budget and ask for it.

    One that was taken before the daemon was restarted, and never issued, is not taken twice.
    """
    restarting = enter(state, Phase.RESTARTING, now)
    if not state.unfinished:
        restarting = replace(
            on_account(restarting, 1),
            restarts=(*state.restarts, now.mono),
            attempts=state.attempts + 1,
        )
    number = restarting.attempts
    note = make_note(state, NoteKind.RESTART, f"restart {number}: {reason}", now)
    return Step(restarting, (note, Restart(reason, number)))


def failed_restart(state: State, end: RestartFinished) -> Observation:
    """Return the failure that a restart is which ended without the service being up."""
    return Observation(
        Verdict.FAIL,
        state.cause.check if state.cause is not None else "unit",
        f"restart failed: {end.reason}",
        end.duration,
        curable=end.outcome is not RestartOutcome.IMPOSSIBLE,
        dead=True,
        circumstance=Circumstance(CircumstanceKind.RESTART_FAILED, end.reason),
    )


def on_account(state: State, change: int) -> State:
    """Return *state* with so many restarts more, or fewer, in what is told of the trouble."""
    incident = state.incident
    if incident is not None:
        incident = replace(incident, restarts=max(0, incident.restarts + change))
    return replace(state, restarted=max(0, state.restarted + change), incident=incident)
