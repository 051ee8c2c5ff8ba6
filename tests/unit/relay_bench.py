"""What relay tests share: an outbox in memory, channels that do as told, and a clock between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC

from tests.unit.clock import FakeClock
from watchdog.core.model import (
    Alert,
    AlertKind,
    Now,
)
from watchdog.errors import StoreError, TemporaryDeliveryError
from watchdog.ports import Change, Delivery, Left, Message, Notifier, Receipt
from watchdog.relay import Pace, Relay
from watchdog.words.choosing import words_in

OFFLINE = TemporaryDeliveryError("cannot reach Slack: no route to host")


class Outbox:
    """A store in memory; ``broken`` names what fails, and how many times."""

    def __init__(self) -> None:
        self.rows: list[Delivery] = []
        self.done: list[tuple[int, Receipt, float]] = []
        self.dead: list[tuple[int, str]] = []
        self.tries: list[tuple[int, str]] = []
        self.lines: dict[str, Sequence[str]] = {}
        self.broken: dict[str, int] = {}
        self.stuck = False  # reading never ends
        self.grown: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Condition()

    def add(self, alert: Alert, destination: str = "slack") -> None:
        number = len(self.rows) + len(self.done) + len(self.dead) + 1
        self.rows.append(Delivery(number, destination, alert, f"key-{number}"))
        self.event(destination).set()

    def event(self, destination: str) -> asyncio.Event:
        return self.grown.setdefault(destination, asyncio.Event())

    def fail_if_broken(self, what: str) -> None:
        if self.broken.get(what, 0):
            self.broken[what] -= 1
            raise StoreError(f"cannot {what}: the disk is full")

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        self.fail_if_broken("read")
        if self.stuck:
            await asyncio.Event().wait()
        return [row for row in self.rows if row.destination == destination][:limit]

    async def delivered(
        self, deliveries: Sequence[Delivery], receipt: Receipt, wall: float
    ) -> None:
        self.fail_if_broken("write")
        for delivery in deliveries:
            self.remove(delivery)
            self.done.append((delivery.id, receipt, wall))
        await self.note_change()

    async def attempt_failed(
        self, deliveries: Sequence[Delivery], reason: str, wall: float
    ) -> None:
        self.fail_if_broken("write")
        for delivery in deliveries:
            self.tries.append((delivery.id, reason))
            place = [row.id for row in self.rows].index(delivery.id)
            self.rows[place] = replace(delivery, attempts=delivery.attempts + 1)
        await self.note_change()

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        self.fail_if_broken("write")
        self.remove(delivery)
        self.dead.append((delivery.id, reason))

    async def wait_until_tried(self, count: int) -> None:
        """Return once *count* tries have failed; for what a network has a part in."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: len(self.tries) >= count)

    async def wait_until_done(self, count: int) -> None:
        """Return once *count* alerts have been delivered."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: len(self.done) >= count)

    async def note_change(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def remove(self, delivery: Delivery) -> None:
        self.rows = [row for row in self.rows if row.id != delivery.id]

    async def evidence(self, incident: str) -> Sequence[str]:
        self.fail_if_broken("read evidence")
        return self.lines.get(incident, ())

    async def save_evidence(self, incident: str, lines: Sequence[str]) -> None:
        self.lines[incident] = lines

    async def load(self, now: Now) -> dict[str, Left]:
        raise NotImplementedError

    async def commit(self, change: Change) -> None:
        raise NotImplementedError


Outcome = Exception | Receipt | Callable[[], Awaitable[Receipt]]


class Channel:
    """A notifier that answers as told, and well when it was told nothing."""

    def __init__(self, clock: FakeClock, *outcomes: Outcome) -> None:
        self.clock = clock
        self.outcomes = deque(outcomes)
        self.otherwise: Outcome = Receipt({"ts": "1"})
        self.sent: list[tuple[float, str, Message]] = []
        self.closed = False

    @property
    def keys(self) -> list[str]:
        return [key for _, key, _ in self.sent]

    @property
    def times(self) -> list[float]:
        """Seconds since the test began, of each try."""
        return [round(mono - 1000.0, 6) for mono, _, _ in self.sent]

    async def prepare(self) -> None:
        raise RuntimeError("xoxb-secret")

    async def send(self, message: Message, key: str) -> Receipt:
        self.sent.append((self.clock.mono, key, message))
        outcome = self.outcomes.popleft() if self.outcomes else self.otherwise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Receipt) else await outcome()

    async def close(self) -> None:
        self.closed = True


async def hang() -> Receipt:
    await asyncio.Event().wait()
    raise NotImplementedError


async def nothing(_incident: str = "") -> None:
    await asyncio.sleep(0)


@dataclass
class Bench:
    """An outbox, a clock, and relays between them."""

    clock: FakeClock = field(default_factory=FakeClock)
    outbox: Outbox = field(default_factory=Outbox)
    gathering: Callable[[str], Awaitable[None]] = nothing
    chance: float = 1.0

    def alert(self, incident: str = "k3f9qa", kind: AlertKind = AlertKind.FIRING) -> Alert:
        wall = self.clock.wall
        return Alert(kind, "api", wall, "it broke", incident=incident, opened=wall)

    def relay(
        self, channel: Notifier, destination: str = "slack", pace: Pace | None = None
    ) -> Relay:
        grown = self.outbox.event(destination)

        async def wait() -> None:
            await grown.wait()
            grown.clear()

        return Relay(
            destination,
            channel,
            self.outbox,
            self.clock,
            wait,
            self.gathering,
            "web-1",
            UTC,
            words_in("en"),
            pace or Pace(),
            lambda: self.chance,
        )

    @asynccontextmanager
    async def running(self, *relays: Relay) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(relay.run()) for relay in relays]
        try:
            await self.clock.settle()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert all(task.cancelled() for task in tasks)
