"""The end of a watch: what has been told would otherwise look open for ever."""

from __future__ import annotations

from watchdog.core.incident import make_alert, make_note
from watchdog.core.model import AlertKind, NoteKind, Now, State, Step
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind
from watchdog.core.warning import dropped


def withdrawn(state: State, policy: Policy, now: Now) -> Step:
    """Return the end of the incident and of the warnings of what is no longer watched."""
    gone, ends = State(state.service), dropped(state, now)
    if state.incident is None:
        return Step(gone, ends)
    measure = Measure(MeasureKind.NO_LONGER_WATCHED)
    note = make_note(state, NoteKind.CLOSED, "is no longer watched", now)
    alert = make_alert(state, AlertKind.RESOLVED, policy, now, measure)
    return Step(gone, (note, *((alert,) if state.incident.told else ()), *ends))
