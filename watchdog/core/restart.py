"""Counting a failure, and deciding whether a restart is due, allowed and of any help."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.incident import enter, make_alert, make_note, open_incident, span
from watchdog.core.model import (
    AlertKind,
    Effect,
    Incident,
    NoteKind,
    Now,
    Observation,
    Phase,
    Policy,
    Restart,
    State,
    Step,
)


def count_failure(
    state: State, seen: Observation, policy: Policy, now: Now, *, open_now: bool = False
) -> Step:
    """Count a failure and decide on restart and incident."""
    fresh = state.cause is None or state.cause.check != seen.check
    state = replace(
        state,
        failures=state.failures + 1,
        passes=0,
        cause=seen,
        healthy_since=None,
        restart_at=None,
    )
    effects: list[Effect] = []
    if fresh or state.failures <= policy.max_failures:
        count = f"failure {state.failures}/{policy.max_failures}"
        effects.append(
            make_note(state, NoteKind.FAILED, f"{seen.check}: {seen.reason} ({count})", now)
        )
    must_open = open_now or state.failures >= policy.max_failures

    limit = rules.threshold(policy, seen.check)
    planned: Step | None = None
    if open_now:
        action = "no restart is possible; a person is needed"
    elif not seen.curable:
        action = "a restart cannot help, so none is tried; a person is needed"
    elif limit == 0:
        action = f"restarts for check {seen.check} are switched off; a person is needed"
    elif state.failures < limit:
        action = f"a restart follows after {limit} failures"
    else:
        planned, action = _plan_restart(state, seen, policy, now)
        must_open = must_open or planned.state.phase is Phase.GAVE_UP

    if planned is None:
        calm = Phase.FAILING if must_open or state.incident else Phase.SUSPECT
        planned = Step(enter(state, calm, now))
    state = planned.state
    if must_open and state.incident is None:
        state, opening = open_incident(state, policy, now, action)
        effects += opening
    elif state.phase is Phase.GAVE_UP and state.incident and not state.incident.told_gave_up:
        state = replace(state, incident=replace(state.incident, told_gave_up=True))
        effects.append(make_note(state, NoteKind.GAVE_UP, action, now))
        effects.append(make_alert(state, AlertKind.GAVE_UP, policy, now, action))
    return Step(state, (*effects, *planned.effects))


def _plan_restart(state: State, seen: Observation, policy: Policy, now: Now) -> tuple[Step, str]:
    """Return the restart, or the waiting for it, and a sentence that says so."""
    state = replace(state, restarts=rules.remembered(state, policy, now.mono))
    left = rules.budget_left(state, policy, now.mono)
    if state.gave_up or left == 0:
        due = rules.retry_at(state, policy)
        state = replace(state, gave_up=True)
        if now.mono >= due:
            once_more = spend_restart(state, seen.reason, now)
            return once_more, "restarting once more, though the budget is spent"
        waiting = replace(enter(state, Phase.GAVE_UP, now), restart_at=due)
        spent = f"gave up after {len(state.restarts)} restarts"
        return Step(waiting), f"{spent}; tries once more in {span(due - now.mono)}"
    delay = rules.backoff(policy, state.attempts)
    if delay > 0:
        waiting = replace(enter(state, Phase.WAITING, now), restart_at=now.mono + delay)
        return Step(waiting), f"the next restart follows in {span(delay)}"
    action = f"restarting now ({left - 1} more allowed for now)"
    return spend_restart(state, seen.reason, now), action


def spend_restart(state: State, reason: str, now: Now) -> Step:
    """Take a restart from the budget and ask for it."""
    number = state.attempts + 1
    state = replace(
        enter(state, Phase.RESTARTING, now),
        restarts=(*state.restarts, now.mono),
        attempts=number,
        passes=0,
        restart_at=None,
        incident=restarted_once_more(state.incident),
    )
    note = make_note(state, NoteKind.RESTART, f"restart {number}: {reason}", now)
    return Step(state, (note, Restart(reason, number)))


def restarted_once_more(incident: Incident | None) -> Incident | None:
    """Return *incident* with one more restart on its account."""
    return incident and replace(incident, restarts=incident.restarts + 1)
