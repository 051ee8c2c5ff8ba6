"""The database read from outside, by who is no daemon: nothing is written, nothing is locked."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from watchdog.errors import StoreError
from watchdog.store import history, read
from watchdog.store.history import Life, Row
from watchdog.store.opening import any_text
from watchdog.store.read import PastIncident
from watchdog.store.schema import APPLICATION_ID, VERSION, application_id, version
from watchdog.store.story import Story, story

PAGE = 2000  # rows of history read at once
_HISTORY = 2  # the first version of the tables that has a history


class Ledger:
    """An open database, or a copy of one; a context manager. Everything raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._connection.close()

    def incidents(
        self, limit: int, service: str = "", since: float = 0.0
    ) -> Sequence[PastIncident]:
        """Return the newest incidents, newest first, without notes and evidence."""
        with self._reading():
            return read.incidents(self._connection, limit, service, since)

    def story(self, wanted: str) -> Story:
        """Return all about an incident. Raises NotOnRecordError."""
        with self._reading():
            return story(self._connection, wanted)

    def history(self, service: str = "") -> Sequence[Row]:
        """Return the recorded history, oldest first; of all services if none is named."""
        found: list[Row] = []
        with self._reading():
            while page := history.rows(
                self._connection, service, found[-1].id if found else 0, PAGE
            ):
                found += page
        return found

    def lives(self) -> Sequence[Life]:
        """Return the runs of the daemon, oldest first."""
        with self._reading():
            return history.lives(self._connection)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as exc:
            raise self._error(str(exc)) from exc

    def _opened(self) -> sqlite3.Connection:
        path = self.path
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            # Without a log nobody has it open: it may be read as it is, which leaves no files
            # behind. With one, only SQLite knows what counts.
            log = path.with_name(f"{path.name}-wal")
            how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None
            )
            connection.text_factory = any_text
            connection.execute("PRAGMA query_only = ON")
            fault = self._fault(connection)
        except PermissionError:
            raise self._error("no permission; use sudo") from None
        except (OSError, sqlite3.Error) as exc:
            raise self._error(getattr(exc, "strerror", None) or str(exc)) from exc
        if fault:
            connection.close()
            raise self._error(fault)
        return connection

    def _fault(self, connection: sqlite3.Connection) -> str:
        if application_id(connection) != APPLICATION_ID:
            return "it is not a database of service-watchdog"
        steps = version(connection)
        if steps > VERSION:
            return f"a newer version wrote it (schema {steps}, this one knows {VERSION})"
        if steps < _HISTORY:
            return "an older version wrote it; start the daemon of this one first"
        return ""

    def _error(self, why: str) -> StoreError:
        return StoreError(f"cannot read {self.path}: {why}")
