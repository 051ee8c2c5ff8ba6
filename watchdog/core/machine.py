"""The state machine of one service: what an event means and what is to be done about it.

``step`` is total: every phase takes every event. A round is never judged while our own restart
is under way or during maintenance; HOLD and UNKNOWN never count.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from watchdog.core import policy as rules
from watchdog.core.acknowledgement import acknowledged, comes_too_late, pressed
from watchdog.core.flapping import down_for_good, health_lost
from watchdog.core.incident import enter, filed, healed, make_note, open_incident, unproven
from watchdog.core.maintenance import adrift, is_leased, leased, paused, released, resumed, run_out
from watchdog.core.model import (
    Acknowledged,
    Began,
    Crashed,
    Effect,
    Event,
    Judged,
    Leased,
    NoteKind,
    Now,
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
    Silenced,
    State,
    Step,
    Unsilenced,
    Verdict,
)
from watchdog.core.reminder import reminded, with_told
from watchdog.core.restart import count_failure, failed_restart, on_account, spend_restart
from watchdog.core.service import Policy
from watchdog.core.silence import hushed, silenced, unsilenced
from watchdog.core.spans import span
from watchdog.core.standing import Measured, Started
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.core.update import updated
from watchdog.core.warning import measured, with_healing


def step(state: State, event: Event, policy: Policy, now: Now) -> Step:
    """Return the next state and the effects due. Pure: no I/O, no clock, no log."""
    if (ended := _ended(state, now)) is not None:
        following = step(ended.state, event, policy, now)
        return Step(following.state, ended.effects + following.effects)
    if isinstance(event, Measured | Started):
        result = measured(state, event, policy, now)  # neither phases nor incidents come of it
        return Step(result.state, filed(result.effects, state.incident))
    taken = _taken(state, event, policy, now)
    if isinstance(event, Observation):
        taken = reminded(down_for_good(taken, event, policy, now), event, policy, now)
    told = with_told(hushed(state, taken, event, policy, now), now)
    told = updated(state, told, policy, now)
    after = with_healing(state, told.state, policy, now)
    return Step(after, filed(told.effects, after.incident))


def _ended(state: State, now: Now) -> Step | None:
    """End the maintenance or the silence whose time is over, if there is one."""
    if (ended := run_out(state, now)) is not None:
        return ended
    if state.silence is not None and now.mono >= state.silence.until:
        return unsilenced(state, "it has ended", now)
    return None


def _taken(state: State, event: Judged, policy: Policy, now: Now) -> Step:
    if comes_too_late(state, event):
        return Step(state)
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
            return paused(state, event, now)
        case Resumed():
            return resumed(state, event, now)
        case Leased():
            return leased(state, event, now)
        case Released():
            return released(state, event, now)
        case Silenced():
            return silenced(state, event, now)
        case Unsilenced():
            return unsilenced(state, f"by {event.owner}", now)
        case RestartRequested():
            return _restart_requested(state, event, now)
        case Acknowledged():
            return acknowledged(state, event, now)
        case Pressed():
            return pressed(state, event, now)
    assert_never(event)


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
    assert_never(seen.verdict)


def _held(state: State, seen: Observation, now: Now) -> Step:
    state = unproven(state)
    looping = state.incident is not None and state.incident.crash_loop
    if looping or state.phase in {Phase.RECOVERING, Phase.HELD}:
        return Step(state)
    held = enter(state, Phase.HELD, now)
    return Step(held, (make_note(state, NoteKind.HELD, seen.reason, now),))


def _passed(state: State, policy: Policy, now: Now) -> Step:
    state, rearmed = _rearmed(_one_more_pass(state, policy, now), policy, now)
    incident = state.incident
    if state.phase is Phase.HEALTHY and incident is None:
        return Step(state, rearmed)
    acted = incident is not None or state.restarted or state.phase in _ACTED
    if acted and state.passes < policy.recover_after:
        return Step(state, rearmed)
    if incident is not None and incident.crash_loop:
        if not rules.crash_loop_over(state, policy, now.mono):
            return Step(state, rearmed)
        state = replace(state, incident=replace(incident, crash_loop=False))
    if incident is not None and incident.flapping and not rules.is_calm(state, policy, now.mono):
        calmed = _calmed(state, policy, now)
        return Step(calmed.state, (*rearmed, *calmed.effects))
    proven = replace(
        enter(state, Phase.HEALTHY, now),
        failures=0,
        cause=None,
        restarted=0,
        incident=None,
        closed=state.closed if incident is None else now.mono,
    )
    return Step(proven, (*rearmed, *healed(state, policy, now)))


_ACTED = frozenset({Phase.WAITING, Phase.RECOVERING})


def _one_more_pass(state: State, policy: Policy, now: Now) -> State:
    if state.passes >= policy.recover_after and state.healthy_since is not None:
        return state  # the usual round; a count that nobody needs is not kept
    since = now.mono if state.healthy_since is None else state.healthy_since
    passes = min(state.passes + 1, policy.recover_after)
    return replace(state, passes=passes, healthy_since=since)


def _rearmed(state: State, policy: Policy, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Return the state forgiven its restarts once health has lasted, and a note of that."""
    if not (state.attempts or state.gave_up):
        return state, ()
    if state.passes < policy.recover_after or not rules.is_stable(state, policy, now.mono):
        return state, ()
    text = f"healthy for {span(policy.stable_after)}: backoff and giving up are forgotten"
    note = make_note(state, NoteKind.REARMED, text, now)
    return replace(state, attempts=0, gave_up=False), (note,)


def _calmed(state: State, policy: Policy, now: Now) -> Step:
    """Return the service healthy, its incident still open: it fails and heals by turns."""
    if state.phase is Phase.HEALTHY:
        return Step(state)
    calm = replace(enter(state, Phase.HEALTHY, now), failures=0, restarted=0)
    text = f"healthy, not for the first time; closes after {span(policy.flap_window)} of it"
    return Step(calm, (make_note(state, NoteKind.HEALED, text, now),))


def _failed(state: State, seen: Observation, policy: Policy, now: Now) -> Step:
    state = health_lost(state, policy, now)
    limit = rules.threshold(policy, seen.check)
    decided = state.phase in {Phase.WAITING, Phase.GAVE_UP}
    if decided and seen.curable and 0 < limit <= state.failures:
        state = replace(unproven(state), cause=seen)
        if state.restart_at is None or now.mono >= state.restart_at:
            return spend_restart(state, seen.reason, now)
        if not rules.counts_again(state, policy, now.mono):
            return Step(state)
    return count_failure(state, seen, policy, now)


# --- restarts ----------------------------------------------------------------------------------


def _restart_finished(state: State, end: RestartFinished, policy: Policy, now: Now) -> Step:
    failed = make_note(state, NoteKind.RESTART_FAILED, end.reason, now)
    if state.phase is Phase.MAINTENANCE:
        notes = () if end.outcome is RestartOutcome.DONE else (failed,)
        return Step(replace(state, unfinished=False), notes)
    if state.phase is not Phase.RESTARTING:
        return Step(state)  # nobody waits for it
    wanted = not state.attempts  # by a person: it was never on the account
    match end.outcome:
        case RestartOutcome.DONE:
            return Step(enter(state, Phase.RECOVERING, now))
        case RestartOutcome.YIELDED:
            # Somebody else is at work on it: nothing was spent, and nothing is to be judged. The
            # pauses are kept, lest two who give way to each other do so without one.
            held = on_account(enter(state, Phase.HELD, now), -1)
            if not (wanted or state.gave_up):
                held = replace(held, restarts=state.restarts[:-1])
            return Step(held, (make_note(state, NoteKind.HELD, f"yielded: {end.reason}", now),))
        case RestartOutcome.IMPOSSIBLE if wanted:
            # Nothing has happened to the service, and the person is told by the command.
            return Step(on_account(enter(state, Phase.PENDING, now), -1), (failed,))
        case RestartOutcome.FAILED | RestartOutcome.IMPOSSIBLE:
            impossible = end.outcome is RestartOutcome.IMPOSSIBLE
            cause = failed_restart(state, end)
            counted = count_failure(state, cause, policy, now, impossible=impossible)
            return Step(counted.state, (failed, *counted.effects))
    assert_never(end.outcome)


def _restart_requested(state: State, event: RestartRequested, now: Now) -> Step:
    if state.phase is Phase.RESTARTING or (state.phase is Phase.MAINTENANCE and state.unfinished):
        return Step(state)  # there can be only one
    if is_leased(state):
        return Step(state)  # the deploy restarts it
    reason = f"asked for by {event.owner}"
    effects = (
        make_note(state, NoteKind.RESTART, f"restart {reason}", now),
        Restart(reason, 0, event.owner),
    )
    if state.phase is Phase.MAINTENANCE:
        # A person's order; still nothing is judged.
        return Step(replace(state, unfinished=True), effects)
    wanted = on_account(unproven(enter(state, Phase.RESTARTING, now)), 1)
    return Step(replace(wanted, attempts=0, gave_up=False), effects)


def _began(state: State, event: Began, now: Now) -> Step:
    state = unproven(state)  # nobody has watched meanwhile
    match state.phase:
        case Phase.RESTARTING if event.restarted:
            return Step(enter(state, Phase.RECOVERING, now))
        case Phase.RESTARTING if state.attempts:
            # Decided and paid for, but never issued. It is, if it is still needed.
            owed = replace(enter(state, Phase.WAITING, now), restart_at=now.mono, unfinished=True)
            return Step(owed)
        case Phase.RESTARTING:
            text = "the restart that was asked for was not begun before this daemon was restarted"
            failed = make_note(state, NoteKind.RESTART_FAILED, text, now)
            return Step(on_account(enter(state, Phase.PENDING, now), -1), (failed,))
        case Phase.WAITING if state.unfinished and event.restarted:
            return Step(enter(state, Phase.RECOVERING, now))
        case Phase.MAINTENANCE:
            return Step(adrift(replace(state, unfinished=False), now))
        case Phase.HELD:
            return Step(enter(state, Phase.PENDING, now))
        case _:
            return Step(state)


# --- crashes that the keeper mends itself --------------------------------------------------------


def _crashed(state: State, event: Crashed, policy: Policy, now: Now) -> Step:
    if state.phase is Phase.MAINTENANCE:
        return Step(state)
    # A loop is told from its last few crashes; a thousand of them are not worth keeping.
    kept = max(policy.crash_limit, 1)
    crashes = (*rules.recent_crashes(state, policy, now.mono), *[now.mono] * min(event.count, kept))
    crashes = crashes[-kept:]
    state = replace(unproven(state), crashes=crashes)
    note = make_note(state, NoteKind.CRASHED, event.reason, now)
    if policy.crash_limit == 0 or len(crashes) < policy.crash_limit:
        return Step(state, (note,))
    if state.phase not in _BUSY:
        state = enter(state, Phase.FAILING, now)
    if state.incident is not None:
        looping = replace(state.incident, crash_loop=True)
        return Step(replace(state, incident=looping), (note,))
    lasted = now.mono - crashes[0]
    loop = Circumstance(
        CircumstanceKind.CRASH_LOOP, event.reason, count=len(crashes), lasted=lasted
    )
    reason = f"crashed {len(crashes)} times in {span(lasted)}: {event.reason}"
    state = replace(state, cause=Observation(Verdict.FAIL, "unit", reason, circumstance=loop))
    measure = Measure(MeasureKind.LEFT_TO_KEEPER)
    state, opening = open_incident(state, policy, now, measure, crash_loop=True)
    return Step(state, (note, *opening))


_BUSY = frozenset({Phase.RESTARTING, Phase.WAITING, Phase.GAVE_UP})
"""Phases that know already what to do about a service that does not stay up."""
