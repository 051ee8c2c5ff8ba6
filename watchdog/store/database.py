"""The open database, for the use of one thread; it mends what can be mended."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from watchdog.core.telling import Notice
from watchdog.errors import StoreError
from watchdog.store import retention
from watchdog.store.ballast import Ballast
from watchdog.store.files import check_directory
from watchdog.store.opening import Opener, is_corrupt
from watchdog.store.schema import transaction

_T = TypeVar("_T")

# UnicodeDecodeError: SQLite quotes damaged text.
_FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError, OverflowError)
# IOERR_WRITE: over quota. IOERR_SHMSIZE: no room for the log's index.
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NEAR_LIMIT = 64  # pages: what one transaction may take

_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on its file system",
    sqlite3.SQLITE_BUSY: "find out which other process is using it",
    sqlite3.SQLITE_LOCKED: "find out which other process is using it",
    sqlite3.SQLITE_READONLY: "check who may write it and its directory",
    sqlite3.SQLITE_CANTOPEN: "check who may write it and its directory",
    sqlite3.SQLITE_PERM: "check who may write it and its directory",
}


class Database:
    """One connection, opened when it is first needed and again when it has to be."""

    def __init__(self, opener: Opener, ballast: Ballast, wall: Callable[[], float]) -> None:
        self.trouble = ""  # the disk is nearly full; empty: all is well
        self.notices: list[Notice] = []
        self._opener = opener
        self._ballast = ballast
        self._wall = wall
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[object, ...] = ()  # which files were opened
        self._distrust = ""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._opener.path

    def open(self) -> None:
        """Open it now. Raises StoreError."""
        self.read(lambda connection: connection.execute("SELECT 1").fetchone())

    def close(self) -> None:
        """Close it; what was committed stays, whatever happens here."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what *query* returns. Raises StoreError."""
        return self._run("read", lambda: query(self._connection or self._opened()))

    def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do *work* in one transaction, durably; it may be begun several times. Raises StoreError.

        Where the disk or the database is full, the reserve is given up, or the oldest history.
        """

        def transact() -> _T:
            connection = self._in_place()
            with transaction(connection):
                return work(connection)

        return self._run("write", transact)

    def restock(self) -> None:
        """Make the reserve again if there is room, and say so if there is not."""
        self.trouble = "" if self._ballast.fill() else self._nearly_full()

    def _run(self, purpose: str, work: Callable[[], _T]) -> _T:
        for tries in range(3):
            try:
                return work()
            except _FAILURES as exc:
                if self._connection is not None and self._connection.in_transaction:
                    self.close()  # not even ROLLBACK worked; closing does the same
                if tries == 2 or not self._mended(exc, tries):  # noqa: PLR2004
                    raise self._error(purpose, exc) from exc
        raise AssertionError  # the last try returns or raises

    def _in_place(self) -> sqlite3.Connection:
        """Return the connection, sure that what it writes can be found again."""
        connection = self._connection
        if connection is None:
            return self._opened()
        if self._files_now() == self._files:
            return connection
        check_directory(self.path)
        self.notices.append(self._opener.rescue(connection, self._wall()))
        self.close()
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        check_directory(self.path)
        self._connection, notices = self._opener.open(self._wall(), self._distrust)
        self._distrust = ""
        self._files = self._files_now()
        self.notices += notices
        self.restock()
        return self._connection

    def _files_now(self) -> tuple[object, ...]:
        return _identity(f"{self.path}"), _identity(f"{self.path}-wal")

    def _mended(self, exc: Exception, tries: int) -> bool:
        """Tell whether it is worth another try, after doing what makes it so."""
        code = getattr(exc, "sqlite_errorcode", 0)
        if is_corrupt(exc):
            # Opening checks it. If it looks sound to that and yet is not, it goes.
            self._distrust = str(exc) if tries else ""
            self.close()
            return True
        if code in _FULL or (isinstance(exc, OSError) and exc.errno == errno.ENOSPC):
            if self._is_at_limit():
                return self._evicted()
            self.trouble = self._nearly_full()
            return self._ballast.release()
        if code & 0xFF in _BUSY:
            return False
        if self._connection is not None and self._files_now() != self._files:
            return False  # deleted: what is open is all there is
        # A descriptor that failed once may fail for ever; what was committed is on the disk.
        self.close()
        return tries == 0

    def _nearly_full(self) -> str:
        size = self._ballast.size / 2**20
        return (
            f"the file system of {self.path} is nearly full: the database's reserve of"
            f" {size:g} MiB is used up; make room"
        )

    def _is_at_limit(self) -> bool:
        if self._connection is None:
            return False
        try:
            pages, limit = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "max_page_count")
            )
        except sqlite3.Error:
            return False
        return bool(pages > limit - _NEAR_LIMIT)

    def _evicted(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        try:
            with transaction(connection):
                return retention.evict(connection)
        except sqlite3.Error:
            return False

    def _error(self, purpose: str, exc: Exception) -> StoreError:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        why, remedy = str(exc), _REMEDIES.get(code, "check the disk")
        if code == sqlite3.SQLITE_FULL and self._is_at_limit():
            limit = self._opener.max_size / 2**20
            why = f"it has reached its limit of {limit:g} MiB with alerts that are still due"
            remedy = "mend the channels that do not take them"
        return StoreError(f"cannot {purpose} {self.path}: {why}; {remedy}")


def _identity(path: str) -> object:
    try:
        status = os.stat(path)  # noqa: PTH116 - twice per commit: no Path made for it
    except OSError:
        return None
    return status.st_dev, status.st_ino
