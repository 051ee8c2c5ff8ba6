"""What happens within an incident that people know of: a line in its conversation, no more."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.incident import make_alert, with_alert
from watchdog.core.model import (
    Alert,
    AlertKind,
    Note,
    NoteKind,
    Now,
    Phase,
    Restart,
    State,
    Step,
)
from watchdog.core.reminder import outlook
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind

_UNTOLD = frozenset({Phase.PENDING, Phase.MAINTENANCE})
"""Phases in which nothing is known yet, or nobody wants to hear of it."""


def updated(before: State, step: Step, policy: Policy, now: Now) -> Step:
    """Return *step* with an update of its incident, if something happened that is worth a line.

    Only of an incident whose opening was told, and never beside another alert. An update keeps
    no reminder waiting: those who get reminders may get no updates.
    """
    state, incident = step.state, step.state.incident
    if before.incident is None or incident is None or not incident.told:
        return step
    if state.silence is not None or state.phase is Phase.MAINTENANCE:
        return step
    if any(isinstance(effect, Alert) for effect in step.effects) or not _is_news(before, step):
        return step
    measure = _measure(step, policy, now)
    update = make_alert(state, AlertKind.UPDATE, policy, now, measure)
    update = replace(update, seen_by=_seen_by(step))
    return Step(state, with_alert(step.effects, update))


def _is_news(before: State, step: Step) -> bool:
    """Tell whether *step* is worth a line."""
    state = step.state
    if _seen_by(step):
        return True
    if state.phase is not before.phase and state.phase not in _UNTOLD:
        return True
    if any(isinstance(effect, Restart) for effect in step.effects):
        return True  # after one that failed, the phase is the same
    was, cause = before.cause, state.cause
    return was is not None and cause is not None and was.check != cause.check


def _measure(step: Step, policy: Policy, now: Now) -> Measure | None:
    """Return what is being done, and what happens next."""
    state = step.state
    match state.phase:
        case Phase.RESTARTING:
            asked = (effect for effect in step.effects if isinstance(effect, Restart))
            return _restarting(next(asked, Restart("", 0)), state, policy, now)
        case Phase.RECOVERING:
            once_more = MeasureKind.RECOVERING_ONCE_MORE
            return Measure(once_more if state.gave_up else MeasureKind.RECOVERING)
        case Phase.HEALTHY:
            return Measure(MeasureKind.SETTLING, lasted=policy.flap_window)
        case Phase.HELD if why := _noted(step, NoteKind.HELD):
            return Measure(MeasureKind.HELD, words=why)
        case Phase.FAILING:
            return _failing(state, policy, now)
        case _:
            return outlook(state, now)


def _restarting(restart: Restart, state: State, policy: Policy, now: Now) -> Measure:
    if restart.wanted_by:
        return Measure(MeasureKind.RESTART_ASKED, words=restart.wanted_by)
    if state.gave_up:
        return Measure(MeasureKind.RESTARTING_ONCE_MORE)
    left = rules.budget_left(state, policy, now.mono)
    count = max(1, policy.restart_budget - left)
    return Measure(MeasureKind.RESTARTING, count=count, limit=policy.restart_budget)


def _failing(state: State, policy: Policy, now: Now) -> Measure | None:
    if state.incident is not None and state.incident.crash_loop:
        return Measure(MeasureKind.LEFT_TO_KEEPER)
    if state.cause is None or not state.cause.curable:
        return outlook(state, now)
    limit = rules.threshold(policy, state.cause.check)
    if limit == 0:
        return Measure(MeasureKind.RESTARTS_OFF)
    return Measure(MeasureKind.RESTART_AFTER, limit=limit)


def _seen_by(step: Step) -> str:
    """Return who has just acknowledged the incident; empty: nobody."""
    incident = step.state.incident
    if incident is None or not _noted(step, NoteKind.ACKNOWLEDGED):
        return ""
    return incident.acknowledged[-1]


def _noted(step: Step, kind: NoteKind) -> str:
    notes = (effect for effect in step.effects if isinstance(effect, Note))
    return next((note.text for note in notes if note.kind is kind), "")
