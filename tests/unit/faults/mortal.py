"""Runs the real daemon, again whenever it dies as systemd would, and kills it at a chosen point.

Points are what is done to the world: each COMMIT, before and after it; each connection to who is
told, each start of a process, each signal and each file renamed, before it. What a receiver has
taken is the receiver's to count.

As a program it reads orders from standard input, and forks for each, so that imports are paid once.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from watchdog.app import daemon
from watchdog.store.sqlite import SqliteStore

LATE = (
    *("watchdog.control.process", "watchdog.host_watch", "watchdog.notify.webhook_wire"),
    *("watchdog.probes.http", "watchdog.probes.listeners", "watchdog.words.en"),
    *("watchdog.evidence.host", "watchdog.evidence.logfile", "watchdog.evidence.process"),
    *("encodings.idna", "encodings.utf_8_sig", "psutil"),
)
"""What the daemon imports when it needs it; here once for all lives."""

DONE_TO_THE_WORLD = {"subprocess.Popen", "os.kill", "os.killpg", "os.rename"}

OVER = """
    SELECT EXISTS (SELECT 1 FROM incident WHERE closed IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM incident WHERE closed IS NULL)
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE status = 'pending')
"""
"""Whether the story has come to its end: what failed is well again, and everybody was told."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which daemon to run, and where it dies."""

    config: str
    tidings: str
    """A socket that is told of each life ("PID") and, by its end, of the last one's."""
    told_at: int
    """The port of who is told."""
    point: int
    """At which point of a life to die; 0: at none."""
    lives: int
    """How many lives, from the first on, end there."""


class Fate:
    """Counts the points of this life, and ends it at *point* as kill -9 does."""

    def __init__(self, point: int) -> None:
        self._left = point

    def point(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connection(self) -> type[sqlite3.Connection]:
        """Return a class of connections that may not outlive a COMMIT."""
        fate = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                if sql != "COMMIT":
                    return super().execute(sql, *parameters)
                fate.point()
                cursor = super().execute(sql)
                fate.point()
                if _is_over(super().execute):
                    os.kill(os.getpid(), signal.SIGTERM)
                return cursor

        return Connection

    def watch(self, told_at: int) -> None:
        """Count what is done to the world from now on; there is no way back."""

        def done(event: str, arguments: tuple[Any, ...]) -> None:
            connects = event == "socket.connect" and _port(arguments[1]) == told_at
            if connects or (event in DONE_TO_THE_WORLD and self._left > 0):
                self.point()

        sys.addaudithook(done)


def _is_over(execute: Callable[[str], sqlite3.Cursor]) -> bool:
    try:
        return bool(execute(OVER).fetchone()[0])
    except sqlite3.OperationalError:
        return False  # the tables are being made


def _port(address: object) -> object:
    return address[1] if isinstance(address, tuple) else None


def live(order: Order, point: int) -> None:
    """Be the daemon, to its end."""
    fate = Fate(point)
    if point:
        fate.watch(order.told_at)
    vars(daemon)["SqliteStore"] = partial(SqliteStore, factory=fate.connection())
    daemon.run(Path(order.config))


def supervise(order: Order) -> None:
    """Run the daemon until it ends in order, and tell of each life."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    tidings = socket.socket(socket.AF_UNIX)
    tidings.connect(order.tidings)
    lived, status = 0, signal.SIGKILL.value
    while status == signal.SIGKILL:
        lived += 1
        pid = os.fork()
        if pid == 0:
            tidings.close()
            _be(partial(live, order, order.point if lived <= order.lives else 0))
        tidings.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
    tidings.sendall(f"ended {status}\n".encode())


def _be(life: Callable[[], None]) -> None:
    code = 1
    try:
        life()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()  # so that no life has to copy what none changes
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a supervisor
    for line in sys.stdin:
        if os.fork() == 0:
            _be(partial(supervise, Order(**json.loads(line))))


if __name__ == "__main__":
    main()
