"""A silence: no alerts for a while; watching, restarting and the ledger go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchdog.core.incident import make_alert, make_note, with_alert
from watchdog.core.model import (
    Alert,
    AlertKind,
    Event,
    Incident,
    NoteKind,
    Now,
    Observation,
    Phase,
    Silence,
    Silenced,
    State,
    Step,
    Verdict,
)
from watchdog.core.reminder import outlook
from watchdog.core.service import Policy
from watchdog.core.spans import span
from watchdog.core.telling import Measure

_TROUBLED = frozenset(Phase) - {Phase.HEALTHY, Phase.PENDING, Phase.HELD, Phase.MAINTENANCE}


def silenced(state: State, event: Silenced, now: Now) -> Step:
    """Begin a silence, in place of one that there is."""
    text = f"silence for {span(event.until - now.mono)} by {event.owner}: {event.reason}"
    silence = Silence(event.until, event.owner, event.reason)
    return Step(replace(state, silence=silence), (make_note(state, NoteKind.SILENCED, text, now),))


def unsilenced(state: State, how: str, now: Now) -> Step:
    """End the silence, if there is one."""
    if state.silence is None:
        return Step(state)
    note = make_note(state, NoteKind.UNSILENCED, f"silence over: {how}", now)
    return Step(replace(state, silence=None), (note,))


def hushed(before: State, step: Step, event: Event, policy: Policy, now: Now) -> Step:
    """Return *step* without the alerts that nobody wants to hear now.

    An incident whose opening was told is told to be over, lest it look open for ever. One that
    opens in a silence and outlasts it is told when the silence ends, unless a passing round hints
    at its end; one that does not outlast it, never.
    """
    state, incident = step.state, step.state.incident
    alerts = [effect for effect in step.effects if isinstance(effect, Alert)]
    is_over = state.silence is None and state.phase in _TROUBLED
    if is_over and incident is not None and incident.hushed and not _is_good_news(event, incident):
        others = [effect for effect in step.effects if not isinstance(effect, Alert)]
        told = replace(state, incident=replace(incident, hushed=False, told=True))
        kind = AlertKind.REMINDER if incident.told else AlertKind.FIRING
        alert = make_alert(told, kind, policy, now, _measure(alerts, state, now))
        return Step(told, with_alert(others, alert))
    was_told = before.incident is None or before.incident.told
    kept = [alert for alert in alerts if _is_wanted(alert, state, was_told=was_told)]
    if incident is not None and len(kept) < len(alerts):
        is_opening = any(alert.kind is AlertKind.FIRING for alert in alerts)
        kept_back = replace(incident, hushed=True, told=incident.told and not is_opening)
        state = replace(state, incident=kept_back)
    dropped = [alert for alert in alerts if alert not in kept]
    return Step(state, tuple(effect for effect in step.effects if effect not in dropped))


def _is_good_news(event: Event, incident: Incident) -> bool:
    passed = isinstance(event, Observation) and event.verdict is Verdict.PASS
    return passed and not incident.crash_loop  # in a loop every round may pass


def _is_wanted(alert: Alert, state: State, *, was_told: bool) -> bool:
    if alert.kind is AlertKind.RESOLVED:
        return was_told
    return state.silence is None


def _measure(alerts: Sequence[Alert], state: State, now: Now) -> Measure | None:
    return alerts[-1].measure if alerts else outlook(state, now)
