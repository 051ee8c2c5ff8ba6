"""Connections that fail, or kill the process, at a chosen statement."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any


def failing(code: int, message: str) -> sqlite3.OperationalError:
    """Return the error as SQLite itself would raise it."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


class Disk:
    """Decides what becomes of each statement: ``before`` and ``after`` may raise."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def connection(self) -> type[sqlite3.Connection]:
        """Return a class of connections that live on this disk."""
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                disk.before(sql)
                cursor = super().execute(sql, *parameters)
                disk.statements.append(sql)
                disk.after(sql)
                return cursor

        return Connection

    def break_down(self, code: int = sqlite3.SQLITE_IOERR, message: str = "disk I/O error") -> None:
        """Let every statement fail from now on."""

        def fail(_: str) -> None:
            raise failing(code, message)

        self.before = fail

    def fill_up(self) -> None:
        """Let every statement that writes fail from now on; reading works."""

        def fail(sql: str) -> None:
            if sql.startswith(("INSERT", "UPDATE", "DELETE", "COMMIT")):
                raise failing(sqlite3.SQLITE_FULL, "database or disk is full")

        self.before = fail

    def recover(self) -> None:
        """Let everything work again."""
        self.before = self.after = lambda _: None

    def die_at(self, count: int) -> None:
        """End the process, as kill -9 does, at the *count*-th statement from now, half-steps too.

        An odd count ends it before a statement, an even one after it.
        """
        left = count

        def step(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(137)

        self.before = self.after = step
