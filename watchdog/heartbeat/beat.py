"""The heartbeat: a ping on time for as long as the daemon does its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from watchdog.heartbeat.lag import lag_at, lasting_lag
from watchdog.heartbeat.ping import PingError, Signal, ping
from watchdog.heartbeat.report import Report
from watchdog.ports import Clock

FIRST_PAUSE = 2.0
"""Seconds from a ping that was not taken to the next try; doubled each time."""

FAREWELL = 2.0
"""Seconds for the last words."""

log = structlog.get_logger()


Ping = Callable[[str, Signal, str, float], Awaitable[None]]


@dataclass(slots=True)
class Heartbeat:
    """Pings *url* every *interval* seconds with what *report* returns of the loop's lag."""

    url: str = field(repr=False)
    interval: float  # seconds
    timeout: float  # seconds, for each request
    clock: Clock
    report: Callable[[float], Report]
    changed: Callable[[], None] = lambda: None  # ``trouble`` is another
    ping: Ping = ping

    trouble: str = field(default="", init=False)  # why the last ping was not taken

    async def run(self) -> None:
        """Ping until cancelled; a silence is for the other side to notice."""
        due = self.clock.now().mono
        while True:
            await self._beat(due)
            # On the grid, and none of those made up for that were missed.
            late = max(0.0, self.clock.now().mono - due)
            due += self.interval * (late // self.interval + 1)

    async def farewell(self, text: str) -> None:
        """Say that the daemon ends on purpose: kept on record, and silence follows."""
        try:
            await self.ping(self.url, Signal.LOG, text, min(self.timeout, FAREWELL))
        except PingError as error:
            log.info("last heartbeat not taken", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the daemon ends all the same
            log.info("last heartbeat not taken", reason=type(error).__name__)

    async def _beat(self, due: float) -> None:
        """Ping once what is due, and again within the interval while it is not taken."""
        lag = await lasting_lag(self.clock, due)
        pause = min(FIRST_PAUSE, self.interval / 4)
        while not await self._try(lag):
            again = self.clock.now().mono + pause
            if again >= due + self.interval:
                return
            lag = await lag_at(self.clock, again)
            pause *= 2

    async def _try(self, lag: float) -> bool:
        trouble = ""
        try:
            report = self.report(lag)
            signal = Signal.SUCCESS if report.is_well else Signal.FAIL
            await self.ping(self.url, signal, report.text, min(self.timeout, self.interval))
        except PingError as error:
            trouble = f"cannot send the heartbeat: {error}"
        except Exception as error:  # noqa: BLE001 - its words may quote the URL; the watch goes on
            trouble = f"cannot send the heartbeat: {type(error).__name__}"
        if bool(trouble) != bool(self.trouble):
            if trouble:
                log.warning("heartbeat not taken, trying again", reason=trouble)
            else:
                log.info("heartbeat taken again")
        if trouble != self.trouble:
            self.trouble = trouble
            self.changed()
        return not trouble
