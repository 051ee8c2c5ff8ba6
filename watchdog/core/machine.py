"""The state machine of one service: what an event means and what is to be done about it.

``step`` is total: every phase takes every event. A round is never judged while our own restart
is under way or during maintenance; HOLD and UNKNOWN never count.
"""

from __future__ import annotations

from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.incident import enter, healed, make_note, open_incident, span
from watchdog.core.model import (
    Began,
    Crashed,
    Event,
    Maintenance,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Policy,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Step,
    Verdict,
)
from watchdog.core.restart import count_failure, restarted_once_more, spend_restart


def step(state: State, event: Event, policy: Policy, now: Now) -> Step:
    """Return the next state and the effects due. Pure: no I/O, no clock, no log."""
    maintenance = state.maintenance if state.phase is Phase.MAINTENANCE else None
    if maintenance is not None and now.mono >= maintenance.until:
        ended = _resumed(state, "it has ended", now)
        following = step(ended.state, event, policy, now)
        return Step(following.state, ended.effects + following.effects)
    match event:
        case Observation():
            return _observed(state, event, policy, now)
        case RestartFinished():
            return _restart_finished(state, event, policy, now)
        case Crashed():
            return _crashed(state, event, policy, now)
        case Began():
            return _began(state, event, now)
        case Paused():
            return _paused(state, event, now)
        case Resumed():
            return _resumed(state, f"by {event.owner}", now)
        case RestartRequested():
            return _restart_requested(state, event, now)


# --- rounds ------------------------------------------------------------------------------------


def _observed(state: State, seen: Observation, policy: Policy, now: Now) -> Step:
    if state.phase in {Phase.RESTARTING, Phase.MAINTENANCE}:
        return Step(state)  # on hold until our restart, or the maintenance, is over
    match seen.verdict:
        case Verdict.UNKNOWN:
            return Step(state)  # no evidence
        case Verdict.HOLD:
            return _held(state, seen, now)
        case Verdict.PASS:
            return _passed(state, policy, now)
        case Verdict.FAIL:
            return _failed(state, seen, policy, now)


def _held(state: State, seen: Observation, now: Now) -> Step:
    looping = state.incident is not None and state.incident.crash_loop
    if looping or state.phase in {Phase.RECOVERING, Phase.HELD}:
        return Step(replace(state, passes=0))
    held = enter(replace(state, passes=0, restart_at=None), Phase.HELD, now)
    return Step(held, (make_note(state, NoteKind.HELD, seen.reason, now),))


def _passed(state: State, policy: Policy, now: Now) -> Step:
    state = replace(state, passes=min(state.passes + 1, policy.recover_after))
    if state.phase is Phase.HEALTHY:
        return Step(_rearmed(state, policy, now))
    incident = state.incident
    acted = incident is not None or state.phase in {Phase.RECOVERING, Phase.WAITING}
    if acted and state.passes < policy.recover_after:
        return Step(state)
    looping = incident is not None and incident.crash_loop
    if looping and not rules.crash_loop_over(state, policy, now.mono):
        return Step(state)
    proven = replace(
        enter(state, Phase.HEALTHY, now),
        failures=0,
        cause=None,
        restart_at=None,
        incident=None,
        healthy_since=now.mono,
    )
    return Step(proven, healed(state, policy, now))


def _rearmed(state: State, policy: Policy, now: Now) -> State:
    """Return the healthy *state*, forgiven its restarts once health has lasted."""
    if (state.attempts or state.gave_up) and rules.is_stable(state, policy, now.mono):
        return replace(state, attempts=0, gave_up=False)
    return state


def _failed(state: State, seen: Observation, policy: Policy, now: Now) -> Step:
    if state.phase in {Phase.WAITING, Phase.GAVE_UP} and seen.curable:
        # What these phases wait for was decided by a failure that is counted already.
        state = replace(state, passes=0, cause=seen)
        if state.restart_at is not None and now.mono < state.restart_at:
            return Step(state)
        return spend_restart(state, seen.reason, now)
    return count_failure(state, seen, policy, now)


# --- restarts ----------------------------------------------------------------------------------


def _restart_finished(state: State, end: RestartFinished, policy: Policy, now: Now) -> Step:
    if state.phase is not Phase.RESTARTING:
        return Step(state)  # not ours any more: maintenance began meanwhile
    match end.outcome:
        case RestartOutcome.DONE:
            return Step(enter(state, Phase.RECOVERING, now))
        case RestartOutcome.YIELDED:
            # Somebody else is at work on it: nothing was spent, and nothing is to be judged.
            held = enter(state, Phase.HELD, now)
            if state.attempts:  # a restart that a person asked for was never on the account
                held = replace(held, restarts=state.restarts[:-1], attempts=state.attempts - 1)
            return Step(held, (make_note(state, NoteKind.HELD, f"yielded: {end.reason}", now),))
        case RestartOutcome.FAILED | RestartOutcome.IMPOSSIBLE:
            check = state.cause.check if state.cause is not None else "unit"
            impossible = end.outcome is RestartOutcome.IMPOSSIBLE
            cause = Observation(
                Verdict.FAIL,
                check,
                f"restart failed: {end.reason}",
                end.duration,
                curable=not impossible,
                dead=True,
            )
            counted = count_failure(state, cause, policy, now, open_now=impossible)
            failed = make_note(state, NoteKind.RESTART_FAILED, end.reason, now)
            return Step(counted.state, (failed, *counted.effects))


def _restart_requested(state: State, event: RestartRequested, now: Now) -> Step:
    if state.phase is Phase.RESTARTING:
        return Step(state)
    reason = f"asked for by {event.owner}"
    effects = (
        make_note(state, NoteKind.RESTART, f"restart {reason}", now),
        Restart(reason, 0, event.owner),
    )
    if state.phase is Phase.MAINTENANCE:
        return Step(state, effects)  # a person's order; still nothing is judged
    wanted = replace(
        enter(state, Phase.RESTARTING, now),
        passes=0,
        attempts=0,
        gave_up=False,
        restart_at=None,
        incident=restarted_once_more(state.incident),
    )
    return Step(wanted, effects)


def _began(state: State, event: Began, now: Now) -> Step:
    state = replace(state, passes=0)
    if state.phase is Phase.RESTARTING:
        if event.restarted:
            return Step(enter(state, Phase.RECOVERING, now))
        # Decided and paid for, but never issued: the daemon died in between.
        reason = state.cause.reason if state.cause is not None else "asked for before"
        return Step(state, (Restart(reason, state.attempts),))
    if state.phase is Phase.HELD:
        return Step(enter(state, Phase.PENDING, now))
    return Step(state)


# --- crashes that the keeper mends itself --------------------------------------------------------


def _crashed(state: State, event: Crashed, policy: Policy, now: Now) -> Step:
    if state.phase is Phase.MAINTENANCE:
        return Step(state)
    crashes = (*rules.recent_crashes(state, policy, now.mono), *([now.mono] * event.count))
    # A loop is told from its last few crashes; a thousand of them are not worth keeping.
    crashes = crashes[-max(policy.crash_limit, 1) :] if policy.crash_limit else crashes[-1:]
    state = replace(state, crashes=crashes, passes=0)
    note = make_note(state, NoteKind.CRASHED, event.reason, now)
    if policy.crash_limit == 0 or len(crashes) < policy.crash_limit:
        return Step(state, (note,))
    if state.incident is not None:
        state = replace(state, incident=replace(state.incident, crash_loop=True))
        return Step(state, (note,))
    lasted = span(now.mono - crashes[0])
    reason = f"crashed {len(crashes)} times in {lasted}: {event.reason}"
    state = replace(state, cause=Observation(Verdict.FAIL, "unit", reason), healthy_since=None)
    if state.phase is not Phase.RESTARTING:
        state = enter(state, Phase.FAILING, now)
    action = "its own Restart= brings it back each time; it is left to do so"
    state, opening = open_incident(state, policy, now, action, crash_loop=True)
    return Step(state, (note, *opening))


# --- maintenance ---------------------------------------------------------------------------------


def _paused(state: State, event: Paused, now: Now) -> Step:
    maintenance = Maintenance(event.until, event.owner, event.reason)
    paused = replace(
        enter(state, Phase.MAINTENANCE, now), maintenance=maintenance, passes=0, restart_at=None
    )
    text = f"maintenance for {span(event.until - now.mono)} by {event.owner}: {event.reason}"
    return Step(paused, (make_note(state, NoteKind.PAUSED, text, now),))


def _resumed(state: State, how: str, now: Now) -> Step:
    if state.phase is not Phase.MAINTENANCE:
        return Step(state)
    resumed = replace(
        enter(state, Phase.PENDING, now),
        maintenance=None,
        failures=0,
        passes=0,
        attempts=0,
        gave_up=False,
    )
    return Step(resumed, (make_note(state, NoteKind.RESUMED, f"maintenance over: {how}", now),))
