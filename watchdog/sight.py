"""Which services cannot be judged: UNKNOWN never counts, so blindness would look like health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from watchdog.core.incident import span
from watchdog.core.model import Observation, Verdict
from watchdog.core.telling import Circumstance, CircumstanceKind, Notice
from watchdog.ports import Clock

BLIND_AFTER = 300.0
"""Seconds for which a service may be unknown before people are told."""

_NAMED = 3

_SEES_AGAIN = Notice("every service can be judged again", Circumstance(CircumstanceKind.SEES_AGAIN))


class Sight:
    """Knows since when (mono), and why, a service could not be judged."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()  # set while some service cannot be judged
        self.regained = asyncio.Event()  # set while every service can
        self.regained.set()
        self._blind: dict[str, tuple[float, str]] = {}  # the longest first

    @property
    def since(self) -> float:
        """Return since when (mono) the first of them cannot be judged; inf if all can."""
        return min((since for since, _ in self._blind.values()), default=float("inf"))

    def take(self, service: str, seen: Observation, mono: float) -> None:
        """Take what a round of *service* has found."""
        if seen.verdict is not Verdict.UNKNOWN:
            self.forget(service)
            return
        self._blind.setdefault(service, (mono, seen.reason))
        self.lost.set()
        self.regained.clear()

    def forget(self, service: str) -> None:
        """Know that *service* can be judged, or need not be."""
        if self._blind.pop(service, None) is not None and not self._blind:
            self.lost.clear()
            self.regained.set()

    async def watch(self, clock: Clock, tell: Callable[[Notice], Awaitable[None]]) -> None:
        """Tell people when services have been unknown for long, and when all are known again."""
        while True:
            await self.lost.wait()
            await clock.sleep_until(self.since + BLIND_AFTER)
            notice = self.notice(clock.now().mono)
            if notice is not None:
                await tell(notice)
                await self.regained.wait()
                await tell(_SEES_AGAIN)

    def notice(self, mono: float) -> Notice | None:
        """Say which services have been unknown for BLIND_AFTER seconds, if any."""
        long = {name: why for name, (at, why) in self._blind.items() if mono - at >= BLIND_AFTER}
        if not long:
            return None
        why = next(iter(long.values()))
        meanwhile = "until that is over, failures are neither seen nor reported"
        first, lasted = ", ".join([*long][:_NAMED]), mono - self.since
        rest = max(0, len(long) - _NAMED)
        text = f"cannot judge {first}{_more(rest)} for {span(lasted)}: {why}; {meanwhile}"
        told = Circumstance(CircumstanceKind.BLIND, why, first, count=rest, lasted=lasted)
        return Notice(text, told)


def _more(count: int) -> str:
    return f" and {count} more services" if count else ""
