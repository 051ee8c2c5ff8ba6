"""What systemd 252 sent in tried situations, in short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchdog.control.unit_state import (
    UnitState,
    with_job_removed,
    with_properties,
    with_snapshot,
)

RUN_A, RUN_B = "aa" * 16, "bb" * 16
BOOT = 1000.0  # mono of the first snapshot


@dataclass(frozen=True)
class Change:
    """The pair of signals: first the service's properties, then the unit's."""

    at: float
    active: str
    sub: str
    job: int = 0
    run: str = RUN_A
    result: str = "success"
    code: int = 0
    status: int = 0
    restarts: int = 0
    pid: int = 0
    down_since: float = 0.0  # InactiveEnterTimestamp
    condition: tuple[bool, float] = (True, 1.0)


@dataclass(frozen=True)
class Removed:
    """JobRemoved."""

    job: int
    result: str


def service_half(change: Change) -> dict[str, Any]:
    return {
        "Result": change.result,
        "ExecMainCode": change.code,
        "ExecMainStatus": change.status,
        "NRestarts": change.restarts,
        "MainPID": change.pid,
    }


def unit_half(change: Change) -> dict[str, Any]:
    return {
        "ActiveState": change.active,
        "SubState": change.sub,
        "Job": (change.job, f"/org/freedesktop/systemd1/job/{change.job}" if change.job else "/"),
        "InvocationID": bytes.fromhex(change.run),
        "StateChangeTimestampMonotonic": int(change.at * 1e6),
        "InactiveEnterTimestampMonotonic": int(change.down_since * 1e6),
        "ConditionResult": change.condition[0],
        "ConditionTimestampMonotonic": int(change.condition[1] * 1e6),
    }


def snapshot(change: Change, **more: Any) -> dict[str, Any]:
    return {"Id": "web.service", **service_half(change), **unit_half(change), **more}


RUNNING = Change(at=1.0, active="active", sub="running", pid=7)


def told(*events: Change | Removed, first: Mapping[str, Any] | None = None) -> UnitState:
    """Return the state after *events*, which follow the snapshot *first* (a running unit)."""
    state = with_snapshot(None, first if first is not None else snapshot(RUNNING), BOOT)
    for event in events:
        if isinstance(event, Removed):
            state = with_job_removed(state, event.job, event.result)
        else:
            state = with_properties(state, service_half(event), event.at)
            state = with_properties(state, unit_half(event), event.at)
    return state
