"""An incident that lasts is told of again, at growing intervals."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core.incident import make_alert, with_alert
from watchdog.core.model import (
    Alert,
    AlertKind,
    Incident,
    Now,
    Observation,
    Phase,
    State,
    Step,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind

LONGEST = 86400.0
"""Seconds between two reminders, however long an incident lasts."""

_LASTING = frozenset({Phase.SUSPECT, Phase.WAITING, Phase.FAILING, Phase.GAVE_UP, Phase.RECOVERING})


def reminded(step: Step, seen: Observation, policy: Policy, now: Now) -> Step:
    """Return *step* with a reminder of its incident, if the last word about it is long ago.

    The first one comes after ``remind_after``, and each further one after twice as long; only
    when *seen* shows that it lasts. A crash loop lasts though every round may pass. What a person
    has acknowledged needs no reminder.
    """
    state, incident = step.state, step.state.incident
    if incident is None or any(isinstance(effect, Alert) for effect in step.effects):
        return step
    due = next_reminder(incident, policy)
    lasts = seen.verdict is Verdict.FAIL or (incident.crash_loop and seen.verdict is Verdict.PASS)
    if due is None or now.mono < due or not lasts or state.phase not in _LASTING:
        return step
    alert = make_alert(state, AlertKind.REMINDER, policy, now, outlook(state, now))
    told = replace(incident, told_mono=now.mono, reminders=incident.reminders + 1)
    return Step(replace(state, incident=told), with_alert(step.effects, alert))


def with_told(step: Step, now: Now) -> Step:
    """Return *step* with the pause until the next reminder begun anew if it tells something."""
    incident = step.state.incident
    if incident is None or not any(isinstance(effect, Alert) for effect in step.effects):
        return step
    told = replace(incident, told_mono=now.mono)
    return Step(replace(step.state, incident=told), step.effects)


def next_reminder(incident: Incident, policy: Policy) -> float | None:
    """Return when (mono) the next reminder of *incident* is due; None: never."""
    if policy.remind_after == 0 or incident.acknowledged:
        return None
    told = incident.opened_mono if incident.told_mono is None else incident.told_mono
    return told + min(LONGEST, policy.remind_after * 2.0 ** min(incident.reminders, 32))


def outlook(state: State, now: Now) -> Measure | None:
    """Return what happens next, if anything is decided."""
    if state.restart_at is None:
        curable = state.cause is None or state.cause.curable
        return None if curable else Measure(MeasureKind.NO_RESTART_HELPS)
    next_try = now.wall + max(0.0, state.restart_at - now.mono)
    if state.phase is Phase.WAITING:
        return Measure(MeasureKind.RESTART_DUE, next_try=next_try)
    kind = MeasureKind.GAVE_UP if state.restarts else MeasureKind.NO_RESTART_POSSIBLE
    return Measure(kind, count=len(state.restarts), next_try=next_try)
