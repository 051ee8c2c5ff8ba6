"""The canary: a test alert to every destination once a day, so that a dead one is noticed by day.

Which of them have had that of today is known from the outbox: neither a restart nor a reload sends
it twice, and what was missed is made up for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import inf

import structlog

from watchdog.core.model import Alert, AlertKind
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.ports import Clock
from watchdog.relay.standing import describe

CLOCK_SET = 3600.0
"""Seconds after which the wall clock is looked at again: it may be set, and the host may sleep."""

REASON = "daily test; alerts reach this channel"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Canary:
    """Calls *send* with a name and an alert at *hour*:*minute* every day; *tz* None: the host's.

    The same name is the same canary: *send* leaves out who has had it.
    """

    hour: int
    minute: int
    tz: tzinfo | None
    clock: Clock
    send: Callable[[str, Alert], Awaitable[None]]

    async def run(self) -> None:
        """Send it until cancelled; at once if the last one was not sent."""
        sent = None
        while True:
            now = self.clock.now()
            latest, following = self._around(now.wall)
            if latest is not None and latest != sent and await self._send(latest, now.wall):
                sent = latest
            await self.clock.sleep_until(now.mono + min(following - now.wall, CLOCK_SET))

    def _around(self, wall: float) -> tuple[float | None, float]:
        """Return the last time that was to be kept and the next; none by a clock gone mad."""
        try:
            today = datetime.fromtimestamp(wall, self.tz).date()
            times = [self._at(today + timedelta(days)) for days in (-1, 0, 1, 2)]
            return max(at for at in times if at <= wall), min(at for at in times if at > wall)
        except (OverflowError, ValueError, OSError):
            return None, inf

    def _at(self, day: date) -> float:
        """Return the moment (wall) on *day*; a time that summer leaves out comes an hour later."""
        return datetime(
            day.year, day.month, day.day, self.hour, self.minute, tzinfo=self.tz
        ).timestamp()

    async def _send(self, scheduled: float, wall: float) -> bool:
        """Tell whether it was sent; if not, it is tried again when the clock is looked at."""
        told = Circumstance(CircumstanceKind.CANARY)
        alert = Alert(AlertKind.TEST, "", wall, REASON, circumstance=told)
        try:
            await self.send(f"canary/{scheduled!r}", alert)
        except Exception as error:  # noqa: BLE001 - a test must not end the daemon
            log.warning("canary not sent", reason=describe(error))
            return False
        return True
