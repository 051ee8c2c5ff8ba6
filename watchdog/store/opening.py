"""Opening the database: what is fit is used, what is not is set aside and told of.

Whatever stands in the place of the database, afterwards there is one to work with, unless the disk
or its permissions forbid it. Nothing is deleted, and what was due is taken over as far as it can
be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.store.files import family, make_private, put_in_place, set_aside
from watchdog.store.schema import (
    APPLICATION_ID,
    PAGE_SIZE,
    VERSION,
    application_id,
    expected_layout,
    layout,
    migrate,
    transaction,
    version,
)

CHECK_SIZE = 16 * 1024 * 1024
"""Bytes: larger databases are opened unchecked, so that starting stays quick."""

_TAKEN_OVER = (
    ("outbox",
     "id, destination, incident, kind, alert, key, created, attempts, last_error, receipt",
     "WHERE status = 'pending'", "id"),
    ("service_state", "service, state, mono, wall, boot_id, run, number", "", "service"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the database at ``path``; *factory* lets a test make connections fail."""

    path: Path
    max_size: int = 64 * 1024 * 1024  # bytes
    factory: type[sqlite3.Connection] = sqlite3.Connection
    lock_timeout: float = 2.0  # seconds to wait for another process's transaction

    def open(self, wall: float, distrust: str = "") -> tuple[sqlite3.Connection, list[Notice]]:
        """Return a database ready for use, and what there is to tell.

        *distrust* is why the one that is there is not to be used, however sound it looks.
        Raises sqlite3.Error and OSError where the disk or its permissions are the trouble.
        """
        notices: list[Notice] = []
        for leftover in family(self._fresh):
            leftover.unlink()
        if not self.path.exists():
            if family(self.path):
                aside = set_aside(self.path, "corrupt", wall)
                text = (
                    f"cannot use what is left of {self.path}: the database itself is gone;"
                    f" set aside as {aside.name}*, begun anew"
                )
                notices.append(
                    self._notice(text, CircumstanceKind.DATABASE_GONE, aside=f"{aside.name}*")
                )
            self._create()
            put_in_place(self._fresh, self.path)
        with closing(self._connect(self.path)) as connection:
            fault = self._fault(connection) or (("corrupt", distrust) if distrust else None)
        if fault is not None:
            notices.append(self._replace(*fault, wall))
        connection = self._connect(self.path)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection, notices

    def rescue(self, connection: sqlite3.Connection, wall: float) -> Notice:
        """Write the database behind *connection* anew: its files were deleted or replaced.

        What is open still holds everything, so it is the truth. Returns what there is to tell; the
        caller closes *connection* and opens anew. Raises sqlite3.Error and OSError.
        """
        make_private(self._fresh)
        with closing(self._connect(self._fresh)) as target:
            connection.backup(target)
        aside = set_aside(self.path, "replaced", wall) if family(self.path) else None
        put_in_place(self._fresh, self.path)
        moved = f"; what stood there is now {aside.name}" if aside is not None else ""
        text = (
            f"{self.path} was deleted or replaced while in use; written anew with all that it"
            f" held{moved}; stop the daemon before touching its files"
        )
        name = aside.name if aside is not None else ""
        return self._notice(text, CircumstanceKind.DATABASE_MOVED, aside=name)

    @property
    def _fresh(self) -> Path:
        """Where a new database is made: what stands at ``path`` is always complete."""
        return self.path.with_name(f"{self.path.name}.new")

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, self.lock_timeout, isolation_level=None, factory=self.factory
        )
        connection.text_factory = any_text
        return connection

    def _create(self, source: Path | None = None) -> tuple[int, int]:
        """Make a new database with what can be taken over from *source*, and count that."""
        make_private(self._fresh)
        with closing(self._connect(self._fresh)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            migrate(connection)
            return _take_over(source, connection) if source is not None else (0, 0)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with suppress(PermissionError):  # another user's, and yet we may write it
            self.path.chmod(0o600)
        for setting in (
            "journal_mode = WAL",
            "synchronous = FULL",  # in WAL mode: a commit survives power loss
            "wal_autocheckpoint = 256",  # pages: the log stays near 1 MiB
            "journal_size_limit = 1048576",
            f"max_page_count = {self.max_size // PAGE_SIZE}",
            "cache_size = -512",  # KiB
            "temp_store = MEMORY",
            "trusted_schema = OFF",
            "cell_size_check = ON",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        if version(connection) < VERSION:
            migrate(connection)
        connection.execute("SELECT count(*) FROM meta").fetchall()  # now the log exists, too

    def _fault(self, connection: sqlite3.Connection) -> tuple[str, str] | None:
        """Return a label and a reason if the database cannot be used; change nothing."""
        size = self.path.stat().st_size
        if size == 0:
            return "corrupt", "it is empty"
        try:
            whose, steps = application_id(connection), version(connection)
            if whose != APPLICATION_ID:
                return "foreign", f"it belongs to another program (application_id {whose:#x})"
            if steps > VERSION:
                return f"version-{steps}", (
                    f"a newer version wrote it (schema {steps}, this one knows {VERSION});"
                    " to have its history back, install that version again and rename it"
                )
            damage = _damage(connection, thorough=size <= CHECK_SIZE)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as exc:
            # SQLITE_ERROR: these statements are right, so what they were asked of is not.
            if is_corrupt(exc) or getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:
                return "corrupt", str(exc)
            raise
        return ("corrupt", damage) if damage else None

    def _replace(self, label: str, why: str, wall: float) -> Notice:
        """Begin anew with what can be read and is still due; return what there is to tell.

        The old files are moved last: if this fails, it can be tried again.
        """
        is_ours = label != "foreign" and self.path.stat().st_size > 0
        alerts, states = self._create(self.path if is_ours else None)
        aside = set_aside(self.path, label, wall)
        put_in_place(self._fresh, self.path)
        text = (
            f"cannot use {self.path}: {why}; set aside as {aside.name}, begun anew with"
            f" {alerts} undelivered alerts and {states} states taken over from it"
        )
        told = Circumstance(
            CircumstanceKind.DATABASE_REPLACED,
            why,
            str(self.path),
            count=alerts,
            states=states,
            aside=aside.name,
        )
        return Notice(text, told)

    def _notice(self, text: str, kind: CircumstanceKind, aside: str) -> Notice:
        return Notice(text, Circumstance(kind, subject=str(self.path), aside=aside))


def _damage(connection: sqlite3.Connection, *, thorough: bool) -> str:
    if thorough:
        found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if found != "ok":
            return found
    if version(connection) == VERSION and layout(connection) != expected_layout():
        return "its tables are not those of this version"
    return ""


def is_corrupt(exc: BaseException) -> bool:
    """Tell whether SQLite says that the file itself is damaged; perhaps in words that are, too."""
    if isinstance(exc, UnicodeDecodeError):
        return True
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _take_over(source: Path, target: sqlite3.Connection) -> tuple[int, int]:
    """Copy what can be read and is still due; return the numbers of alerts and states."""
    counts = []
    with (
        closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as damaged,
        transaction(target),
    ):
        damaged.text_factory = any_text
        for table, columns, where, order in _TAKEN_OVER:
            marks = ", ".join("?" * (columns.count(",") + 1))
            query = f"SELECT {columns} FROM {table} NOT INDEXED {where} ORDER BY {order}"  # noqa: S608 - our own names
            insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
            before = target.total_changes
            # From both ends: a page that cannot be read hides only what is on it.
            for direction in ("ASC", "DESC"):
                for row in _readable(damaged, f"{query} {direction}"):
                    with suppress(sqlite3.IntegrityError):  # a damaged row
                        target.execute(insert, row)
            counts.append(target.total_changes - before)
    return counts[0], counts[1]


def _readable(connection: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows up to the first that cannot be read."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        yield from connection.execute(query)


def any_text(raw: bytes) -> str:
    """Return a TEXT; one with a damaged byte is for its reader to judge."""
    return raw.decode("utf-8", "backslashreplace")
