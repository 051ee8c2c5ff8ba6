"""The system bus, shared by all units: one connection, kept up, and everybody kept current."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

import structlog

from watchdog.control.connection import (
    CALL_TIMEOUT,
    DISCONNECTED,
    MANAGER,
    OPEN_TIMEOUT,
    PEER,
    Connection,
    Target,
)
from watchdog.control.routes import Routes
from watchdog.errors import BusError

if TYPE_CHECKING:
    from dbus_fast import Message, Variant

log = structlog.get_logger()

BACKOFF_FIRST = 0.05
BACKOFF_MAX = 5.0
"""Seconds between two attempts to connect, doubling; a connection that held begins anew."""

PING_EVERY = 30.0
"""Seconds. A bus whose systemd hangs is as good as none."""

SYNCS_AT_ONCE = 8
"""So few that restarts have most of the calls in flight, and the loop is never held up long."""

JOURNALS_AT_ONCE = 4

_SYNC_RETRY = 1.0
_SLACK = 10.0


class Follower(Protocol):
    """A unit that the bus keeps current."""

    async def sync(self) -> None:
        """Take a snapshot. Raises BusError."""
        ...

    async def settle(self) -> None:
        """Do what nobody waits for. Raises BusError."""
        ...

    def take_properties(self, changed: Mapping[str, Variant]) -> None:
        """Take a PropertiesChanged signal."""
        ...

    def take_job_removed(self, job: int, result: str) -> None:
        """Take the end of a job of the unit."""
        ...

    def take_loss(self) -> None:
        """Know that signals may be missing from here to the next snapshot."""
        ...


class SystemBus:
    """An async context manager; entering waits for the first attempt to connect, not for success.

    It connects again by itself, and takes fresh snapshots whenever something may have been missed:
    after a new connection, a daemon-reload and a daemon-reexec.
    """

    def __init__(
        self,
        address: str = "",
        *,
        ping_every: float = PING_EVERY,
        call_timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._address = address  # empty: DBUS_SYSTEM_BUS_ADDRESS, or the well-known place
        self._ping_every = ping_every
        self._call_timeout = call_timeout
        self._connection: Connection | None = None
        self._units: set[Follower] = set()
        self._routes = Routes[Follower]()
        self._stale: set[Follower] = set()
        self._unsettled: set[Follower] = set()
        self._bell = asyncio.Event()  # the keeper has something to do
        self._settler_bell = asyncio.Event()
        self._tried = asyncio.Event()
        self._up = asyncio.Event()
        self._reason = "not connected yet"
        self.journal_turn = asyncio.Semaphore(JOURNALS_AT_ONCE)
        """For units that read the journal: a host may have many, and each is a process."""
        self._expected = 0.0  # mono: when the keeper must have moved at the latest
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def __aenter__(self) -> Self:
        self._tasks = (
            asyncio.create_task(self._keep(), name="bus"),
            asyncio.create_task(self._settle_units(), name="bus-settler"),
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
        return self._up.is_set()

    @property
    def trouble(self) -> str:
        """Say why systemd cannot be asked; empty if it can."""
        return "" if self.connected else f"cannot ask systemd: {self._reason}; trying again"

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
        """Return the body of the reply; *on_reply* gets it before any later signal is taken.

        Raises BusError, after the call's timeout at the latest.
        """
        if self._connection is None or not self.connected:
            raise BusError(self._reason, DISCONNECTED)
        return await self._connection.call(member, signature, body, on_reply, to=to)

    # --- units ----------------------------------------------------------------------------------

    async def follow(self, unit: Follower) -> None:
        """Keep *unit* current from now on; with a first snapshot, if systemd can be asked."""
        self._units.add(unit)
        try:
            await self._sync(unit)
        except BusError:
            self._stale.add(unit)
            self._bell.set()
        except BaseException:
            self.forget(unit)
            raise

    def forget(self, unit: Follower) -> None:
        """Send *unit* nothing any more."""
        for units in (self._units, self._stale, self._unsettled):
            units.discard(unit)
        self._routes.drop(unit)

    def route(self, unit: Follower, path: str, name: str) -> None:
        """Send *unit* what concerns the object *path*, and the jobs of the unit called *name*."""
        if unit in self._units:
            self._routes.put(unit, path, name)

    def remind(self, unit: Follower) -> None:
        """Have *unit* settle soon."""
        if unit in self._units:
            self._unsettled.add(unit)
            self._settler_bell.set()

    async def _sync(self, unit: Follower) -> None:
        await unit.sync()
        self.remind(unit)

    # --- keeping the connection -----------------------------------------------------------------

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
            on_signal=self._take,
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
        """Subscribe to a systemd not known yet, and bring stale units up to date."""
        owner = connection.owner
        if owner and not self.connected:
            self._expect(self._call_timeout)
            await connection.subscribe()
            if connection.owner == owner:
                self._stale |= self._units
                self._reason = "the connection is lost"
                self._up.set()
        failed: set[Follower] = set()
        await asyncio.gather(*(self._sync_stale(failed) for _ in range(SYNCS_AT_ONCE)))
        self._stale |= failed & self._units

    async def _pause(self, connection: Connection) -> None:
        """Return at the next cause to catch up; after a while without one, ask if systemd lives."""
        pause = _SYNC_RETRY if self._stale else self._ping_every
        self._expect(pause)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._bell.wait()
                return
        self._expect(self._call_timeout)
        await connection.call("Ping", to=PEER)

    async def _sync_stale(self, failed: set[Follower]) -> None:
        while self._stale and self.connected:
            unit = self._stale.pop()
            self._expect(2 * self._call_timeout)
            try:
                await self._sync(unit)
            except BusError:
                failed.add(unit)

    async def _settle_units(self) -> None:
        """Let units do what nobody waits for, one after the other."""
        told = False
        while True:
            await self._settler_bell.wait()
            self._settler_bell.clear()
            while self._unsettled:
                try:
                    await self._unsettled.pop().settle()
                except BusError as error:
                    # The next snapshot brings the unit here again.
                    if not told and error.name != DISCONNECTED:
                        told = True
                        log.info("systemd may forget stopped units; going on", reason=str(error))

    def _expect(self, seconds: float) -> None:
        self._expected = time.monotonic() + seconds + _SLACK

    # --- signals --------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        units = self._routes.at(message.path or "")
        if units:
            for unit in units:
                unit.take_properties(message.body[1])
        elif message.member == "JobRemoved":
            job, _, name, result = message.body
            for unit in self._routes.named(name):
                unit.take_job_removed(job, result)
        elif message.member == "Reloading" and not message.body[0]:
            # Signals went on meanwhile: the units are not stale in what matters, but their
            # settings may have changed.
            self._stale |= self._units
            self._bell.set()

    def _take_owner(self) -> None:
        """Know that systemd has come, has gone or, at a daemon-reexec, has a new name."""
        self._lose()
        self._reason = "systemd has left the bus"
        self._bell.set()

    def _lose(self) -> None:
        self._up.clear()
        for unit in self._units:
            unit.take_loss()
