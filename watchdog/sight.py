"""Which services cannot be judged: UNKNOWN never counts, so blindness would look like health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from watchdog.core.incident import span
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.ports import Clock

BLIND_AFTER = 300.0
"""Seconds for which a service may be unknown before people are told."""

_NAMED = 3

_SEES_AGAIN = Notice("every service can be judged again", Circumstance(CircumstanceKind.SEES_AGAIN))


class Sight:
    """Knows since when (mono), and why, a service could not be judged."""

    def __init__(self) -> None:
        self._blind: dict[str, tuple[float, str]] = {}  # the longest first
        self._told: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def blind(self) -> Collection[str]:
        """Return the services that cannot be judged."""
        return self._blind.keys()

    def lasting(self, mono: float) -> Mapping[str, tuple[float, str]]:
        """Return since when (mono), and why, services have been unknown for long, as of *mono*."""
        return {name: each for name, each in self._blind.items() if mono >= each[0] + BLIND_AFTER}

    def take(self, service: str, seen: Observation, mono: float) -> None:
        """Take what a round of *service* has found."""
        if seen.verdict is not Verdict.UNKNOWN:
            self.forget(service)
        elif service not in self._blind:
            self._blind[service] = mono, seen.reason
            self._changed.set()

    def forget(self, service: str) -> None:
        """Know that *service* can be judged, or is watched no more."""
        if self._blind.pop(service, None) is not None:
            self._changed.set()

    async def watch(self, clock: Clock, tell: Callable[[Notice], Awaitable[None]]) -> None:
        """Tell people when services have been unknown for long, and when all are known again."""
        while True:
            self._changed.clear()
            if self._told and not self._blind:
                self._told.clear()
                await tell(_SEES_AGAIN)
                continue
            self._told &= self._blind.keys()
            due = self._due()
            if due is None:
                await self._changed.wait()
            elif clock.now().mono < due:
                await _first(clock.sleep_until(due), self._changed.wait())
            else:
                await tell(self._notice(clock.now().mono))

    def _due(self) -> float | None:
        """Return when (mono) the next service will have been unknown for long."""
        untold = (since for name, (since, _) in self._blind.items() if name not in self._told)
        first = min(untold, default=None)
        return None if first is None else first + BLIND_AFTER

    def _notice(self, mono: float) -> Notice:
        """Say which services have been unknown for long, those that were told before left out."""
        names = [
            name
            for name, (since, _) in self._blind.items()
            if name not in self._told and mono >= since + BLIND_AFTER
        ]
        self._told.update(names)
        since, why = self._blind[names[0]]
        first, rest = ", ".join(names[:_NAMED]), max(0, len(names) - _NAMED)
        more = f" and {rest} more services" if rest else ""
        meanwhile = "until that is over, failures are neither seen nor reported"
        text = f"cannot judge {first}{more} for {span(mono - since)}: {why}; {meanwhile}"
        told = Circumstance(CircumstanceKind.BLIND, why, first, count=rest, lasted=mono - since)
        return Notice(text, told)


async def _first(*events: Awaitable[object]) -> None:
    """Return once one of *events* has come."""
    waits = [asyncio.ensure_future(event) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
