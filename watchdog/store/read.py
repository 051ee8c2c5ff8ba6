"""The statements that read, and what they return."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from watchdog.core.model import (
    Alert,
    Note,
    NoteKind,
    Now,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Delivery, Left, Told
from watchdog.store.encode import (
    decode_alert,
    decode_lines,
    decode_receipt,
    decode_state,
    encode,
    plain,
)
from watchdog.store.rebase import rebased
from watchdog.store.retention import STANDING
from watchdog.store.schema import corruption


@dataclass(frozen=True, slots=True)
class PastIncident:
    """An incident as the ledger knows it; a list leaves notes and evidence out."""

    id: str
    service: str
    opened: float  # wall
    closed: float | None  # wall; None: still open
    check: str
    reason: str
    acknowledged: str = ""  # by whom first, and why; empty: by nobody
    notes: tuple[Note, ...] = ()  # oldest first
    evidence: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PastRestart:
    """A restart as the ledger knows it."""

    service: str
    wall: float
    reason: str
    number: int  # of its episode, from 1; 0: asked for by a person
    wanted_by: str
    outcome: str  # a RestartOutcome, "superseded", or empty: under way
    finished: float | None  # wall
    result: str  # in words


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far behind a destination is."""

    pending: int = 0
    oldest: float | None = None  # wall: when the oldest pending alert was made
    dead: int = 0


def load(
    connection: sqlite3.Connection, boot_id: str, now: Now
) -> tuple[dict[str, Left], list[Notice]]:
    """Return what is known of each service, and notices of what cannot be understood."""
    known: dict[str, Left] = {}
    notices: list[Notice] = []
    under_way = dict(
        connection.execute("SELECT service, identity FROM restart WHERE outcome IS NULL")
    )
    rows = connection.execute("SELECT service, state, mono, wall, boot_id FROM service_state")
    for service, text, mono, wall, saved_boot_id in rows:
        try:
            state = decode_state(text)
        except StoreError as exc:
            told = Circumstance(CircumstanceKind.STATE_UNREADABLE, reason_of(exc), service)
            notices.append(Notice(f"{exc}: {service} begins anew", told))
            continue
        # Where the kernel gives no boot id, a clock that stands lower than it stood tells.
        if saved_boot_id != boot_id or mono > now.mono:
            state = rebased(state, Now(mono, wall), now)
        known[service] = Left(state, under_way.get(service))
    return known, notices


def reason_of(error: StoreError) -> str:
    """Return what the decoder said, without our own words around it."""
    return str(error.__cause__ or error)


def due(
    connection: sqlite3.Connection, destination: str, skip: Collection[str], limit: int
) -> tuple[list[Delivery], dict[str, StoreError]]:
    """Return the *limit* oldest pending deliveries whose keys are not in *skip*.

    And the keys of rows among them that nobody can read, each with the error.
    """
    found: list[Delivery] = []
    unreadable: dict[str, StoreError] = {}
    rows = connection.execute(
        "SELECT id, alert, key, attempts, status, created, receipt FROM outbox"
        " WHERE destination = ? AND status = 'pending' ORDER BY id",
        (destination,),
    )
    for number, text, key, attempts, status, created, receipt in rows:
        if status != "pending":  # SQLite takes the index's word for it
            raise corruption("the index of the outbox is damaged")
        if key in skip:
            continue
        try:
            alert = decode_alert(text)
        except StoreError as exc:
            unreadable[key] = exc
            continue
        so_far = decode_receipt(receipt)
        found.append(Delivery(number, destination, alert, key, attempts, created, so_far))
        if len(found) == limit:
            break
    return found, unreadable


def standing(connection: sqlite3.Connection, destination: str) -> Sequence[Alert]:
    """Return the alerts that *destination* was told of and that were not resolved there.

    Oldest first, resolved ones being due left out too. The warnings that stand are in the states:
    not everybody is told of their end. What nobody can read is left out.
    """
    alerts = []
    for (text,) in connection.execute(
        "SELECT alert FROM outbox WHERE destination = ? AND status = 'sent' AND incident <> ''"  # noqa: S608 - our own names
        " AND kind NOT IN ('resolved', 'update', 'warning-over')"
        f" AND (kind <> 'warning' OR incident IN {STANDING})"
        " AND incident NOT IN (SELECT incident FROM outbox"
        " WHERE destination = ? AND kind = 'resolved' AND status <> 'pending') ORDER BY id",
        (destination, destination),
    ):
        with suppress(StoreError):
            alerts.append(decode_alert(text))
    return alerts


def missed_ends(
    connection: sqlite3.Connection, destination: str, dropped: str
) -> Sequence[tuple[Alert, int]]:
    """Return the ends of incidents that *destination* is told of, where they went elsewhere only.

    As they do while it is not configured. Each with how often it was set aside there because of
    *dropped*: it was not told by that. What nobody can read is left out.
    """
    untold = dict(
        connection.execute(
            "SELECT incident, sum(kind = 'resolved') FROM outbox"
            " WHERE destination = ?1 AND incident <> '' GROUP BY incident HAVING"
            " max(status <> 'dead'"
            " AND kind NOT IN ('resolved', 'update', 'warning', 'warning-over'))"
            " AND NOT max(kind = 'resolved' AND (status <> 'dead' OR last_error <> ?2))",
            (destination, dropped),
        )
    )
    found: dict[str, Alert] = {}
    for incident, text in connection.execute(
        "SELECT incident, alert FROM outbox WHERE kind = 'resolved'"
        " AND incident IN (SELECT value FROM json_each(?)) ORDER BY id",
        (encode(list(untold)),),
    ):
        with suppress(StoreError):
            found.setdefault(incident, decode_alert(text))
    return [(alert, untold[incident]) for incident, alert in found.items()]


def conversations(connection: sqlite3.Connection, destination: str) -> Sequence[Told]:
    """Return all that was told in messages at *destination* of which something is still open.

    Oldest first. Several incidents may share a message: those that are over are told there too.
    What is open is known by its end, which everybody is told here who was told of its beginning.
    """
    found = []
    for text, receipt in connection.execute(
        "SELECT alert, receipt FROM outbox WHERE destination = ?1 AND status = 'sent'"
        " AND incident <> '' AND receipt IN"
        " (SELECT receipt FROM outbox WHERE destination = ?1"
        " AND status = 'sent' AND incident <> '' AND receipt <> '{}'"
        " AND incident NOT IN ("
        "SELECT incident FROM outbox WHERE destination = ?1"
        " AND kind IN ('resolved', 'warning-over') AND status <> 'pending')) ORDER BY id",
        (destination,),
    ):
        with suppress(StoreError):
            found.append(Told(decode_alert(text), decode_receipt(receipt)))
    return found


def told(connection: sqlite3.Connection) -> Mapping[str, Collection[str]]:
    """Return the destinations of each incident, and warning, whose end has not been told."""
    found: dict[str, set[str]] = {}
    for incident, destination in connection.execute(
        "SELECT DISTINCT incident, destination FROM outbox WHERE incident <> ''"  # noqa: S608 - our own names
        " AND incident NOT IN (SELECT incident FROM outbox WHERE kind = 'resolved')"
        f" AND (kind NOT IN ('warning', 'warning-over') OR incident IN {STANDING})"
    ):
        found.setdefault(incident, set()).add(destination)
    return found


def known(connection: sqlite3.Connection, keys: Collection[str]) -> Collection[str]:
    """Return those of *keys* that the outbox has, whatever became of them."""
    query = "SELECT key FROM outbox WHERE key IN (SELECT value FROM json_each(?))"
    return {key for (key,) in connection.execute(query, (encode(list(keys)),))}


def about(
    connection: sqlite3.Connection, incidents: Collection[str], dead: Collection[str]
) -> Sequence[Addressed]:
    """Return all alerts of *incidents* in their order; empty: of no incident.

    Each with its destination, or without if it was set aside there or has a key in *dead*. What
    nobody can read is left out.
    """
    found = []
    for destination, text, key, status in connection.execute(
        "SELECT destination, alert, key, status FROM outbox"
        " WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY id",
        (encode([plain(each) for each in incidents]),),
    ):
        is_dead = status == "dead" or key in dead
        with suppress(StoreError):
            found.append(Addressed(decode_alert(text), () if is_dead else (destination,)))
    return found


def addressed(connection: sqlite3.Connection, delivery: Delivery) -> Collection[str]:
    """Return where the alert of *delivery* was addressed when it was made, itself included.

    Of an incident's end: whenever that was, for it may be made up for later.
    """
    alert = delivery.alert
    return {
        destination
        for (destination,) in connection.execute(
            "SELECT destination FROM outbox WHERE incident = ? AND kind = ?"
            " AND (created = ? OR kind = 'resolved')",
            (plain(alert.incident), alert.kind.value, delivery.created),
        )
    }


def evidence(connection: sqlite3.Connection, incident_id: str) -> Sequence[str]:
    """Return the newest evidence of an incident."""
    query = "SELECT lines FROM evidence WHERE incident = ?"
    row = connection.execute(query, (incident_id,)).fetchone()
    return decode_lines(row[0]) if row is not None else ()


INCIDENT = (
    "SELECT id, service, opened, closed, failed_check, reason, coalesce("
    "(SELECT text FROM note WHERE incident = incident.id AND incident <> ''"
    " AND kind = 'acknowledged' ORDER BY id LIMIT 1), '') FROM incident"
)


def incidents(
    connection: sqlite3.Connection, limit: int, service: str = "", since: float = 0.0
) -> Sequence[PastIncident]:
    """Return the newest incidents, newest first: of *service* if it is named, opened from *since*.

    One that is still open, or was closed since then, belongs to that time as well.
    """
    return [
        PastIncident(*row)
        for row in connection.execute(
            f"{INCIDENT} WHERE (?1 = '' OR service = ?1)"
            " AND (closed IS NULL OR max(opened, closed) >= ?2) ORDER BY opened DESC LIMIT ?3",
            (service, since, limit),
        )
    ]


def incident(connection: sqlite3.Connection, incident_id: str) -> PastIncident | None:
    """Return an incident with its timeline and evidence."""
    row = connection.execute(f"{INCIDENT} WHERE id = ?", (incident_id,)).fetchone()
    if row is None:
        return None
    notes = tuple(
        Note(NoteKind(kind), text, wall, incident_id)
        for kind, text, wall in connection.execute(
            "SELECT kind, text, wall FROM note WHERE incident = ? AND incident <> '' ORDER BY id",
            (incident_id,),
        )
    )
    return replace(PastIncident(*row), notes=notes, evidence=evidence(connection, incident_id))


def restarts(connection: sqlite3.Connection, service: str, since: float) -> Sequence[PastRestart]:
    """Return the restarts of *service* from *since* (wall) on, oldest first."""
    return [
        PastRestart(*row)
        for row in connection.execute(
            "SELECT service, wall, reason, number, wanted_by, coalesce(outcome, ''), finished,"
            " result FROM restart WHERE service = ? AND wall >= ? ORDER BY id",
            (service, since),
        )
    ]


def outbox_summary(connection: sqlite3.Connection) -> Mapping[str, Backlog]:
    """Return how far behind each destination is that has something pending or dead."""
    return {
        destination: Backlog(pending, oldest, dead)
        for destination, pending, oldest, dead in connection.execute(
            "SELECT destination, sum(status = 'pending'),"
            " min(CASE status WHEN 'pending' THEN created END), sum(status = 'dead')"
            " FROM outbox WHERE status <> 'sent' GROUP BY destination"
        )
    }
