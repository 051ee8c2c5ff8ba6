"""The configured channels, each destination drained by a relay of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog

from watchdog.addressing import AddressBook
from watchdog.config import ChannelSettings
from watchdog.core.model import Alert
from watchdog.ports import Addressed, Clock
from watchdog.relay import Elsewhere, Overdue, Relay, pass_on, tell_missed_ends
from watchdog.relay.standing import describe
from watchdog.store.durable import DurableStore
from watchdog.store.read import Backlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Channel:
    """One destination: its name, what of the configuration makes it, and how to run it.

    Two channels are equal if a reload may leave the running one alone.
    """

    destination: str
    settings: ChannelSettings
    host: str
    timezone: str
    language: str
    fallback: tuple[str, ...] = ()  # destinations that are told of what this one does not take
    fallback_after: float = 300.0  # seconds
    canary: bool = False  # tests come by themselves, and are missed


MakeRelay = Callable[[Channel, Callable[[], Awaitable[None]]], Relay]
"""Makes a relay; its second argument returns when the outbox may have grown."""

PATIENCE = 30.0
"""Seconds that a test alert waits for its arrival."""

STUMBLE = 5.0
"""Seconds until what waits for channels that are no more is looked for again."""


@dataclass(slots=True)
class _Running:
    channel: Channel
    relay: Relay
    tasks: Sequence[asyncio.Task[None]]
    warm: bool = False


class Channels:
    """Runs a relay for each destination."""

    def __init__(
        self,
        make_relay: MakeRelay,
        store: DurableStore,
        book: AddressBook,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._make_relay = make_relay
        self._book = book
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._running: dict[str, _Running] = {}
        self._passing: asyncio.Task[None] | None = None

    @property
    def destinations(self) -> Sequence[str]:
        """Return where alerts go."""
        return tuple(self._running)

    async def apply(self, channels: Sequence[Channel]) -> None:
        """Run a relay for each of *channels*; one that has not changed goes on, and tries now."""
        after = {channel.destination: channel for channel in channels}
        if self._passing is not None:
            self._passing.cancel()  # a channel may have come back
            await asyncio.wait([self._passing])
            self._passing = None
        for name, running in list(self._running.items()):
            if after.get(name) == running.channel:
                running.relay.wake()  # somebody may have mended what it waits for
            else:
                del self._running[name]
                for task in running.tasks:
                    task.cancel()
                await asyncio.wait(running.tasks)
        for name, channel in after.items():
            if name not in self._running:
                self._running[name] = self._start(channel)
        if after:
            self._passing = self._tasks.create_task(self._pass_on(), name="pass on")

    async def _pass_on(self) -> None:
        """See to what waits for destinations that are no more, and to what others have missed."""
        told = ""
        while True:
            try:
                await pass_on(self.destinations, self._store, self._book, self._clock.now())
                for name in self.destinations:
                    await tell_missed_ends(name, self._store, self._clock.now())
            except Exception as error:  # noqa: BLE001 - whatever it is, alerts wait there
                reason = describe(error)
                if reason != told:
                    told = reason
                    log.warning("alerts not passed on; trying again", reason=reason)
            else:
                return
            await self._clock.sleep_until(self._clock.now().mono + STUMBLE)

    def wake(self) -> None:
        """Let every channel that waits after a failed try try again now."""
        for running in self._running.values():
            running.relay.wake()

    def warm_up(self) -> None:
        """Let every channel import and connect now: an alert may follow."""
        for name, running in self._running.items():
            if not running.warm:
                running.warm = True
                self._tasks.create_task(running.relay.prepare(), name=f"prepare {name}")

    async def send_once(self, name: str, alert: Alert) -> None:
        """Send *alert* to every destination that has not had it under *name*."""
        named = await self._store.unposted({name: Addressed(alert, self.destinations)})
        if named[name].destinations:
            await self._store.post_once(named, self._clock.now())

    async def send(self, alert: Alert, destinations: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Send *alert*, and return for each destination whether it has arrived, and if not why."""
        tries = {name: self._running[name].relay.outcome_of(alert) for name in destinations}
        await self._store.post([alert], destinations, self._clock.now())
        for name in destinations:
            self._running[name].relay.hurry()
        await asyncio.wait(tries.values(), timeout=PATIENCE)
        outcomes = []
        for name, tried in tries.items():
            reason = tried.result() if tried.done() else self._running[name].relay.status()["words"]
            outcomes.append({"name": name, "delivered": not reason, "reason": reason})
        return outcomes

    async def describe(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of each channel, as JSON can say it."""
        waiting = await self._store.outbox_summary()
        return [
            {
                "name": name,
                **running.relay.status(),
                **msgspec.to_builtins(waiting.get(name, Backlog())),
            }
            for name, running in self._running.items()
        ]

    @property
    def failing(self) -> Sequence[str]:
        """Return the destinations that have not taken the last alert."""
        return [name for name, running in self._running.items() if running.relay.is_failing]

    def troubles(self) -> Sequence[str]:
        """Return which channels do not take alerts now, and why."""
        return [
            f"{name}: {running.relay.trouble}"
            for name, running in self._running.items()
            if running.relay.trouble
        ]

    def stuck(self, mono: float) -> Sequence[str]:
        """Return the relays that should have moved by now and have not."""
        return [
            f"relay {name}"
            for name, running in self._running.items()
            if running.relay.is_stuck(mono)
        ]

    def _start(self, channel: Channel) -> _Running:
        name = channel.destination
        grown = asyncio.Event()

        async def wait() -> None:
            await grown.wait()
            grown.clear()

        relay = self._make_relay(channel, wait)
        waits = [(relay.run, grown.set)]
        if channel.fallback or channel.canary:
            overdue = self._overdue(channel, relay)
            waits.append((overdue.run, overdue.wake))
        tasks = []
        for run, wake in waits:
            task = self._tasks.create_task(run(), name=f"relay {name}")
            task.add_done_callback(partial(_end, self._store.subscribe(name, wake)))
            tasks.append(task)
        return _Running(channel, relay, tasks)

    def _overdue(self, channel: Channel, relay: Relay) -> Overdue:
        name = channel.destination
        overdue = Overdue(
            *(name, relay, self._store, self._book, self._clock),
            lambda: Elsewhere(channel.fallback, [each for each in self._running if each != name]),
            channel.fallback_after,
        )
        relay.failed, relay.refused = overdue.wake, overdue.refused
        return overdue


def _end(subscription: Callable[[], None], _task: asyncio.Task[None]) -> None:
    subscription()
