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
        self._sizes = (0, 0)  # bytes of both, when we wrote last; only we make them shorter
        self._home: object = None  # which directory they were in
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
        return self._run("write", lambda: self._commit(self._in_place(), work))

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

    def _commit(
        self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]
    ) -> _T:
        with transaction(connection):
            done = work(connection)
        self._sizes = self._sizes_now()
        return done

    def _in_place(self) -> sqlite3.Connection:
        """Return the connection, sure that what it writes can be found again."""
        connection = self._connection
        if connection is None:
            return self._opened()
        if self._files_now() == self._files and not self._is_cut():
            return connection
        self._check_directory()
        self.notices.append(self._opener.rescue(connection, self._wall()))
        self.close()
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._check_directory()
        self._connection, notices = self._opener.open(self._wall(), self._distrust)
        self._distrust = ""
        self._files, self._home = self._files_now(), self._home_now()
        self._sizes = self._sizes_now()
        self.notices += notices
        self.restock()
        return self._connection

    def _check_directory(self) -> None:
        """Raise StoreError if nothing can be written; a sandbox keeps a directory made anew shut.

        The window that systemd has left in it led to the old one, and is not made again before
        the next start.
        """
        try:
            check_directory(self.path)
        except StoreError as exc:
            home = self._home_now()
            if self._home is None or home in {None, self._home}:
                raise
            raise StoreError(
                f"cannot keep {self.path}: {self.path.parent} was deleted and made anew, which a"
                " sandboxed daemon may not write in until it is restarted; restart"
                " service-watchdog once no alert waits"
            ) from exc

    def _home_now(self) -> object:
        return _identity(f"{self.path.parent}")

    def _is_cut(self) -> bool:
        """Tell whether a file has lost its end since we wrote last.

        Behind a gap in the log nothing would be found after the next start.
        """
        return any(now < before for now, before in zip(self._sizes_now(), self._sizes, strict=True))

    def _sizes_now(self) -> tuple[int, int]:
        return _size(f"{self.path}"), _size(f"{self.path}-wal")

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
            return self._commit(connection, retention.evict)
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


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - as above
    except OSError:
        return 0
