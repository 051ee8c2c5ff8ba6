"""Which services cannot be judged: UNKNOWN never counts, so blindness would look like health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.spans import span
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.ports import Clock

BLIND_AFTER = 300.0
"""Seconds for which a service may be unknown before people are told."""

_NAMED = 3

_SEES_AGAIN = Notice("every service can be judged again", Circumstance(CircumstanceKind.SEES_AGAIN))


@dataclass(frozen=True, slots=True)
class _Loss:
    """Since when (mono) a service cannot be judged, and why."""

    since: float
    why: str
    network: str = ""  # why this host's own network is down, if that is why


@dataclass(frozen=True, slots=True)
class _Outage:
    """This host's own network is down, and people were told; which services that concerns."""

    since: float  # mono
    why: str
    services: set[str]


class Sight:
    """Knows since when (mono), and why, a service could not be judged."""

    def __init__(self) -> None:
        self._blind: dict[str, _Loss] = {}  # the longest first
        self._told: set[str] = set()
        self._outage: _Outage | None = None
        self._changed = asyncio.Event()

    @property
    def blind(self) -> Collection[str]:
        """Return the services that cannot be judged."""
        return self._blind.keys()

    def lasting(self, mono: float) -> Mapping[str, tuple[float, str]]:
        """Return since when (mono), and why, services have been unknown for long, as of *mono*."""
        return {
            name: (loss.since, loss.why)
            for name, loss in self._blind.items()
            if mono >= loss.since + BLIND_AFTER
        }

    def take(self, service: str, seen: Observation, mono: float) -> None:
        """Take what a round of *service* has found."""
        if seen.verdict is not Verdict.UNKNOWN:
            self.forget(service)
            return
        before, told = self._blind.get(service), seen.circumstance
        network = ""
        if told is not None and told.kind is CircumstanceKind.NETWORK_DOWN:
            network = told.reason
        if before is not None and before.network and not network:
            return  # a stall of our own, say; the network is back when something is judged
        self._blind[service] = _Loss(before.since if before else mono, seen.reason, network)
        if before is None or (network and not before.network):
            self._changed.set()

    def forget(self, service: str) -> None:
        """Know that *service* can be judged, or is watched no more."""
        if self._blind.pop(service, None) is not None:
            self._changed.set()

    async def watch(self, clock: Clock, tell: Callable[[Notice], Awaitable[None]]) -> None:
        """Tell people when services have been unknown for long, and when all are known again."""
        while True:
            self._changed.clear()
            mono = clock.now().mono
            news, due = self._news(mono), self._due()
            if news is not None:
                await tell(news)
            elif due is None:
                await self._changed.wait()
            else:
                await _first(clock.sleep_until(due), self._changed.wait())

    def _due(self) -> float | None:
        """Return when (mono) the next service will have been unknown for long."""
        first = min((loss.since for loss in self._untold().values()), default=None)
        return None if first is None else first + BLIND_AFTER

    def _untold(self) -> Mapping[str, _Loss]:
        """Return what people do not know of; one outage is told once, whoever joins it later."""
        is_known = self._outage is not None
        return {
            name: loss
            for name, loss in self._blind.items()
            if not (is_known if loss.network else name in self._told)
        }

    def _news(self, mono: float) -> Notice | None:
        """Return what to tell now; from then on it counts as told."""
        cut = {name: loss for name, loss in self._blind.items() if loss.network}
        if self._outage is not None:
            self._outage.services.update(cut)
            if not cut:
                ended, self._outage = self._outage, None
                return _network(CircumstanceKind.NETWORK_BACK, ended, mono)
        if self._told and not self._blind:
            self._told.clear()
            return _SEES_AGAIN
        self._told &= self._blind.keys()
        long = {n: loss for n, loss in self._untold().items() if mono >= loss.since + BLIND_AFTER}
        if any(loss.network for loss in long.values()):
            first = next(iter(cut.values()))
            self._outage = _Outage(first.since, first.network, set(cut))
            return _network(CircumstanceKind.NETWORK_DOWN, self._outage, mono)
        self._told.update(long)
        return _blind(long, mono) if long else None


def _blind(losses: Mapping[str, _Loss], mono: float) -> Notice:
    """Say which services have been unknown for long."""
    loss = next(iter(losses.values()))
    first, more = _named(list(losses))
    lasted, why = mono - loss.since, loss.why
    services = first + (f" and {more} more services" if more else "")
    meanwhile = "until that is over, failures are neither seen nor reported"
    text = f"cannot judge {services} for {span(lasted)}: {why}; {meanwhile}"
    told = Circumstance(CircumstanceKind.BLIND, why, first, count=more, lasted=lasted)
    return Notice(text, told)


def _network(kind: CircumstanceKind, outage: _Outage, mono: float) -> Notice:
    """Say that this host's own network is down, or was."""
    first, more = _named(sorted(outage.services))
    lasted = mono - outage.since
    tense = "has been" if kind is CircumstanceKind.NETWORK_DOWN else "is back; it was"
    text = f"this host's own network {tense} down for {span(lasted)}: {outage.why}"
    return Notice(text, Circumstance(kind, outage.why, first, count=more, lasted=lasted))


def _named(services: Sequence[str]) -> tuple[str, int]:
    """Return the first of *services*, and how many more there are."""
    return ", ".join(services[:_NAMED]), max(0, len(services) - _NAMED)


async def _first(*events: Awaitable[object]) -> None:
    """Return once one of *events* has come."""
    waits = [asyncio.ensure_future(event) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
