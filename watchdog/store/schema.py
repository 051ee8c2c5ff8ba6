"""The tables, and the steps from one version of them to the next.

``application_id`` says that a file is ours, ``user_version`` which steps it has seen; see
https://www.sqlite.org/pragma.html. STRICT tables need SQLite 3.37.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

APPLICATION_ID = 0x53574447  # "SWDG"

PAGE_SIZE = 4096

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        # mono, wall, boot_id: when, and in which life of the host, the state was written.
        # run, number: the change it came with, so that no change is ever written twice.
        """CREATE TABLE service_state (
            service TEXT PRIMARY KEY, state TEXT NOT NULL,
            mono REAL NOT NULL, wall REAL NOT NULL, boot_id TEXT NOT NULL,
            run TEXT NOT NULL, number INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE incident (
            id TEXT PRIMARY KEY, service TEXT NOT NULL, opened REAL NOT NULL, closed REAL,
            failed_check TEXT NOT NULL, reason TEXT NOT NULL) STRICT""",
        "CREATE INDEX incident_opened ON incident (opened)",
        """CREATE TABLE note (
            id INTEGER PRIMARY KEY, service TEXT NOT NULL, incident TEXT NOT NULL,
            wall REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT""",
        "CREATE INDEX note_incident ON note (incident) WHERE incident <> ''",
        # outcome NULL: under way, or the daemon died with it. identity: the run it replaces.
        """CREATE TABLE restart (
            id INTEGER PRIMARY KEY, service TEXT NOT NULL, wall REAL NOT NULL,
            reason TEXT NOT NULL, number INTEGER NOT NULL, wanted_by TEXT NOT NULL,
            identity TEXT NOT NULL, outcome TEXT, finished REAL,
            result TEXT NOT NULL DEFAULT '') STRICT""",
        "CREATE INDEX restart_service ON restart (service, wall)",
        "CREATE INDEX restart_open ON restart (service) WHERE outcome IS NULL",
        """CREATE TABLE outbox (
            id INTEGER PRIMARY KEY, destination TEXT NOT NULL, incident TEXT NOT NULL,
            kind TEXT NOT NULL, alert TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
            created REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
            last_error TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'sent', 'dead')),
            ended REAL, receipt TEXT NOT NULL DEFAULT '{}') STRICT""",
        "CREATE INDEX outbox_due ON outbox (destination, id) WHERE status = 'pending'",
        """CREATE TABLE evidence (
            incident TEXT PRIMARY KEY, lines TEXT NOT NULL, wall REAL NOT NULL) STRICT""",
    ),
    (
        # A run of the daemon, in which life of the host, and when it was last known to be alive.
        """CREATE TABLE life (
            id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, boot_id TEXT NOT NULL,
            mono REAL NOT NULL, wall REAL NOT NULL) STRICT""",
        # What was told to the state machine, to be run through it again: core/history.py.
        """CREATE TABLE history (
            id INTEGER PRIMARY KEY, service TEXT NOT NULL, life INTEGER NOT NULL,
            wall REAL NOT NULL, records TEXT NOT NULL) STRICT""",
        "CREATE INDEX history_service ON history (service)",
    ),
)

VERSION = len(MIGRATIONS)


def corruption(message: str) -> sqlite3.DatabaseError:
    """Return the error that SQLite would raise had it noticed."""
    error = sqlite3.DatabaseError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do everything inside, or nothing; what SQLite raises passes through."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite itself has rolled back what was hopeless
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def version(connection: sqlite3.Connection) -> int:
    """Return how many steps the database has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def application_id(connection: sqlite3.Connection) -> int:
    """Return whose database it says it is."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def layout(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the tables and indices that the database has, as they were made."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    return connection.execute(query).fetchall()


def expected_layout() -> list[tuple[str, str]]:
    """Return the tables and indices that a database of the present version has."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        return layout(fresh)


def migrate(connection: sqlite3.Connection) -> None:
    """Take the database, new or older, to the present version in one transaction."""
    with transaction(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statements in MIGRATIONS[version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
