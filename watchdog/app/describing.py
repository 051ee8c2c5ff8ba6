"""How a service stands, as JSON can say it and as an exit code does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from watchdog.core import policy as rules
from watchdog.core.model import (
    Maintenance,
    Observation,
    Phase,
    Silence,
    State,
    Verdict,
)
from watchdog.core.warning_words import in_english
from watchdog.ports import Clock
from watchdog.worker import Worker

FINE, BROKEN, UNASKED, BUSY = 0, 1, 3, 4
"""Exit codes: all is fine; the service is not; it could not be asked; something is in progress."""

_CODES = {
    Phase.HEALTHY: FINE,
    Phase.SUSPECT: BROKEN,
    Phase.WAITING: BROKEN,
    Phase.FAILING: BROKEN,
    Phase.GAVE_UP: BROKEN,
}

VERDICT_CODES = {
    Verdict.PASS: FINE,
    Verdict.FAIL: BROKEN,
    Verdict.UNKNOWN: UNASKED,
    Verdict.HOLD: BUSY,
}


SLICE = 50
"""Services that are described before others have their turn: about a millisecond."""


async def describe_many(workers: Sequence[Worker], clock: Clock) -> list[dict[str, Any]]:
    """Describe all of *workers*; a thousand of them keep no round waiting."""
    services = []
    for first in range(0, len(workers), SLICE):
        if first:
            await asyncio.sleep(0)
        mono = clock.now().mono
        services += [describe(worker, mono) for worker in workers[first : first + SLICE]]
    return services


def describe(worker: Worker, mono: float) -> dict[str, Any]:
    """Return what is known of a service, as JSON can say it; durations in seconds."""
    state, policy = worker.state, worker.service.policy
    incident, seen = state.incident, worker.seen
    due = worker.next_round
    return {
        "name": state.service,
        "phase": state.phase.value,
        "for": round(mono - state.since, 1) if state.since else None,
        "reason": _reason(worker, seen),
        "failures": state.failures,
        "max_failures": policy.max_failures,
        "checks": [_check(answer) for answer in worker.results],
        "restarts_left": 0 if state.gave_up else rules.budget_left(state, policy, mono),
        "restart_in": round(state.restart_at - mono, 1) if state.restart_at else None,
        "incident": incident
        and {
            "id": incident.id,
            "opened": incident.opened,
            "flapping": incident.flapping,
            "acknowledged": list(incident.acknowledged),
        },
        "maintenance": _maintenance(state.maintenance, mono),
        "silence": _while(state.silence, mono),
        "warnings": warnings(state),
        "next_round_in": round(due - mono, 2) if due is not None else None,
        "pid": worker.control.main_pid,
        "run": worker.control.identity,
        "code": _CODES.get(state.phase, BUSY),
    }


def warnings(state: State) -> list[dict[str, Any]]:
    """Return the warnings that stand, in words."""
    return [
        {
            "id": warning.id,
            "kind": warning.about.kind.value,
            "subject": warning.about.subject,
            "words": in_english(warning.about),
            "since": warning.since,
            "level": warning.level,
            "told": bool(warning.told),
        }
        for warning in state.warnings
    ]


def _maintenance(held: Maintenance | None, mono: float) -> dict[str, Any] | None:
    """Return who holds it; of a deploy's lease also that it is one, and what lies below it."""
    told = _while(held, mono)
    if held is None or told is None or not held.lease:
        return told
    return told | {"deploy": True, "under": _while(held.under, mono)}


def _while(asked_for: Maintenance | Silence | None, mono: float) -> dict[str, Any] | None:
    """Return who asked for it, why, and for how many more seconds."""
    if asked_for is None:
        return None
    ends_in = round(asked_for.until - mono, 1)
    return {"owner": asked_for.owner, "reason": asked_for.reason, "ends_in": ends_in}


def _reason(worker: Worker, seen: Observation | None) -> str:
    if worker.state.phase is Phase.HEALTHY:
        return ""
    if seen is not None and seen.verdict is not Verdict.PASS:
        return seen.reason
    return worker.state.cause.reason if worker.state.cause is not None else ""


def _check(answer: Observation) -> dict[str, Any]:
    return {
        "check": answer.check,
        "verdict": answer.verdict.value,
        "reason": answer.reason,
        "ms": round(answer.duration * 1000, 2),
    }


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of the whole: broken before unasked before busy before fine."""
    return next((code for code in (BROKEN, UNASKED, BUSY) if code in codes), FINE)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return how late rounds began, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        name: round(ordered[round(last * share)] * 1000, 3)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }
