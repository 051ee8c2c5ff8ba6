"""A store that always takes what it is given: on the disk if that can be, else in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from watchdog.core.model import (
    Alert,
    AlertKind,
    Now,
)
from watchdog.core.telling import Notice
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Change, Delivery, Left, Receipt, Told
from watchdog.store.encode import decode_lines, encode, newest
from watchdog.store.entry import Entry, Result, key_of
from watchdog.store.files import check_directory
from watchdog.store.history import Life, Row
from watchdog.store.memory import Memory
from watchdog.store.patient import Patient
from watchdog.store.read import Backlog, PastIncident, PastRestart
from watchdog.store.sqlite import SqliteStore
from watchdog.store.story import Story
from watchdog.store.tally import Tally

_T = TypeVar("_T")


class DurableStore:
    """SqliteStore with a memory for the time when the disk fails. Implements ports.Store.

    Writing never raises. What the disk refuses, or does not take within *patience* seconds, stays
    in memory and is written, in order and in one go with what comes next, as soon as that works;
    changes that come while a write is under way share the next one. Alerts are delivered from
    memory meanwhile, and what was delivered is written down as delivered later.

    Memory is bounded (memory.MAX_ENTRIES, MAX_LETTERS): each service's newest state and 5,000
    letters are kept, history is let go first. It dies with the daemon; ``trouble`` says for how
    much that matters.

    If even reading fails, ``load`` knows nothing, evidence is missing, and the alerts that only the
    disk has wait until it can be read again: those in memory are then sent before them.
    """

    def __init__(
        self, sqlite: SqliteStore, patience: float = 5.0, memory: Memory | None = None
    ) -> None:
        self.tally = Tally()
        self.troubled = asyncio.Event()  # set for as long as there is trouble
        self._sqlite = sqlite
        self._disk = Patient(sqlite.path, patience, self.retry)
        self._memory = memory if memory is not None else Memory()
        self._writing = asyncio.Lock()
        self._failure = ""
        self._watchers: list[Callable[[], None]] = []
        self._told: tuple[str, int] = ("", 0)

    async def __aenter__(self) -> Self:
        """Open the database; a disk that fails is trouble, a missing directory a StoreError."""
        check_directory(self._sqlite.path)
        try:
            await self._disk.answer(self._sqlite.check(probe=True))
        except StoreError as exc:
            self._fail(exc)
        self._tell()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._disk.stop()
        await self._flush()
        try:
            await self._disk.answer(self._sqlite.close())
        except StoreError as exc:
            self._fail(exc)

    # --- what is wrong, and who wants to know ---------------------------------------------------

    @property
    def path(self) -> Path:
        """Return where the database is."""
        return self._sqlite.path

    @property
    def trouble(self) -> str:
        """What is wrong and what it means, in words; empty: nothing."""
        if not self._failure:
            return self._sqlite.trouble
        lost = f"; {n} alerts were lost for want of memory" if (n := self._memory.lost) else ""
        return f"{self._failure}{lost}"

    @property
    def notices(self) -> Sequence[Notice]:
        """What has happened to the database and people should know; oldest first."""
        return self._sqlite.notices

    def take_notices(self) -> Sequence[Notice]:
        """Return the notices and forget them."""
        taken = self._sqlite.take_notices()
        self._told = self._told[0], len(self.notices)
        return taken

    def watch(self, callback: Callable[[], None]) -> None:
        """Call *callback*, on the loop's thread, when ``trouble`` or ``notices`` has changed."""
        self._watchers.append(callback)

    def subscribe(self, destination: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback*, on the loop's thread, when there is something new for *destination*.

        It is durable by then, or known not to become so soon. Returns a function that ends this.
        """
        return self._sqlite.subscribe(destination, callback)

    # --- state ----------------------------------------------------------------------------------

    async def load(self, now: Now) -> Mapping[str, Left]:
        """Return what is known of each service; only memory if the database cannot be read."""
        return self._memory.over(await self._read(self._sqlite.load(now), {}))

    async def commit(self, change: Change) -> None:
        """Write *change* durably, or keep it until that is possible. Never raises StoreError."""
        self.tally.change(change)
        await self._keep(self._sqlite.register.enter(change))

    async def post(self, alerts: Sequence[Alert], destinations: Sequence[str], now: Now) -> None:
        """Put *alerts* that no step has brought about into the outbox: tests, notices."""
        addressed = [Addressed(alert, destinations) for alert in alerts]
        await self._keep(self._sqlite.register.address(addressed, now))

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run.

        What the disk cannot tell counts as such.
        """
        keys = {
            (name, destination): key_of(name, destination)
            for name, each in named.items()
            for destination in each.destinations
        }
        there = {*await self._read(self._sqlite.known(keys.values()), ()), *self._memory.keys}
        return {
            name: Addressed(
                each.alert, [to for to in each.destinations if keys[name, to] not in there]
            )
            for name, each in named.items()
        }

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox; under its name it is there once and for all."""
        await self._keep(self._sqlite.register.address_once(named, now))

    async def told(self) -> Mapping[str, Collection[str]]:
        """Return the destinations of each incident whose end has not been told."""
        return await self._read(self._sqlite.told(), {})

    async def addressed(self, delivery: Delivery) -> Collection[str]:
        """Return where the alert of *delivery* was addressed when it was made."""
        on_disk = await self._read(self._sqlite.addressed(delivery), ())
        return {*on_disk, *self._memory.addressed(delivery)}

    async def about(self, incidents: Collection[str]) -> Sequence[Addressed]:
        """Return all alerts of *incidents* in their order; empty: of what belongs to none.

        Each with its destination, or with none where it was set aside. Raises StoreError.
        """
        in_memory = self._memory.about(incidents)  # first: it may be on the disk a moment later
        return [
            *await self._disk.answer(self._sqlite.about(incidents, self._memory.dead)),
            *in_memory,
        ]

    # --- outbox ---------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """Return how many letters are due that only memory has."""
        return sum(map(len, self._memory.waiting().values()))

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        """Return the *limit* oldest alerts due at *destination*, the disk's before memory's.

        An alert that only memory has comes with a negative id, and keeps its key on the disk.
        """
        return self._with_memory(
            destination,
            await self._read(self._sqlite.due(destination, limit, self._memory.finished), ()),
            limit,
        )

    async def left_behind(self, configured: Collection[str]) -> Sequence[Delivery]:
        """Return what is due at destinations that are not *configured*. Raises StoreError.

        In the order in which they came, whatever the clock said. Unlike ``due`` it says so if the
        disk does not.
        """
        found: list[Delivery] = []
        on_disk = await self._disk.answer(self._sqlite.outbox_summary())
        in_memory = self._memory.waiting()
        for name in sorted({*on_disk, *in_memory} - set(configured)):
            limit = on_disk.get(name, Backlog()).pending + len(in_memory.get(name, ()))
            if limit:
                due = self._sqlite.due(name, limit, self._memory.finished)
                found += self._with_memory(name, await self._disk.answer(due), limit)
        return sorted(found, key=lambda delivery: (delivery.id < 0, abs(delivery.id)))

    def _with_memory(
        self, destination: str, found: Sequence[Delivery], limit: int
    ) -> Sequence[Delivery]:
        known = {delivery.key for delivery in found}
        rest = [each for each in self._memory.due(destination) if each.key not in known]
        return [self._memory.as_tried(delivery) for delivery in [*found, *rest][:limit]]

    async def delivered(
        self, deliveries: Sequence[Delivery], receipt: Receipt, wall: float
    ) -> None:
        """Write down that *deliveries* have arrived; from here on none is ever due again."""
        self.tally.tried(deliveries, "delivered")
        await self._record(*(Result.delivered(each, receipt, wall) for each in deliveries))

    async def progressed(self, deliveries: Sequence[Delivery], wall: float) -> None:
        """Write down by their receipts how far *deliveries* have come; they stay due."""
        await self._record(*(Result.progressed(each, wall) for each in deliveries))

    async def attempt_failed(
        self, deliveries: Sequence[Delivery], reason: str, wall: float
    ) -> None:
        """Write down a failed try; the deliveries stay due."""
        self.tally.tried(deliveries, "failed")
        await self._record(*(Result.failed(each, reason, wall) for each in deliveries))

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        """Set *delivery* aside as a dead letter."""
        self.tally.tried([delivery], "rejected")
        await self._record(Result.rejected(delivery, reason, wall))

    async def standing(self, destination: str) -> Sequence[Alert]:
        """Return the alerts that *destination* has taken and that were not resolved there.

        Raises StoreError.
        """
        return await self._disk.answer(self._sqlite.standing(destination))

    async def missed_ends(self, destination: str, dropped: str) -> Sequence[tuple[Alert, int]]:
        """Return the ends of incidents that *destination* is told of, where they went elsewhere.

        Each with how often it was set aside there because of *dropped*. Raises StoreError.
        """
        found = await self._disk.answer(self._sqlite.missed_ends(destination, dropped))
        waiting = {
            each.alert.incident
            for each in self._memory.about({alert.incident for alert, _ in found})
            if each.alert.kind is AlertKind.RESOLVED and destination in each.destinations
        }
        return [(alert, times) for alert, times in found if alert.incident not in waiting]

    async def conversations(self, destination: str) -> Sequence[Told]:
        """Return what was told in messages at *destination* of which an incident is open.

        Raises StoreError.
        """
        return await self._disk.answer(self._sqlite.conversations(destination))

    async def outbox_summary(self) -> Mapping[str, Backlog]:
        """Return how far behind each destination is that has something pending or dead."""
        summary = dict(await self._read(self._sqlite.outbox_summary(), {}))
        for destination, deliveries in self._memory.waiting().items():
            known = summary.get(destination, Backlog())
            oldest = known.oldest if known.oldest is not None else deliveries[0].alert.wall
            summary[destination] = replace(
                known, pending=known.pending + len(deliveries), oldest=oldest
            )
        return summary

    # --- ledger ---------------------------------------------------------------------------------

    async def save_evidence(self, incident: str, lines: Sequence[str]) -> None:
        """Keep *lines* as the newest evidence of *incident*; the last 64 Ki characters of them."""
        self._memory.keep_evidence(incident, encode(newest(lines)))
        await self._flush()

    async def evidence(self, incident: str) -> Sequence[str]:
        """Return the newest evidence of *incident*, oldest line first; none if it is unreadable."""
        kept = self._memory.evidence(incident)
        if kept is not None:
            return decode_lines(kept)
        return await self._read(self._sqlite.evidence(incident), ())

    async def incidents(
        self, limit: int, service: str = "", since: float = 0.0
    ) -> Sequence[PastIncident]:
        """Return the newest incidents from *since* (wall) on. Raises StoreError."""
        return await self._disk.answer(self._sqlite.incidents(limit, service, since))

    async def incident(self, incident_id: str) -> PastIncident | None:
        """Return an incident with its timeline and evidence. Raises StoreError."""
        return await self._disk.answer(self._sqlite.incident(incident_id))

    async def story(self, wanted: str) -> Story:
        """Return all about the incident whose id begins with *wanted*. Raises StoreError."""
        return await self._disk.answer(self._sqlite.story(wanted))

    async def history(self, service: str, after: int, limit: int) -> Sequence[Row]:
        """Return the next *limit* rows of history after number *after*. Raises StoreError."""
        return await self._disk.answer(self._sqlite.history(service, after, limit))

    async def lives(self) -> Sequence[Life]:
        """Return the runs of the daemon, oldest first. Raises StoreError."""
        return await self._disk.answer(self._sqlite.lives())

    async def life(self) -> int:
        """Return the number of this run of the daemon. Raises StoreError."""
        return await self._disk.answer(self._sqlite.life())

    async def restarts(self, service: str, since: float) -> Sequence[PastRestart]:
        """Return the restarts of *service* from *since* (wall) on. Raises StoreError."""
        return await self._disk.answer(self._sqlite.restarts(service, since))

    # --- housekeeping ---------------------------------------------------------------------------

    async def retry(self) -> None:
        """Look after the files, and write what memory holds; to be called every minute or so."""
        try:
            await self._disk.answer(self._sqlite.check(probe=bool(self._failure)))
        except StoreError as exc:
            self._fail(exc)
            return
        self._failure = ""
        await self._flush()
        self._tell()

    async def prune(self, now: Now) -> None:
        """Delete what is too old or too much, and note that we live; to be called now and then."""
        try:
            await self._disk.answer(self._sqlite.note_alive(now))
            while await self._disk.answer(self._sqlite.prune_some(now)):
                pass
        except StoreError as exc:
            self._fail(exc)

    # --- the way to the disk --------------------------------------------------------------------

    async def _keep(self, entry: Entry) -> None:
        self._memory.add(entry)
        await self._flush()
        if entry in self._memory:
            self._sqlite.wake({letter.destination for letter in entry.letters})

    async def _record(self, *results: Result) -> None:
        for result in results:
            self._memory.record(result)
        await self._flush()

    async def _flush(self) -> None:
        """Write all that memory holds; what cannot be written stays."""
        async with self._writing:
            while self._memory:
                batch = self._memory.batch()
                try:
                    await self._disk.answer(self._sqlite.write(batch))
                except StoreError as exc:
                    self._fail(exc)
                    return
                self._memory.written(batch)
                self._failure = ""
        self._tell()

    async def _read(self, query: Coroutine[Any, Any, _T], otherwise: _T) -> _T:
        try:
            return await self._disk.answer(query)
        except StoreError as exc:
            self._fail(exc)
            return otherwise

    def _fail(self, exc: StoreError) -> None:
        problem = str(exc).rpartition("; ")[0]
        cause = exc.__cause__
        is_full = isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode == sqlite3.SQLITE_FULL
        until = "there is room" if is_full else "that works again"
        self._failure = f"{problem}; alerts are sent from memory until {until}"
        self._tell()

    def _tell(self) -> None:
        """Call the watchers if there is something that they have not been told of."""
        present = self.trouble, len(self.notices)
        if present[0]:
            self.troubled.set()
        else:
            self.troubled.clear()
        if present != self._told:
            self._told = present
            for callback in self._watchers:
                callback()
