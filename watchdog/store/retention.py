"""What is forgotten, so that the database stays small. Nothing that is still due ever is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

DAY = 86400.0

LEDGER_DAYS = 400  # a year, and the same month of the last one to compare with
SENT_DAYS = 30  # when each destination was told is part of an incident's story
DEAD_DAYS = 90

STANDING = (
    "(SELECT json_extract(value, '$.id') FROM service_state,"
    " json_each(CASE WHEN json_valid(state) THEN state ELSE '{}' END, '$.warnings'))"
)
"""The ids of the warnings that stand."""

_OPEN = "(SELECT id FROM incident WHERE closed IS NULL)"
_TOLD = f"status = 'sent' AND incident NOT IN {_OPEN} AND incident NOT IN {STANDING}"
"""Of an open incident, and of a warning that stands, it is still told again what was sent."""

_NEWEST = "rowid < (SELECT max(rowid) FROM history AS newer WHERE newer.service = history.service)"
"""Of each service the newest row stays: it says how the service stands, perhaps for months."""

_BEFORE = (
    "wall < ?1 AND rowid NOT IN (SELECT max(rowid) FROM history WHERE wall < ?1 GROUP BY service)"
)
"""What stood at the horizon was written before it, and stays."""

_AGED = (
    ("outbox", f"{_TOLD} AND ended < ?", SENT_DAYS),
    ("outbox", "status = 'dead' AND ended < ?", DEAD_DAYS),
    ("note", "wall < ?", LEDGER_DAYS),
    ("restart", "outcome IS NOT NULL AND wall < ?", LEDGER_DAYS),
    ("incident", "closed < ?", LEDGER_DAYS),
    ("history", _BEFORE, LEDGER_DAYS),
)

MAX_ROWS: Mapping[str, int] = {
    "note": 50_000,
    "restart": 20_000,
    "incident": 10_000,
    "evidence": 200,
    "outbox": 20_000,
    "history": 100_000,
}
"""The newest so many are kept, however young the others are. Open incidents count but stay."""

MAX_HISTORY = 10_000
"""Rows of the history of one service: one that flaps for weeks must not cost the others theirs."""

_SPARED = {
    "restart": "outcome IS NOT NULL",
    "incident": "closed IS NOT NULL",
    "outbox": _TOLD,
    "history": _NEWEST,
}

_FLAPPING = (
    "rowid IN (SELECT old.rowid FROM"
    " (SELECT service FROM history GROUP BY service HAVING count(*) > ?1) AS flapping"
    " JOIN history AS old ON old.service = flapping.service"
    " AND old.rowid <= (SELECT rowid FROM history AS newer WHERE newer.service = flapping.service"
    " ORDER BY rowid DESC LIMIT 1 OFFSET ?1))"
)
"""Where the newest begin is asked once for each service; asked for each row it takes minutes."""

_FORGOTTEN = "id < (SELECT max(id) FROM life) AND id NOT IN (SELECT life FROM history)"

_EVICTED = (
    ("outbox", _TOLD),
    ("history", _NEWEST),
    ("note", "true"),
    ("evidence", "true"),
    ("restart", "outcome IS NOT NULL"),
    ("incident", "closed IS NOT NULL"),
    ("outbox", "status = 'dead'"),
)

BATCH = 1000  # rows deleted in one transaction: a few milliseconds


def prune(
    connection: sqlite3.Connection,
    wall: float,
    max_rows: Mapping[str, int] = MAX_ROWS,
    max_history: int = MAX_HISTORY,
) -> bool:
    """Delete up to a batch of what is too old or too many; tell whether there may be more."""
    for table, condition, days in _AGED:
        if _delete(connection, table, condition, (wall - days * DAY,)):
            return True
    for table, rows in max_rows.items():
        # rowid rises with time here: rows are only ever added at the end.
        newest = f"rowid <= (SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?)"  # noqa: S608 - our own names
        spared = _SPARED.get(table, "true")
        if _delete(connection, table, f"{newest} AND {spared}", (rows,)):
            return True
    return _delete(connection, "history", _FLAPPING, (max_history,)) or _delete(
        connection, "life", _FORGOTTEN, ()
    )


def evict(connection: sqlite3.Connection) -> bool:
    """Delete a batch of the oldest history to make room; tell whether there was any."""
    return any(_delete(connection, table, condition, ()) for table, condition in _EVICTED)


def _delete(
    connection: sqlite3.Connection, table: str, condition: str, values: tuple[float, ...]
) -> bool:
    return bool(
        connection.execute(
            f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - our own names, no input
            f" (SELECT rowid FROM {table} WHERE {condition} ORDER BY rowid LIMIT {BATCH})",
            values,
        ).rowcount
    )
