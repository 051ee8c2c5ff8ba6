"""When the next round of a service is due. Pure: the clock is passed in."""

from __future__ import annotations

import math

from watchdog.core.model import (
    Phase,
    State,
)
from watchdog.core.service import Policy

SLOT = 0.25
"""Seconds. Regular rounds start on a grid of slots, so that a thousand services wake the daemon
four times a second and not a thousand times in thirty; a lone service does not notice."""

TOGETHER = 16
"""Rounds that a slot takes. Where more would fall into it, it is halved, and halved again: those
that share a slot wait for each other, and whom they ask sees them all at once."""

_HAIR = 0.001
"""Seconds. A round that begins so little before its slot, by rounding or by an early timer, is the
slot's own; without that it would be held twice."""

_CALM = frozenset({Phase.HEALTHY, Phase.MAINTENANCE, Phase.RESTARTING})


def is_regular(phase: Phase) -> bool:
    """Tell whether rounds in *phase* keep to their grid, whatever comes between them."""
    return phase in _CALM


def spread(index: int, count: int, interval: float) -> float:
    """Return the offset of service *index* of *count* within its *interval*, on a slot."""
    pace = interval / max(count, 1)
    slot = SLOT
    while slot > TOGETHER * pace:
        slot /= 2  # the slots of all intervals lie on each other
    return math.floor(index * pace / slot) * slot


def next_round(
    state: State, policy: Policy, began: float, offset: float, until: float | None = None
) -> float:
    """Return when the round after the one that *began* is due (mono).

    Regular rounds keep to the grid ``offset + n * interval`` and so never drift; rounds of a
    service in trouble follow each other at its faster pace. A deadline that comes earlier, the
    end of a HOLD (*until*), of a backoff, a maintenance or a silence, is met on time.
    """
    if state.phase is Phase.RECOVERING:
        due = began + min(policy.recovery_interval, policy.interval)
    elif not is_regular(state.phase):
        due = began + min(policy.fast_interval, policy.interval)
    else:
        turns = math.floor((began + _HAIR - offset) / policy.interval) + 1
        due = offset + turns * policy.interval
    deadlines = [
        until,
        state.restart_at,
        state.maintenance.until if state.maintenance else None,
        state.silence.until if state.silence else None,
    ]
    return min([due, *(at for at in deadlines if at is not None and at > began)])
