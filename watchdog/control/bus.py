"""The system bus, shared by all units: one connection, kept up, and everybody kept current."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import structlog

from watchdog.control.connection import CALL_TIMEOUT, OPEN_TIMEOUT, Connection
from watchdog.control.followers import Followers
from watchdog.control.systemd_names import DISCONNECTED, MANAGER, PEER, Target
from watchdog.errors import BusError

log = structlog.get_logger()

BACKOFF_FIRST = 0.05
BACKOFF_MAX = 5.0
"""Seconds between two attempts to connect, doubling; a connection that held begins anew."""

PING_EVERY = 30.0
"""Seconds. A bus whose systemd hangs is as good as none."""

JOURNALS_AT_ONCE = 4

_UPDATE_RETRY = 1.0
_SLACK = 10.0


class SystemBus:
    """An async context manager; entering waits for the first attempt to connect, not for success.

    It connects again by itself, and takes fresh snapshots whenever something may have been missed:
    after a new connection and a daemon-reexec; settings are read again after a daemon-reload.
    """

    def __init__(
        self,
        address: str = "",
        *,
        ping_every: float = PING_EVERY,
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._bell = asyncio.Event()  # the keeper has something to do
        self.units = Followers(self._bell.set)
        self.journal_turn = asyncio.Semaphore(JOURNALS_AT_ONCE)
        """For units that read the journal: a host may have many, and each is a process."""
        self._address = address  # empty: DBUS_SYSTEM_BUS_ADDRESS, or the well-known place
        self._ping_every = ping_every
        self._call_timeout = call_timeout
        self._connection: Connection | None = None
        self._tried = asyncio.Event()
        self._is_up = False
        self._reason = "not connected yet"
        self._expected = 0.0  # mono: when the keeper must have moved at the latest
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def __aenter__(self) -> Self:
        self._tasks = (
            asyncio.create_task(self._keep(), name="bus"),
            asyncio.create_task(self.units.settle(), name="bus-settler"),
        )
        await self._tried.wait()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connected(self) -> bool:
        """Tell whether systemd can be asked."""
        return self._is_up

    @property
    def trouble(self) -> str:
        """Say why systemd cannot be asked; empty if it can."""
        return "" if self._is_up else f"cannot ask systemd: {self._reason}; trying again"

    def is_stuck(self, mono: float) -> bool:
        """Tell whether the one who keeps the connection should have moved by now and has not.

        A lost bus is no reason: it moves while it tries to connect.
        """
        return mono > self._expected

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        on_reply: Callable[[list[Any]], None] | None = None,
        *,
        to: Target = MANAGER,
    ) -> list[Any]:
        """Return the body of systemd's reply; *on_reply* gets it before any later signal is taken.

        Raises BusError, after the call's timeout at the latest.
        """
        if self._connection is None or not self._is_up:
            raise BusError(self._reason, DISCONNECTED)
        return await self._connection.call(member, signature, body, on_reply, to=to)

    async def _keep(self) -> None:
        delay = BACKOFF_FIRST
        while True:
            began = time.monotonic()
            try:
                self._reason = await self._live()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next connection may do
                self._reason = str(error) or type(error).__name__
            self._lose()
            held = time.monotonic() - began > BACKOFF_MAX
            if held or not self._tried.is_set():
                log.warning("cannot ask systemd; trying again", reason=self._reason)
            self._tried.set()
            delay = BACKOFF_FIRST if held else min(delay * 2, BACKOFF_MAX)
            self._expect(delay)
            await asyncio.sleep(delay)

    async def _live(self) -> str:
        """Keep one connection until it is lost; return the reason."""
        self._expect(OPEN_TIMEOUT)
        connection = self._connection = Connection(
            self._address,
            on_signal=self.units.take,
            on_owner=self._take_owner,
            on_lost=self._bell.set,
            call_timeout=self._call_timeout,
        )
        try:
            await connection.open()
            while not connection.lost:
                self._bell.clear()
                await self._catch_up(connection)
                self._tried.set()
                await self._pause(connection)
            return connection.lost
        finally:
            self._connection = None
            await connection.close()

    async def _catch_up(self, connection: Connection) -> None:
        """Subscribe to a systemd not known yet, and bring the units up to date."""
        owner = connection.owner
        if owner and not self._is_up:
            self._expect(self._call_timeout)
            await connection.subscribe()
            if connection.owner == owner:
                self._reason = "the connection is lost"
                self._is_up = True
        await self.units.update(lambda: self._is_up, lambda: self._expect(4 * self._call_timeout))

    async def _pause(self, connection: Connection) -> None:
        """Return at the next cause to catch up; after a while without one, ask if systemd lives."""
        pause = _UPDATE_RETRY if self._is_up and self.units.has_work else self._ping_every
        self._expect(pause)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._bell.wait()
                return
        self._expect(self._call_timeout)
        await connection.call("Ping", to=PEER, at_once=True)

    def _take_owner(self) -> None:
        """Know that systemd has come, has gone or, at a daemon-reexec, has a new name."""
        self._reason = "systemd has left the bus"
        self._lose()
        self._bell.set()

    def _lose(self) -> None:
        self._is_up = False
        self.units.take_loss()

    def _expect(self, seconds: float) -> None:
        self._expected = time.monotonic() + seconds + _SLACK
