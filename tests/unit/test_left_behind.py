"""A channel is renamed or taken out of the configuration while alerts wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.clock import FakeClock
from tests.unit.relay_bench import Bench
from tests.unit.relay_bench import Channel as Notifier
from watchdog.addressing import AddressBook
from watchdog.app.channels import Channel, Channels
from watchdog.config.secret import Secret
from watchdog.config.settings import WebhookSettings
from watchdog.core.model import Alert, AlertKind
from watchdog.core.routing import Subscription
from watchdog.core.severity import Severity
from watchdog.ports import Receipt
from watchdog.relay import Relay, pass_on
from watchdog.relay.left_behind import REASON
from watchdog.store import DurableStore, SqliteStore

pytestmark = pytest.mark.adapter

BENCH = Bench()
NOW = BENCH.clock.now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DurableStore]:
    async with DurableStore(SqliteStore(tmp_path / "state.db", ballast_size=4096)) as store:
        yield store


def book(*names: str) -> AddressBook:
    return AddressBook([Subscription(name) for name in names])


async def waiting(store: DurableStore, name: str) -> list[Alert]:
    return [delivery.alert for delivery in await store.due(name, 100)]


async def test_what_waits_for_it_is_told_to_those_that_are_left_and_says_why(
    store: DurableStore,
) -> None:
    firing, resolved = BENCH.alert(), BENCH.alert(kind=AlertKind.RESOLVED)
    await store.post([firing], ["old"], NOW)
    await store.post([resolved], ["old"], NOW)
    await pass_on("old", 2, store, book("new"), NOW)
    assert await waiting(store, "old") == []
    told = await waiting(store, "new")
    assert [replace(alert, diversion=None) for alert in told] == [firing, resolved]
    why = told[0].diversion
    assert why is not None
    assert (why.destination, why.reason) == ("old", REASON)


async def test_who_has_it_is_not_told_again(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old", "other"], NOW)
    await pass_on("old", 1, store, book("new", "other"), NOW)
    assert len(await waiting(store, "new")) == len(await waiting(store, "other")) == 1
    assert await waiting(store, "old") == []


async def test_a_kill_before_it_was_set_aside_tells_nothing_twice(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old"], NOW)

    class Killed(DurableStore):
        async def rejected(self, *_: object) -> None:
            raise EOFError

    killed = Killed(SqliteStore(store.path, ballast_size=4096))
    with pytest.raises(EOFError):
        await pass_on("old", 1, killed, book("new"), NOW)
    [sent] = await store.due("new")
    await store.delivered([sent], Receipt(), NOW.wall)
    await pass_on("old", 1, store, book("new"), NOW)
    assert await waiting(store, "new") == await waiting(store, "old") == []


async def test_what_nobody_takes_goes_on_waiting(store: DurableStore) -> None:
    await store.post([BENCH.alert()], ["old"], NOW)
    quiet = AddressBook([Subscription("new", frozenset({Severity.INFO}))])
    await pass_on("old", 1, store, quiet, NOW)
    assert len(await waiting(store, "old")) == 1


async def test_what_nobody_would_miss_is_dropped(store: DurableStore) -> None:
    """A test is its own answer, and of what was told an edit is left at most."""
    await store.post(
        [BENCH.alert(kind=AlertKind.TEST), BENCH.alert(), BENCH.update()], ["old"], NOW
    )
    told = (await store.due("old", 3))[1]
    await store.progressed([replace(told, receipt=Receipt({"ts": "1"}))], NOW.wall)
    await pass_on("old", 3, store, book("new"), NOW)
    assert await waiting(store, "old") == await waiting(store, "new") == []


async def test_a_reload_sees_to_it(store: DurableStore) -> None:
    clock = FakeClock()
    notifiers: dict[str, Notifier] = {}

    def make_relay(channel: Channel, wait: Callable[[], Awaitable[None]]) -> Relay:
        relay = BENCH.relay(notifiers.setdefault(channel.destination, Notifier(clock)))
        relay.destination, relay.store, relay.wait = channel.destination, store, wait
        return relay

    def channel(name: str) -> Channel:
        settings = WebhookSettings(Secret("https://pager.example"), name)
        return Channel(name, settings, "web-1", "", "en")

    async with asyncio.TaskGroup() as tasks:
        channels = Channels(make_relay, store, book("new"), clock, tasks)
        await store.post([BENCH.alert()], ["old"], NOW)
        await channels.apply([])
        assert len(await waiting(store, "old")) == 1  # nobody is left to be told
        await channels.apply([channel("new")])
        while await waiting(store, "old") or await waiting(store, "new"):
            await clock.settle()
        await channels.apply([])
    assert len(notifiers["new"].sent) == 1
