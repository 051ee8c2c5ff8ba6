"""All that is on record about one incident: what its post-mortem is written from."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from watchdog.core.history import Turn
from watchdog.core.model import Alert, AlertKind, Note, NoteKind, Phase
from watchdog.errors import NotOnRecordError, StoreError
from watchdog.store.encode import decode_alert
from watchdog.store.history import unpack
from watchdog.store.read import INCIDENT, PastIncident, PastRestart, evidence, restarts

_NAMED = 5
_BEFORE = 100  # rows of history in which the beginning of the trouble is looked for


@dataclass(frozen=True, slots=True)
class Told:
    """An alert on its way to one destination."""

    kind: str  # an AlertKind
    destination: str
    made: float  # wall
    status: str  # pending, sent, dead
    ended: float | None  # wall: when it was told, or given up
    attempts: int
    error: str  # why the last attempt failed


@dataclass(frozen=True, slots=True)
class Story(PastIncident):
    """An incident in full."""

    began: float = 0.0  # wall: the first sign of trouble
    lasted: float | None = None  # seconds; None: it is open
    ending: str = ""  # what healed it
    restarts: tuple[PastRestart, ...] = ()  # oldest first
    alerts: tuple[Told, ...] = ()  # oldest first


def story(connection: sqlite3.Connection, wanted: str) -> Story:
    """Return the incident whose id begins with *wanted*. Raises NotOnRecordError."""
    rows = connection.execute(
        f"{INCIDENT} WHERE substr(id, 1, ?) = ? ORDER BY id = ? DESC, opened DESC LIMIT ?",
        (len(wanted), wanted, wanted, _NAMED + 1),
    ).fetchall()
    if not rows:
        raise NotOnRecordError(f"cannot show incident {wanted}: there is none of that id")
    if len(rows) > 1 and rows[0][0] != wanted:
        there = ", ".join(row[0] for row in rows[:_NAMED]) + (", …" if rows[_NAMED:] else "")
        raise NotOnRecordError(
            f"cannot show incident {wanted}: it may be {there}; give more of its id"
        )
    found = Story(*rows[0])
    began = _beginning(connection, found)
    notes = _notes(connection, found, began)
    told, resolved = _alerts(connection, found.id)
    end = next((note for note in reversed(notes) if note.kind is NoteKind.CLOSED), None)
    return replace(
        found,
        notes=notes,
        evidence=_evidence(connection, found.id),
        began=min([began, *(note.wall for note in notes)]),
        lasted=_lasted(found, resolved),
        ending=end.text if end is not None else "",
        restarts=tuple(
            restart
            for restart in restarts(connection, found.service, began)
            if found.closed is None or restart.wall <= found.closed
        ),
        alerts=told,
    )


def _evidence(connection: sqlite3.Connection, incident_id: str) -> Sequence[str]:
    try:
        return evidence(connection, incident_id)
    except StoreError as exc:
        return (str(exc),)  # the rest of the story is none the worse


def _beginning(connection: sqlite3.Connection, incident: PastIncident) -> float:
    """Return when (wall) health was lost; when the incident opened, if that is not on record."""
    began = incident.opened
    rows = connection.execute(
        "SELECT records FROM history WHERE service = ? AND wall <= ? ORDER BY id DESC LIMIT ?",
        (incident.service, incident.opened, _BEFORE),
    )
    for (text,) in rows:
        records: Sequence[object] = ()
        with suppress(StoreError):
            records = unpack(text)
        for record in reversed(records):
            if not isinstance(record, Turn):
                continue
            if record.phase is Phase.HEALTHY:
                return began
            if record.notes:
                began = min(began, record.now.wall)
    return incident.opened


def _notes(
    connection: sqlite3.Connection, incident: PastIncident, began: float
) -> tuple[Note, ...]:
    """Return what led to the incident, and all that happened in it, oldest first."""
    rows = connection.execute(
        "SELECT kind, text, wall, incident, id FROM note WHERE incident = ?1 AND incident <> ''"
        " UNION ALL SELECT kind, text, wall, incident, id FROM note WHERE incident = '' AND"
        " service = ?2 AND wall >= ?3 AND wall <= ?4 ORDER BY id",
        (incident.id, incident.service, began, incident.opened),
    )
    return tuple(Note(NoteKind(kind), text, wall, whose) for kind, text, wall, whose, _ in rows)


def _alerts(
    connection: sqlite3.Connection, incident_id: str
) -> tuple[tuple[Told, ...], Alert | None]:
    told: list[Told] = []
    resolved: Alert | None = None
    for kind, destination, made, status, ended, attempts, error, text in connection.execute(
        "SELECT kind, destination, created, status, ended, attempts, last_error, alert FROM outbox"
        " WHERE incident = ? AND kind <> 'update' ORDER BY id",
        (incident_id,),
    ):
        told.append(Told(kind, destination, made, status, ended, attempts, error))
        if kind == AlertKind.RESOLVED:
            with suppress(StoreError):
                resolved = decode_alert(text)
    return tuple(told), resolved


def _lasted(incident: PastIncident, resolved: Alert | None) -> float | None:
    """Return how long it lasted; by the monotonic clock where an alert still knows it."""
    if incident.closed is None:
        return None
    if resolved is not None:
        return resolved.duration
    return max(0.0, incident.closed - incident.opened)
