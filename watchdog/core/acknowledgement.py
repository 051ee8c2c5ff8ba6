"""What a person says of an incident: that it is seen, and that a button was pressed in vain."""

from __future__ import annotations

from dataclasses import replace

from watchdog.core.incident import make_note
from watchdog.core.model import (
    Acknowledged,
    Event,
    Note,
    NoteKind,
    Now,
    Paused,
    Pressed,
    RestartRequested,
    Silenced,
    State,
    Step,
)


def acknowledged(state: State, event: Acknowledged, now: Now) -> Step:
    """Return the open incident seen by one person more; each of them is noted once.

    Who has seen it knows what a silence had kept back of it by then, unless others were never
    told of its opening.
    """
    incident = state.incident
    if incident is None or event.owner in incident.acknowledged:
        return Step(state)
    seen = replace(
        incident,
        acknowledged=(*incident.acknowledged, event.owner),
        hushed=incident.hushed and not incident.told,
    )
    text = f"by {event.owner}: {event.reason}" if event.reason else f"by {event.owner}"
    note = make_note(state, NoteKind.ACKNOWLEDGED, text, now)
    return Step(replace(state, incident=seen), (note,))


def pressed(state: State, event: Pressed, now: Now) -> Step:
    """Return the press noted where it belongs, be that incident open or long over."""
    return Step(state, (Note(NoteKind.PRESSED, event.text, now.wall, event.incident),))


def comes_too_late(state: State, event: Event) -> bool:
    """Tell whether *event* is about an incident that is no longer the open one.

    A button may be pressed while the round is under way that finds the service healthy.
    """
    match event:
        case Paused() | Silenced() | RestartRequested() | Acknowledged() if event.incident:
            return state.incident is None or state.incident.id != event.incident
        case _:
            return False
