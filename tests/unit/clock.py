"""A clock that stands still until a test moves it. Implements ports.Clock."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from watchdog.core.model import Now

QUIET_TURNS = 3  # turns of the loop with nothing to do that count as quiet


@dataclass(order=True)
class Alarm:
    """A callback to come; a cancelled one stays in the queue and does nothing."""

    mono: float
    number: int
    callback: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """``advance`` moves it and runs what has become due, in order and at its own time."""

    def __init__(self, mono: float = 1000.0, wall: float = 1_763_777_580.0) -> None:
        self.mono = mono
        self.wall = wall  # 2025-11-22 02:13:00 UTC
        self.suspended = 0.0
        self._numbers = count()
        self._alarms: list[Alarm] = []

    def now(self) -> Now:
        return Now(self.mono, self.wall)

    def asleep(self) -> float:
        return self.suspended

    def call_at(self, mono: float, callback: Callable[[], object]) -> Alarm:
        alarm = Alarm(mono, next(self._numbers), callback)
        heapq.heappush(self._alarms, alarm)
        return alarm

    async def sleep_until(self, mono: float) -> None:
        if mono <= self.mono:
            await asyncio.sleep(0)
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ring() -> None:
            if not reached.done():
                reached.set_result(None)

        alarm = self.call_at(mono, ring)
        try:
            await reached
        finally:
            alarm.cancel()

    @property
    def sleepers(self) -> list[float]:
        """When something is due, earliest first (mono)."""
        return sorted(alarm.mono for alarm in self._alarms if not alarm.cancelled)

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass; after each alarm everything that can run has run."""
        end = self.mono + seconds
        await self.settle()
        while self._alarms and self._alarms[0].mono <= end + 1e-9:
            alarm = heapq.heappop(self._alarms)
            if alarm.cancelled:
                continue
            self._move_to(alarm.mono)
            alarm.callback()
            await self.settle()
        self._move_to(end)
        await self.settle()

    def _move_to(self, mono: float) -> None:
        passed = max(mono - self.mono, 0.0)
        self.mono += passed
        self.wall += passed

    @staticmethod
    async def settle() -> None:
        """Return when every task waits for the clock, for I/O or for ever."""
        loop: Any = asyncio.get_running_loop()
        quiet = 0
        while quiet < QUIET_TURNS:
            # Answers of the network or of a thread may come in any turn; what the loop itself
            # still has to do is in its queue of ready callbacks, which has no public name.
            await asyncio.sleep(0)
            quiet = 0 if loop._ready else quiet + 1


async def skip(seconds: float) -> None:
    """Let *seconds* pass on the running loop's own clock, by which asyncio's timeouts go."""
    await FakeClock.settle()  # what begins now has begun
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
    await FakeClock.settle()
