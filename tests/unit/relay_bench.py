"""What relay tests share: an outbox in memory, channels that do as told, and a clock between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from tests.unit.clock import FakeClock
from watchdog.core.model import (
    Alert,
    AlertKind,
    Now,
)
from watchdog.core.telling import Measure, MeasureKind
from watchdog.errors import StoreError, TemporaryDeliveryError
from watchdog.ports import Change, Conversing, Delivery, Left, Message, Notifier, Receipt, Told
from watchdog.relay import Pace, Relay, Talk
from watchdog.words.choosing import words_in

RESTARTING = MeasureKind.RESTARTING
OFFLINE = TemporaryDeliveryError("cannot reach Slack: no route to host")


class Outbox:
    """A store in memory; ``broken`` names what fails, and how many times."""

    def __init__(self) -> None:
        self.rows: list[Delivery] = []
        self.done: list[tuple[int, Receipt, float]] = []
        self.dead: list[tuple[int, str]] = []
        self.tries: list[tuple[int, str]] = []
        self.told: list[Told] = []
        self.progress = 0  # how often deliveries have come further and not arrived
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
            self.told.append(Told(delivery.alert, receipt))
        await self.note_change()

    async def progressed(self, deliveries: Sequence[Delivery], wall: float) -> None:
        self.fail_if_broken("write")
        for delivery in deliveries:
            place = [row.id for row in self.rows].index(delivery.id)
            self.rows[place] = delivery
        self.progress += 1
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

    async def wait_until_empty(self) -> None:
        """Return once nothing is due."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: not self.rows)

    async def wait_until_come_further(self, count: int) -> None:
        """Return once deliveries have come further *count* times."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: self.progress >= count)

    async def note_change(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def remove(self, delivery: Delivery) -> None:
        self.rows = [row for row in self.rows if row.id != delivery.id]

    async def conversations(self) -> Sequence[Told]:
        """Return all that was told in messages; those of incidents that are over do no harm."""
        self.fail_if_broken("recall")
        return [told for told in self.told if told.receipt.details]

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


class Room(Channel):
    """A notifier that keeps conversations: what it was called for, in order."""

    def __init__(self, clock: FakeClock, *outcomes: Outcome) -> None:
        super().__init__(clock, *outcomes)
        self.calls: list[str] = []  # open 1, edit 1, reply 1, call 1: the message by its number

    async def send(self, message: Message, key: str) -> Receipt:
        self.calls.append(f"open {1 + sum(call.startswith('open') for call in self.calls)}")
        receipt = await super().send(message, key)
        return receipt if receipt != self.otherwise else Receipt({"ts": self.calls[-1][5:]})

    async def edit(self, message: Message, receipt: Receipt) -> None:
        self.calls.append(f"edit {receipt.details['ts']}")
        await super().send(message, "")

    async def reply(self, message: Message, key: str, receipt: Receipt, *, loud: bool) -> Receipt:
        self.calls.append(f"{'call' if loud else 'reply'} {receipt.details['ts']}")
        return await super().send(message, key)


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
    language: str = "en"
    zone: tzinfo = UTC

    def alert(self, incident: str = "k3f9qa", kind: AlertKind = AlertKind.FIRING) -> Alert:
        wall = self.clock.wall
        return Alert(kind, "api", wall, "it broke", incident=incident, opened=wall)

    def update(self, incident: str = "k3f9qa", measure: MeasureKind = RESTARTING) -> Alert:
        return replace(self.alert(incident, AlertKind.UPDATE), measure=Measure(measure))

    def relay(
        self, channel: Notifier, destination: str = "slack", pace: Pace | None = None
    ) -> Relay:
        grown = self.outbox.event(destination)

        async def wait() -> None:
            await grown.wait()
            grown.clear()

        talk = None
        if isinstance(channel, Conversing):
            talk = Talk(channel, self.outbox.conversations)
        return Relay(
            destination,
            channel,
            self.outbox,
            self.clock,
            wait,
            self.gathering,
            "web-1",
            self.zone,
            words_in(self.language),
            pace or Pace(),
            lambda: self.chance,
            talk=talk,
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
