"""The durable store: sqlite3 on one thread of its own, behind asyncio."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from watchdog.core.model import (
    Alert,
    Now,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Change, Delivery, Left, Receipt, Told
from watchdog.store import ballast, read, retention
from watchdog.store.database import Database
from watchdog.store.encode import encode, newest
from watchdog.store.entry import Batch, Register, Result, Status
from watchdog.store.history import Life, Row, lives, number_of, rows, write_alive
from watchdog.store.opening import Opener
from watchdog.store.rebase import read_boot_id
from watchdog.store.story import Story, story
from watchdog.store.write import set_values, write

_P = ParamSpec("_P")
_T = TypeVar("_T")

MAX_SIZE = 64 * 1024 * 1024


class SqliteStore:
    """Durable state, ledger and outbox. Implements ports.Store; an async context manager.

    One Change costs one hop to the thread and one fsync. Every method may raise StoreError; what a
    cancelled caller had asked for is finished nevertheless.

    The file grows to *max_size* bytes at most; then the oldest history gives way. Alerts that are
    still due never do: if they alone fill it, writing fails, and DurableStore keeps what comes
    after in memory.
    """

    def __init__(
        self,
        path: Path,
        *,
        boot_id: str | None = None,
        wall: Callable[[], float] = time.time,
        max_size: int = MAX_SIZE,
        ballast_size: int = ballast.SIZE,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        lock_timeout: float = 2.0,
    ) -> None:
        self.path = path
        self.register = Register()
        self._boot_id = boot_id
        self._wall = wall
        reserve = ballast.Ballast(path.with_name(f"{path.name}.ballast"), ballast_size)
        self._database = Database(Opener(path, max_size, factory, lock_timeout), reserve, wall)
        self._executor: ThreadPoolExecutor | None = None
        self._callbacks: dict[str, list[Callable[[], None]]] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._call(self._database.open)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the database and end its thread; any later call opens it again."""
        executor = self._executor
        if executor is not None:
            await self._call(self._database.close)
            self._executor = None
            executor.shutdown(wait=False)

    # --- what is wrong, and who wants to know ---------------------------------------------------

    @property
    def trouble(self) -> str:
        """What is wrong and does not keep it from working; empty: nothing."""
        return self._database.trouble

    @property
    def notices(self) -> Sequence[Notice]:
        """What has happened to the database and people should know; oldest first."""
        return tuple(self._database.notices)

    def take_notices(self) -> Sequence[Notice]:
        """Return the notices and forget them."""
        taken = self.notices
        del self._database.notices[: len(taken)]
        return taken

    def subscribe(self, destination: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback*, on the loop's thread, when there is something new for *destination*.

        Returns a function that ends this.
        """
        callbacks = self._callbacks.setdefault(destination, [])
        callbacks.append(callback)
        return partial(callbacks.remove, callback)

    def wake(self, destinations: Collection[str]) -> None:
        """Call those who have subscribed to *destinations*."""
        for destination in destinations:
            for callback in tuple(self._callbacks.get(destination, ())):
                callback()

    # --- state ----------------------------------------------------------------------------------

    async def load(self, now: Now) -> Mapping[str, Left]:
        """Return what is known of each service; times rebased if the host has rebooted."""
        known, notices = await self._read(read.load, self._life(), now)
        self._database.notices += notices
        return known

    async def commit(self, change: Change) -> None:
        """Write *change* durably in one transaction."""
        await self.write(Batch((self.register.enter(change),)))

    async def post(self, alerts: Sequence[Alert], destinations: Sequence[str], now: Now) -> None:
        """Put *alerts* that no step has brought about into the outbox: tests, notices."""
        addressed = [Addressed(alert, destinations) for alert in alerts]
        await self.write(Batch((self.register.address(addressed, now),)))

    async def write(self, batch: Batch) -> None:
        """Write *batch* in one transaction; what is written already is not written again."""
        work = partial(write, batch=batch, boot_id=self._life(), wall=self._wall())
        await self._call(self._database.write, work)
        self.wake(batch.destinations)

    # --- outbox ---------------------------------------------------------------------------------

    async def due(
        self, destination: str, limit: int = 1, skip: Collection[str] = ()
    ) -> Sequence[Delivery]:
        """Return the *limit* oldest alerts due at *destination*, keys in *skip* left out.

        What cannot be understood becomes a dead letter, with a notice, and holds nothing up.
        """
        found, unreadable = await self._read(read.due, destination, skip, limit)
        if unreadable:
            wall = self._wall()
            dead = [
                Result(0, key, Status.DEAD, 0, wall, str(error))
                for key, error in unreadable.items()
            ]
            with suppress(StoreError):
                await self.write(Batch(results=dead))
                self._database.notices += [
                    Notice(
                        f"cannot deliver an alert to {destination}: {error}",
                        Circumstance(
                            CircumstanceKind.ALERT_UNREADABLE, read.reason_of(error), destination
                        ),
                    )
                    for error in unreadable.values()
                ]
        return found

    async def delivered(
        self, deliveries: Sequence[Delivery], receipt: Receipt, wall: float
    ) -> None:
        """Write down that *deliveries* have arrived, in one message."""
        results = [Result.delivered(delivery, receipt, wall) for delivery in deliveries]
        await self.write(Batch(results=results))

    async def progressed(self, deliveries: Sequence[Delivery], wall: float) -> None:
        """Write down by their receipts how far *deliveries* have come; they stay due."""
        results = [Result.progressed(delivery, wall) for delivery in deliveries]
        await self.write(Batch(results=results))

    async def attempt_failed(
        self, deliveries: Sequence[Delivery], reason: str, wall: float
    ) -> None:
        """Write down a failed try; the deliveries stay due."""
        results = [Result.failed(delivery, reason, wall) for delivery in deliveries]
        await self.write(Batch(results=results))

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        """Set *delivery* aside as a dead letter."""
        await self.write(Batch(results=(Result.rejected(delivery, reason, wall),)))

    async def standing(self, destination: str) -> Sequence[Alert]:
        """Return the alerts that *destination* was told of and that were not resolved there."""
        return await self._read(read.standing, destination)

    async def missed_ends(self, destination: str, dropped: str) -> Sequence[tuple[Alert, int]]:
        """Return the ends of incidents that *destination* is told of, where they went elsewhere."""
        return await self._read(read.missed_ends, destination, dropped)

    async def conversations(self, destination: str) -> Sequence[Told]:
        """Return what was told in messages at *destination* of which an incident is open."""
        return await self._read(read.conversations, destination)

    async def told(self) -> Mapping[str, Collection[str]]:
        """Return the destinations of each incident whose end has not been told."""
        return await self._read(read.told)

    async def known(self, keys: Collection[str]) -> Collection[str]:
        """Return those of *keys* that the outbox has, whatever became of them."""
        return await self._read(read.known, keys)

    async def about(
        self, incidents: Collection[str], dead: Collection[str] = ()
    ) -> Sequence[Addressed]:
        """Return all alerts of *incidents*; what was set aside, or is in *dead*, goes nowhere."""
        return await self._read(read.about, incidents, dead)

    async def addressed(self, delivery: Delivery) -> Collection[str]:
        """Return where the alert of *delivery* was addressed when it was made."""
        return await self._read(read.addressed, delivery)

    async def outbox_summary(self) -> Mapping[str, read.Backlog]:
        """Return how far behind each destination is that has something pending or dead."""
        return await self._read(read.outbox_summary)

    # --- ledger ---------------------------------------------------------------------------------

    async def save_evidence(self, incident: str, lines: Sequence[str]) -> None:
        """Keep *lines* as the newest evidence of *incident*; the last 64 Ki characters of them."""
        await self.write(Batch(evidence={incident: encode(newest(lines))}))

    async def evidence(self, incident: str) -> Sequence[str]:
        """Return the newest evidence of *incident*, oldest line first."""
        return await self._read(read.evidence, incident)

    async def incidents(
        self, limit: int, service: str = "", since: float = 0.0
    ) -> Sequence[read.PastIncident]:
        """Return the newest incidents from *since* (wall) on, without notes and evidence."""
        return await self._read(read.incidents, limit, service, since)

    async def incident(self, incident_id: str) -> read.PastIncident | None:
        """Return an incident with its timeline and evidence."""
        return await self._read(read.incident, incident_id)

    async def story(self, wanted: str) -> Story:
        """Return all about the incident whose id begins with *wanted*. Raises NotOnRecordError."""
        return await self._read(story, wanted)

    async def restarts(self, service: str, since: float) -> Sequence[read.PastRestart]:
        """Return the restarts of *service* from *since* (wall) on, oldest first."""
        return await self._read(read.restarts, service, since)

    async def history(self, service: str, after: int, limit: int) -> Sequence[Row]:
        """Return the next *limit* rows of history after number *after*, oldest first."""
        return await self._read(rows, service, after, limit)

    async def lives(self) -> Sequence[Life]:
        """Return the runs of the daemon that history knows of, oldest first."""
        return await self._read(lives)

    async def life(self) -> int:
        """Return the number of this run of the daemon; 0 if nothing was written in it."""
        return await self._read(number_of, self.register.run)

    # --- housekeeping ---------------------------------------------------------------------------

    async def check(self, *, probe: bool = False) -> None:
        """Make sure that the files are in place, and the reserve; with *probe* write something."""
        values = {"checked": f"{self._wall():.0f}"} if probe else {}
        await self._call(self._database.write, lambda connection: set_values(connection, values))
        await self._call(self._database.restock)

    async def note_alive(self, now: Now) -> None:
        """Write down that the daemon watches: if it is killed, its history ends here."""
        work = partial(write_alive, run=self.register.run, boot_id=self._life(), now=now)
        await self._call(self._database.write, work)

    async def prune(self, now: Now) -> None:
        """Delete what is too old or too much, in small transactions between the others."""
        while await self.prune_some(now):
            pass

    async def prune_some(self, now: Now) -> bool:
        """Delete a little of what is too old or too much; tell whether there may be more."""
        work = partial(retention.prune, wall=now.wall)
        return await self._call(self._database.write, work)

    # --- the thread -----------------------------------------------------------------------------

    def _life(self) -> str:
        if self._boot_id is None:
            self._boot_id = read_boot_id()
        return self._boot_id

    async def _read(self, query: Callable[..., _T], *args: object) -> _T:
        return await self._call(self._database.read, lambda connection: query(connection, *args))

    async def _call(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *args, **kwargs))
