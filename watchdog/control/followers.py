"""The units that the bus keeps current: who hears what, and who has to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from watchdog.control.routes import Routes
from watchdog.control.systemd_names import DISCONNECTED, NO_REPLY, NONSENSE
from watchdog.errors import BusError

if TYPE_CHECKING:
    from dbus_fast import Message, Variant

log = structlog.get_logger()

FIRST_AT_ONCE = 32
"""First snapshots under way: so few that a systemd which does not answer is found out by these
alone, and the thousands that wait their turn need not try."""

UPDATES_AT_ONCE = 8
"""So few that restarts have most of the calls in flight, and the loop is never held up long."""


REFERENCES = 100
"""Units that systemd is asked to keep in memory (RefUnit), the first of the configuration.

For each systemd adds a match rule on its own connection, and dbus-daemon allows 512
(max_match_rules_per_connection, dbus-daemon(1)); at the next one systemd drops its connection and
is gone from the bus for everybody. Without a reference only the details of how a unit ended are
forgotten early; its state is known from signals all the same.
"""


class Follower(Protocol):
    """A unit that the bus keeps current."""

    async def sync(self) -> None:
        """Take a snapshot. Raises BusError."""
        ...

    async def refresh(self) -> None:
        """Learn what a daemon-reload may have changed. Raises BusError."""
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


class Followers:
    """All units of one bus; *on_work* is called when ``update`` has something to do."""

    def __init__(self, on_work: Callable[[], None]) -> None:
        self._on_work = on_work
        self._units: set[Follower] = set()
        self._routes = Routes[Follower]()
        self._stale: set[Follower] = set()  # signals may have been missed
        self._reloaded: set[Follower] = set()  # settings may have changed
        self._unsettled: set[Follower] = set()
        self._settler_bell = asyncio.Event()
        self._references = 0
        self._turns = asyncio.Semaphore(FIRST_AT_ONCE)

    async def add(self, unit: Follower) -> None:
        """Keep *unit* current from now on; with a first snapshot, if systemd can be asked."""
        self._units.add(unit)
        try:
            async with self._turns:
                # That systemd does not answer need not be found out by everybody.
                is_silent = bool(self._stale)
                if not is_silent:
                    await self._sync(unit)
        except BusError:
            is_silent = True
        except BaseException:
            self.remove(unit)
            raise
        if is_silent:
            self._stale.add(unit)
            self._on_work()

    def remove(self, unit: Follower) -> None:
        """Send *unit* nothing any more."""
        for units in (self._units, self._stale, self._reloaded, self._unsettled):
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

    def take_reference(self) -> bool:
        """Tell whether one more unit may be kept in memory, and count it."""
        if self._references == REFERENCES:
            return False
        self._references += 1
        return True

    # --- what the bus tells ---------------------------------------------------------------------

    def take(self, message: Message) -> None:
        """Hand a signal of systemd's to whom it concerns; it costs next to nothing otherwise."""
        units = self._routes.at(message.path or "")
        try:
            self._hand(message, units)
        except NONSENSE as error:
            # What it should have told is asked for.
            log.warning(
                "systemd sends what makes no sense", signal=message.member, what=repr(error)
            )
            for unit in units or tuple(self._units):
                unit.take_loss()
                self._stale.add(unit)
            self._on_work()

    def _hand(self, message: Message, units: Sequence[Follower]) -> None:
        if units:
            for unit in units:
                unit.take_properties(message.body[1])
        elif message.member == "JobRemoved":
            job, _, name, result = message.body
            for unit in self._routes.named(name):
                unit.take_job_removed(job, result)
        elif message.member == "Reloading" and not message.body[0]:
            self._reloaded |= self._units
            self._on_work()

    def take_loss(self) -> None:
        """Know that signals may be missing from here on."""
        self._stale |= self._units
        self._references = 0  # they end with the connection
        for unit in tuple(self._units):
            unit.take_loss()

    # --- catching up ----------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """Tell whether ``update`` has something to do, or to try again."""
        return bool(self._stale or self._reloaded)

    async def update(self, is_possible: Callable[[], bool], on_step: Callable[[], None]) -> None:
        """Bring everybody up to date while *is_possible*; *on_step* is called before each.

        Who does not answer ends it: thousands that wait for no answer, a few at a time, would keep
        the bus for hours from finding out that systemd hangs.
        """
        failed: set[Follower] = set()
        silent = asyncio.Event()

        async def work() -> None:
            while self.has_work and is_possible() and not silent.is_set():
                on_step()
                is_stale = bool(self._stale)
                unit = (self._stale or self._reloaded).pop()
                self._reloaded.discard(unit)
                try:
                    await (self._sync(unit) if is_stale else unit.refresh())
                except BusError as error:
                    failed.add(unit)
                    if error.name == NO_REPLY:
                        silent.set()

        await asyncio.gather(*(work() for _ in range(UPDATES_AT_ONCE)))
        self._stale |= failed & self._units

    async def settle(self) -> None:
        """Let units do what nobody waits for, one after the other, for ever."""
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

    async def _sync(self, unit: Follower) -> None:
        await unit.sync()
        self.remind(unit)
