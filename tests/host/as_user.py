"""Runs on a test host, as whatever user: `as_user.py restart|look|stop UNIT`; prints JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import structlog

from watchdog.control.bus import SystemBus
from watchdog.control.systemd import SystemdUnit
from watchdog.core.model import (
    Now,
    Verdict,
)
from watchdog.core.service import Policy

DEADLINE = 20.0


async def main(action: str, unit: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    changed = asyncio.Event()
    async with SystemBus() as bus, SystemdUnit(bus, unit, Policy()) as control:
        control.listen(changed.set, print)
        if action == "restart":
            finished = await control.restart()
            print(json.dumps([finished.outcome.value, finished.reason]))
            return
        seen = await control.observe(Now(time.monotonic(), 0.0))
        if action == "stop":
            # An operator stops it, and the unit is watched to its end.
            print("watching", flush=True)
            async with asyncio.timeout(DEADLINE):
                while not (seen.verdict is Verdict.HOLD and "brought back" in seen.reason):
                    await changed.wait()
                    changed.clear()
                    seen = await control.observe(Now(time.monotonic(), 0.0))
        print(json.dumps([seen.verdict.value, seen.reason]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
