"""The host's clocks."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable

from watchdog.core.model import Now

_CONTEXT = contextvars.Context()  # asyncio would copy one for each timer; no callback looks at it


class HostClock:
    """CLOCK_MONOTONIC for intervals, CLOCK_REALTIME for stamps; asyncio's loop waits on the first.

    Implements ports.Clock. See clock_gettime(2).
    """

    def now(self) -> Now:
        """Return the present moment."""
        return Now(time.monotonic(), time.time())

    def asleep(self) -> float:
        """Return for how many seconds the host has been suspended since it booted."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()

    def call_at(self, mono: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call *callback* on the running loop at *mono*; the loop's own clock is the same one."""
        return asyncio.get_running_loop().call_at(mono, callback, context=_CONTEXT)

    async def sleep_until(self, mono: float) -> None:
        """Return once the monotonic clock has reached *mono*; at once if it has."""
        await asyncio.sleep(mono - time.monotonic())
