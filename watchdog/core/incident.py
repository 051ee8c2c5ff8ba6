"""What is said of an incident: its opening, its notes, its alerts, its end."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.model import (
    Alert,
    AlertKind,
    Effect,
    Incident,
    Note,
    NoteKind,
    Now,
    Observation,
    Phase,
    Restart,
    State,
)
from watchdog.core.service import Policy
from watchdog.core.spans import span
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind

_TIMED = frozenset({Phase.WAITING, Phase.GAVE_UP})


def incident_id(service: str, wall: float) -> str:
    """Return a short id, the same for the same service and moment."""
    digest = hashlib.blake2b(f"{service}\0{wall!r}".encode(), digest_size=5).digest()
    return b32encode(digest).decode().lower()[:6]


def enter(state: State, phase: Phase, now: Now) -> State:
    """Return *state* in *phase*, since now unless it was there before.

    What belongs to the phase that is left is left with it.
    """
    if state.phase is phase:
        return state
    restart_at = state.restart_at if phase in _TIMED else None
    return replace(state, phase=phase, since=now.mono, restart_at=restart_at, unfinished=False)


def unproven(state: State) -> State:
    """Return *state* with the row of passing rounds broken."""
    if not state.passes and state.healthy_since is None:
        return state
    return replace(state, passes=0, healthy_since=None)


def open_incident(
    state: State, policy: Policy, now: Now, measure: Measure, *, crash_loop: bool = False
) -> tuple[State, tuple[Effect, ...]]:
    """Open an incident; its one firing alert says what is being done."""
    incident = Incident(
        incident_id(state.service, now.wall),
        now.wall,
        now.mono,
        restarts=state.restarted,
        crash_loop=crash_loop,
        flapping=rules.is_flapping(state, policy, now.mono),
        told_gave_up=state.phase is Phase.GAVE_UP,
    )
    state = replace(state, incident=incident)
    reason = state.cause.reason if state.cause is not None else ""
    opened = make_note(state, NoteKind.OPENED, reason, now)
    return state, (opened, make_alert(state, AlertKind.FIRING, policy, now, measure))


def make_note(state: State, kind: NoteKind, text: str, now: Now) -> Note:
    """Return a line for the ledger, filed under the open incident if there is one."""
    return Note(kind, text, now.wall, state.incident.id if state.incident else "")


def filed(effects: Iterable[Effect], incident: Incident | None) -> tuple[Effect, ...]:
    """Return *effects* with notes that led to *incident* filed under it as well."""
    return tuple(
        replace(effect, incident=incident.id)
        if incident is not None and isinstance(effect, Note) and not effect.incident
        else effect
        for effect in effects
    )


def make_alert(
    state: State,
    kind: AlertKind,
    policy: Policy,
    now: Now,
    measure: Measure | None,
) -> Alert:
    """Return an alert that needs nothing looked up to be worded."""
    incident, cause = state.incident, _told_cause(state, policy, now)
    return Alert(
        kind,
        state.service,
        now.wall,
        cause.reason if cause is not None else "",
        check=cause.check if cause is not None else "",
        incident=incident.id if incident is not None else "",
        opened=incident.opened if incident is not None else 0.0,
        failures=state.failures,
        max_failures=policy.max_failures,
        restarts=incident.restarts if incident is not None else 0,
        duration=max(0.0, now.mono - incident.opened_mono) if incident is not None else 0.0,
        measure=measure,
        circumstance=cause.circumstance if cause is not None else None,
        acknowledged=incident.acknowledged if incident is not None else (),
    )


def _told_cause(state: State, policy: Policy, now: Now) -> Observation | None:
    """Return the last failure; of a service that fails and heals by turns, with how often."""
    cause, losses = state.cause, rules.recent_losses(state, policy, now.mono)
    flapping = state.incident is not None and state.incident.flapping
    if cause is None or not flapping or len(losses) < _TURNS:
        return cause
    lasted = now.mono - losses[0]
    told = Circumstance(CircumstanceKind.FLAPPING, cause.reason, count=len(losses), lasted=lasted)
    reason = f"flapping, failed {len(losses)} times in {span(lasted)}: {cause.reason}"
    return replace(cause, reason=reason, circumstance=told)


_TURNS = 2
"""Losses of health that make turns."""


def with_alert(effects: Iterable[Effect], alert: Alert) -> tuple[Effect, ...]:
    """Return *effects* with *alert* before a restart, which is the last thing to be done."""
    effects = tuple(effects)
    restarts = tuple(effect for effect in effects if isinstance(effect, Restart))
    return (*(effect for effect in effects if effect not in restarts), alert, *restarts)


def healed(state: State, policy: Policy, now: Now) -> tuple[Effect, ...]:
    """Tell of health proven, if anything was done or said about its loss."""
    incident = state.incident
    if incident is not None:
        measure, text = Measure(MeasureKind.CAME_BACK), "came back without our doing"
        if state.phase is Phase.HEALTHY:
            measure = Measure(MeasureKind.STAYED_HEALTHY, lasted=policy.flap_window)
            text = f"has stayed healthy for {span(policy.flap_window)}"
        elif state.phase is Phase.RECOVERING:
            measure, text = Measure(MeasureKind.HEALED), "healed by a restart"
        elif state.phase is Phase.PENDING and incident.deployed:
            measure = Measure(MeasureKind.DEPLOYED, words=incident.deployed)
            text = f"healthy after a deploy by {incident.deployed}"
        note = make_note(state, NoteKind.CLOSED, text, now)
        return note, make_alert(state, AlertKind.RESOLVED, policy, now, measure)
    if not state.restarted:
        return ()
    reason = state.cause.reason if state.cause is not None else "restart asked for"
    note = make_note(state, NoteKind.HEALED, f"healthy again after a restart: {reason}", now)
    if not policy.notify_healed:
        return (note,)
    measure = Measure(MeasureKind.RESTARTED)
    return note, make_alert(state, AlertKind.NOTICE, policy, now, measure)
