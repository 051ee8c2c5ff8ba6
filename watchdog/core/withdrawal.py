"""The end of a watch: what has been told would otherwise look open for ever."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core.incident import make_alert, make_note
from watchdog.core.model import AlertKind, NoteKind, Now, State, Step
from watchdog.core.service import Policy
from watchdog.core.telling import Measure, MeasureKind
from watchdog.core.warning import dropped


def withdrawn(state: State, policy: Policy, now: Now) -> Step:
    """Return the end of the incident and of the warnings of what is no longer watched.

    Without an incident the rest is kept: a service that was left out by mistake comes back as it
    was, with its budget and its silence.
    """
    ends = dropped(state, now)
    if state.incident is None:
        return Step(replace(state, warnings=()), ends)
    measure = Measure(MeasureKind.NO_LONGER_WATCHED)
    note = make_note(state, NoteKind.CLOSED, "is no longer watched", now)
    alert = make_alert(state, AlertKind.RESOLVED, policy, now, measure)
    return Step(State(state.service), (note, *((alert,) if state.incident.told else ()), *ends))
