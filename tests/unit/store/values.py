"""Values that the tests of the store write down."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.core.history import Record
from watchdog.core.model import (
    Alert,
    AlertKind,
    Incident,
    Note,
    NoteKind,
    Now,
    Observation,
    Phase,
    Restart,
    RestartFinished,
    State,
    Verdict,
)
from watchdog.ports import Addressed, Change

WALL = 1_763_777_580.0  # 2025-11-22 02:13:00 UTC
NOW = Now(1000.0, WALL)
BOOT = "7c3b0f5e-0000-4000-8000-000000000001"


def alert(reason: str = "connection refused", kind: AlertKind = AlertKind.FIRING) -> Alert:
    return Alert(kind, "api", WALL, reason, check="port", incident="abc234", opened=WALL)


def change(
    alerts: Sequence[Alert] = (),
    *,
    to: Sequence[str] = ("slack",),
    state: State | None = None,
    service: str = "api",
    notes: Sequence[Note] = (),
    restart: Restart | None = None,
    identity: str = "",
    finished: RestartFinished | None = None,
    now: Now = NOW,
    history: Sequence[Record] = (),
) -> Change:
    state = state or State(service, Phase.SUSPECT, since=now.mono, failures=1)
    addressed = [Addressed(alert, to) for alert in alerts]
    return Change(state, now, notes, addressed, restart, identity, finished, history)


def opening(number: int = 1, to: Sequence[str] = ("slack", "email")) -> Change:
    """Everything that a change can hold: an incident opens, alerts go out, a restart begins."""
    incident = f"inc{number}"
    cause = Observation(Verdict.FAIL, "port", "connection refused")
    state = State(
        "api",
        Phase.RESTARTING,
        since=NOW.mono,
        failures=3,
        cause=cause,
        restarts=(NOW.mono,),
        incident=Incident(incident, WALL, NOW.mono),
    )
    notes = (
        Note(NoteKind.OPENED, "connection refused", WALL, incident),
        Note(NoteKind.RESTART, "restart 1", WALL, incident),
    )
    alerts = (Addressed(alert(f"alert {number}"), to),)
    restart = Restart("connection refused", 1)
    return Change(state, NOW, notes, alerts, restart, "run-1", None)
