"""Channels that come and go by reloads, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.unit.clock import FakeClock
from tests.unit.relay_bench import Bench
from tests.unit.relay_bench import Channel as Notifier
from watchdog.addressing import AddressBook
from watchdog.app.channels import Channel, Channels
from watchdog.config.secret import Secret
from watchdog.config.settings import WebhookSettings
from watchdog.core.model import Alert
from watchdog.core.routing import Subscription
from watchdog.errors import StoreError
from watchdog.relay import Relay
from watchdog.store import DurableStore, SqliteStore
from watchdog.store.entry import Batch


def book(*names: str) -> AddressBook:
    return AddressBook([Subscription(name) for name in names])


async def waiting(store: DurableStore, name: str) -> list[Alert]:
    return [delivery.alert for delivery in await store.due(name, 100)]


class Full(SqliteStore):
    """A database on a disk that may be full."""

    is_full = False

    async def write(self, batch: Batch) -> None:
        if self.is_full:
            raise StoreError("cannot write the database: disk full; make room")
        await super().write(batch)


@dataclass
class Swap:
    """Channels as a reload has them."""

    store: DurableStore
    clock: FakeClock = field(default_factory=FakeClock)
    notifiers: dict[str, Notifier] = field(default_factory=dict)

    def make_relay(self, channel: Channel, wait: Callable[[], Awaitable[None]]) -> Relay:
        notifier = self.notifiers.setdefault(channel.destination, Notifier(self.clock))
        relay = Bench().relay(notifier)
        relay.destination, relay.store, relay.wait = channel.destination, self.store, wait
        return relay

    def channels(self, tasks: asyncio.TaskGroup) -> Channels:
        return Channels(self.make_relay, self.store, book("new"), self.clock, tasks)

    async def until_told(self) -> None:
        while await waiting(self.store, "old") or await waiting(self.store, "new"):
            await self.clock.settle()


def channel(name: str) -> Channel:
    settings = WebhookSettings(Secret("https://pager.example"), name)
    return Channel(name, settings, "web-1", "", "en")
