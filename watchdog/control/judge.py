"""Is a unit up? The answer to the check "unit", from what systemd has said. Pure and total."""

from __future__ import annotations

import math

from watchdog.control.exits import exit_in_words
from watchdog.control.unit_state import UnitState
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.spans import span

CHECK = "unit"

TURN = 0.1
"""Seconds that systemd gets for its own Restart=. It takes 2 ms from ``failed`` to auto-restart."""

MARGIN = 5.0
"""Seconds added to a unit's own timeouts: systemd may be busy."""

UNBOUNDED = 600.0
"""Seconds after which we no longer wait in silence where a unit sets no timeout."""


def judge(  # noqa: PLR0911 - one answer per state
    state: UnitState, now_mono: float, policy: Policy
) -> Observation:
    """Return whether the unit is up; *now_mono* in seconds of CLOCK_MONOTONIC."""
    match state.active_state:
        case "active" | "reloading" | "refreshing":
            return _judge_up(state, now_mono)
        case "inactive" | "failed":
            return _judge_down(state, now_mono, policy)
        case "activating" if state.awaits_auto_restart:
            return _judge_auto_restart(state, now_mono)
        case "activating":
            return _judge_moving(state, now_mono, "starting", state.longest_start)
        case "deactivating":
            return _judge_moving(state, now_mono, "stopping", state.longest_stop)
        case "maintenance":  # systemctl clean
            return _judge_moving(state, now_mono, "being cleaned", state.longest_stop)
        case other:
            return _answer(Verdict.UNKNOWN, f"{state.name} is {other}, which is not known here")


def job_bound(state: UnitState) -> float:
    """Return for how many seconds a job of the unit may take: a stop, a start, and a margin."""
    return _finite(state.longest_stop) + _finite(state.longest_start) + MARGIN


def _judge_up(state: UnitState, now: float) -> Observation:
    until = state.job_since + job_bound(state)
    # A reload is a job too, and the service answers meanwhile.
    if state.job and state.active_state == "active" and now < until:
        return _hold(f"{state.name} has a job waiting in systemd", until)
    return _answer(Verdict.PASS, f"{state.name} is {state.active_state} ({state.sub_state})")


def _judge_moving(state: UnitState, now: float, doing: str, longest: float) -> Observation:
    """Hold while systemd is at it, at most *longest* seconds in each substate.

    Beyond that bound a service has asked for more time (EXTEND_TIMEOUT_USEC) or systemd is stuck.
    A restart would kill the one and not help the other, so it is only told.
    """
    until = state.state_changed + _finite(longest) + MARGIN
    where = f"{state.name} is {doing} ({state.sub_state})"
    if now < until:
        return _hold(where, until)
    lasted = span(now - state.state_changed)
    return _fail(f"{where} for {lasted}, longer than its timeout allows", curable=False)


def _judge_auto_restart(state: UnitState, now: float) -> Observation:
    longest = state.restart_delay_max
    delay = max(state.restart_delay, longest if math.isfinite(longest) else 0.0)
    until = state.state_changed + _finite(delay) + MARGIN
    if state.job:  # due, and systemd is at it
        until = max(until, state.job_since + job_bound(state))
    ended = exit_in_words(state.last_exit)
    if now < until:
        return _hold(f"{state.name} {ended}; systemd restarts it (Restart={state.restart})", until)
    late = span(now - state.state_changed)
    return _fail(f"{state.name} {ended}; systemd has not restarted it for {late}", dead=True)


def _judge_down(state: UnitState, now: float, policy: Policy) -> Observation:
    if state.awaits_auto_restart:
        return _judge_auto_restart(state, now)
    if state.job and now < (until := state.job_since + job_bound(state)):
        return _hold(f"{state.name} is {state.active_state}, with a job under way", until)
    is_fine = state.active_state == "inactive" and state.result == "success"
    if is_fine and state.type == "oneshot" and not state.remain_after_exit:
        return _answer(Verdict.PASS, f"{state.name} is a oneshot, and has nothing to do")
    if state.stopped_at is not None and now < (until := state.stopped_at + policy.stopped_grace):
        # Also with a socket: the check of /health would start what somebody has just stopped.
        return _hold(f"{_end(state)}; brought back in {span(until - now)}", until)
    if is_fine and state.sockets:
        idle = f"{state.name} is idle; {state.sockets[0]} starts it on demand"
        return _answer(Verdict.PASS, idle)
    return _judge_dead(state, now)


def _judge_dead(state: UnitState, now: float) -> Observation:
    if state.load_state not in {"loaded", "merged", "stub"}:
        return _fail(_load_failure(state), curable=False, dead=True)
    if state.stopped_at is not None:
        left = f"and left down for {span(now - state.stopped_at)}"
        return _fail(f"{_end(state)} {left}", dead=True)
    if state.start_limited:
        limited = "systemd refuses to start it again: too many starts (start limit)"
        return _fail(f"{_end(state)}; {limited}", dead=True)
    turn_ends = state.state_changed + TURN
    if state.restart != "no" and now < turn_ends:
        return _hold(f"{_end(state)}; systemd has its turn (Restart={state.restart})", turn_ends)
    return _fail(_end(state), dead=True)


def _end(state: UnitState) -> str:
    if state.stopped_at is not None:
        return f"{state.name} was stopped by an operator (systemctl stop)"
    if state.is_condition_unmet:
        return f"{state.name} was not started: a Condition…= of its unit file was not met"
    if not state.inactive_entered and not state.invocation:
        return f"{state.name} is not running; systemd knows of no start since boot"
    return f"{state.name} {exit_in_words(state.last_exit)}"


def _load_failure(state: UnitState) -> str:
    match state.load_state:
        case "masked":
            return f"{state.name} is masked; to run it: systemctl unmask {state.name}"
        case "not-found":
            return (
                f"{state.name} has no unit file; install it, or correct the name in the "
                "configuration, then: systemctl daemon-reload"
            )
        case "bad-setting":
            return (
                f"{state.name} has a unit file that systemd refuses; see: "
                f"systemd-analyze verify {state.name}"
            )
        case _:
            why = state.load_error.rstrip(".") or state.load_state
            return f"{state.name} cannot be loaded: {why}; see: systemctl status {state.name}"


def _finite(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else UNBOUNDED


def _answer(verdict: Verdict, reason: str) -> Observation:
    return Observation(verdict, CHECK, reason)


def _hold(reason: str, until: float) -> Observation:
    return Observation(Verdict.HOLD, CHECK, reason, until=until)


def _fail(reason: str, *, curable: bool = True, dead: bool = False) -> Observation:
    return Observation(Verdict.FAIL, CHECK, reason, curable=curable, dead=dead)
