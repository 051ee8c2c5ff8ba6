"""What systemd's watchdog hears, and what keeps it from hearing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from watchdog.app.health import unwell
from watchdog.heartbeat.lag import lasting_lag
from watchdog.ports import Clock

log = structlog.get_logger()


async def prove_life(
    clock: Clock, period: float, stuck: Callable[[], Sequence[str]], alive: Callable[[], None]
) -> None:
    """Call *alive* every *period* seconds while the loop is quick and nothing is *stuck*."""
    while True:
        lag = await lasting_lag(clock, clock.now().mono + period)
        if reason := unwell(lag, stuck()):
            log.error("not well; systemd's watchdog is not told otherwise", reason=reason)
        else:
            alive()
