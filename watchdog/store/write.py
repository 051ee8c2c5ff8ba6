"""The statements that write; each function runs inside its caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from watchdog.core.model import (
    Note,
    NoteKind,
)
from watchdog.ports import Change
from watchdog.store.encode import plain
from watchdog.store.entry import Batch, Entry, Result, Status
from watchdog.store.history import write_history
from watchdog.store.schema import corruption


def write(connection: sqlite3.Connection, batch: Batch, boot_id: str, wall: float) -> None:
    """Write *batch*, in the order in which its parts came about."""
    for entry in batch.entries:
        if entry.change is not None and not _is_written(connection, entry):
            _write_change(connection, entry.change)
            _write_state(connection, entry, entry.change, boot_id)
            if entry.history:
                service, now = entry.service, entry.change.now
                write_history(connection, service, entry.history, entry.run, boot_id, now)
        for letter in entry.letters:
            alert = letter.alert
            connection.execute(
                "INSERT INTO outbox (destination, incident, kind, alert, key, created)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (
                    plain(letter.destination),
                    plain(alert.incident),
                    alert.kind.value,
                    letter.text,
                    letter.key,
                    letter.created,
                ),
            )
    for result in batch.results:
        _write_result(connection, result)
    for incident, lines in (batch.evidence or {}).items():
        connection.execute(
            "INSERT INTO evidence (incident, lines, wall) VALUES (?, ?, ?) ON CONFLICT (incident)"
            " DO UPDATE SET lines = excluded.lines, wall = excluded.wall",
            (plain(incident), lines, wall),
        )


def set_values(connection: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Keep *values* in the table of odds and ends."""
    connection.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", values.items())


def _is_written(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Tell whether an earlier try, taken for failed, has left *entry* or a later one behind."""
    row = connection.execute(
        "SELECT number FROM service_state WHERE service = ? AND run = ?",
        (plain(entry.service), entry.run),
    ).fetchone()
    return row is not None and row[0] >= entry.number


def _write_state(
    connection: sqlite3.Connection, entry: Entry, change: Change, boot_id: str
) -> None:
    now = change.now
    connection.execute(
        "INSERT INTO service_state (service, state, mono, wall, boot_id, run, number)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (service) DO UPDATE SET"
        " state = excluded.state, mono = excluded.mono, wall = excluded.wall,"
        " boot_id = excluded.boot_id, run = excluded.run, number = excluded.number",
        (plain(entry.service), entry.state, now.mono, now.wall, boot_id, entry.run, entry.number),
    )


def _write_change(connection: sqlite3.Connection, change: Change) -> None:
    service = plain(change.state.service)
    for note in change.notes:
        connection.execute(
            "INSERT INTO note (service, incident, wall, kind, text) VALUES (?, ?, ?, ?, ?)",
            (service, plain(note.incident), note.wall, note.kind.value, plain(note.text)),
        )
        if note.incident and note.kind is NoteKind.OPENED:
            _open_incident(connection, change, note)
        elif note.incident and note.kind is NoteKind.CLOSED:
            _close_incident(connection, change, note)
    if change.finished is not None:
        connection.execute(
            "UPDATE restart SET outcome = ?, finished = ?, result = ?"
            " WHERE service = ? AND outcome IS NULL",
            (
                change.finished.outcome.value,
                change.now.wall,
                plain(change.finished.reason),
                service,
            ),
        )
    if change.restart is not None:
        # Left open by a daemon that died: its end is not known, and only one can be under way.
        connection.execute(
            "UPDATE restart SET outcome = 'superseded', finished = ?"
            " WHERE service = ? AND outcome IS NULL",
            (change.now.wall, service),
        )
        connection.execute(
            "INSERT INTO restart (service, wall, reason, number, wanted_by, identity)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                service,
                change.now.wall,
                plain(change.restart.reason),
                change.restart.number,
                plain(change.restart.wanted_by),
                plain(change.identity),
            ),
        )


def _open_incident(connection: sqlite3.Connection, change: Change, note: Note) -> None:
    cause = change.state.cause
    connection.execute(
        "INSERT OR REPLACE INTO incident (id, service, opened, failed_check, reason)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            plain(note.incident),
            plain(change.state.service),
            note.wall,
            plain(cause.check) if cause is not None else "",
            plain(note.text or (cause.reason if cause is not None else "")),
        ),
    )


def _close_incident(connection: sqlite3.Connection, change: Change, note: Note) -> None:
    """Close the incident; if its opening went with a lost database, the alert still knows it."""
    alerts = (each.alert for each in change.alerts)
    told = next((alert for alert in alerts if alert.incident == note.incident), None)
    connection.execute(
        "INSERT INTO incident (id, service, opened, closed, failed_check, reason)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET closed = excluded.closed",
        (
            plain(note.incident),
            plain(change.state.service),
            told.opened if told is not None else note.wall,
            note.wall,
            plain(told.check) if told is not None else "",
            plain(told.reason) if told is not None else "",
        ),
    )


def _write_result(connection: sqlite3.Connection, result: Result) -> None:
    changed = connection.execute(
        "UPDATE outbox SET status = ?, attempts = ?, last_error = ?, ended = ?, receipt = ?"
        " WHERE key = ? AND status = 'pending'",
        (
            result.status.value,
            result.attempts,
            result.error,
            result.wall if result.status is not Status.PENDING else None,
            result.receipt,
            result.key,
        ),
    ).rowcount
    if changed or result.id <= 0:
        return
    # Written before, or gone with a lost database: fine. But a row that is still due and cannot
    # be found by its key would be delivered for ever.
    # Compared here, not there: a damaged key reads differently from what SQLite compares.
    row = connection.execute(
        "SELECT key FROM outbox NOT INDEXED WHERE id = ? AND status = 'pending'", (result.id,)
    ).fetchone()
    if row == (result.key,):
        raise corruption("the index of the outbox is damaged")
