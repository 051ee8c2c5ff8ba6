"""Monotonic times brought over a reboot, where CLOCK_MONOTONIC begins anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from watchdog.core.model import (
    Maintenance,
    Now,
    State,
)


def read_boot_id() -> str:
    """Return the id of this life of the host; empty where the kernel does not tell (proc(5))."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def rebased(state: State, saved: Now, now: Now) -> State:
    """Return *state*, saved at *saved* in an earlier life of the host, with its times as of *now*.

    What was so many seconds ago when it was saved is now as much longer ago as the wall clock has
    gone on. A wall clock that went backwards (no battery, not yet set) counts as standing still:
    the account of restarts is then kept too long rather than forgiven too early.
    """
    passed = max(0.0, now.wall - saved.wall)

    def move(mono: float) -> float:
        return now.mono - (passed + (saved.mono - mono))

    return _with_times(state, move)


def _with_times(state: State, move: Callable[[float], float]) -> State:
    def move_any(mono: float | None) -> float | None:
        return None if mono is None else move(mono)

    cause, incident, maintenance = state.cause, state.incident, state.maintenance
    return replace(
        state,
        since=move(state.since),
        failed_at=move_any(state.failed_at),
        cause=cause and replace(cause, until=move_any(cause.until)),
        restart_at=move_any(state.restart_at),
        restarts=tuple(map(move, state.restarts)),
        healthy_since=move_any(state.healthy_since),
        crashes=tuple(map(move, state.crashes)),
        losses=tuple(map(move, state.losses)),
        closed=move_any(state.closed),
        incident=incident
        and replace(
            incident,
            opened_mono=move(incident.opened_mono),
            told_mono=move_any(incident.told_mono),
        ),
        maintenance=maintenance and _moved(maintenance, move),
        warnings=tuple(
            replace(each, better_since=move_any(each.better_since)) for each in state.warnings
        ),
        healings=tuple(map(move, state.healings)),
        silence=state.silence and replace(state.silence, until=move(state.silence.until)),
    )


def _moved(maintenance: Maintenance, move: Callable[[float], float]) -> Maintenance:
    under = maintenance.under
    return replace(maintenance, until=move(maintenance.until), under=under and _moved(under, move))
