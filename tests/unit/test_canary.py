"""The canary sings once a day, through restarts, clock changes and summer time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from tests.unit.clock import FakeClock
from watchdog.core.model import Alert, AlertKind
from watchdog.core.telling import CircumstanceKind
from watchdog.relay import Canary

HOUR, DAY = 3600.0, 86400.0
BERLIN = ZoneInfo("Europe/Berlin")


def wall(text: str, zone: tzinfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@dataclass
class Bench:
    """Remembers names, as the outbox does."""

    clock: FakeClock
    zone: tzinfo = UTC
    at: tuple[int, int] = (9, 0)
    sent: list[str] = field(default_factory=list)  # local times
    names: set[str] = field(default_factory=set)
    alerts: list[Alert] = field(default_factory=list)
    broken: bool = False

    async def send(self, name: str, alert: Alert) -> None:
        if self.broken:
            raise RuntimeError
        if name not in self.names:
            self.names.add(name)
            self.alerts.append(alert)
            at = datetime.fromtimestamp(self.clock.wall, self.zone)
            self.sent.append(at.strftime("%m-%d %H:%M"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        canary = Canary(*self.at, self.zone, self.clock, self.send)
        task = asyncio.create_task(canary.run())
        try:
            await self.clock.settle()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()


def bench(now: str, zone: tzinfo = UTC, at: tuple[int, int] = (9, 0)) -> Bench:
    return Bench(FakeClock(wall=wall(now, zone)), zone, at)


async def test_the_first_comes_at_once_and_then_one_a_day() -> None:
    days = bench("2025-11-22T02:13")
    async with days.running():
        await days.clock.advance(3 * DAY)
    assert days.sent == ["11-22 02:13", "11-22 09:00", "11-23 09:00", "11-24 09:00"]
    assert {alert.kind for alert in days.alerts} == {AlertKind.TEST}
    assert {alert.circumstance and alert.circumstance.kind for alert in days.alerts} == {
        CircumstanceKind.CANARY
    }


async def test_a_restart_sends_nothing_twice() -> None:
    days = bench("2025-11-22T09:00")
    for _ in range(3):
        async with days.running():
            await days.clock.advance(60)
    assert days.sent == ["11-22 09:00"]


async def test_what_was_missed_is_made_up_for_at_the_start() -> None:
    days = bench("2025-11-22T09:00")
    async with days.running():
        await days.clock.advance(DAY - 10)
    await days.clock.advance(20)  # a restart at nine
    async with days.running():
        await days.clock.advance(60)
    await days.clock.advance(5 * DAY)
    async with days.running():
        await days.clock.advance(60)
    assert days.sent == ["11-22 09:00", "11-23 09:00", "11-28 09:01"]


@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        # The last Sunday of March has no 02:30, the last of October two of them.
        ("2025-03-28T02:30", (2, 30), ["03-28 02:30", "03-29 02:30", "03-30 03:30", "03-31 02:30"]),
        ("2025-10-24T02:30", (2, 30), ["10-24 02:30", "10-25 02:30", "10-26 02:30", "10-27 02:30"]),
        ("2025-03-28T09:00", (9, 0), ["03-28 09:00", "03-29 09:00", "03-30 09:00", "03-31 09:00"]),
        ("2025-10-24T09:00", (9, 0), ["10-24 09:00", "10-25 09:00", "10-26 09:00", "10-27 09:00"]),
    ],
)
async def test_summer_time_neither_skips_nor_doubles_a_day(
    now: str, at: tuple[int, int], expected: list[str]
) -> None:
    days = bench(now, BERLIN, at)
    async with days.running():
        await days.clock.advance(3 * DAY + 2 * HOUR)
    assert days.sent == expected


async def test_a_host_that_slept_is_noticed_within_the_hour() -> None:
    days = bench("2025-11-22T08:00")
    async with days.running():
        days.clock.wall += 5 * HOUR  # its clock went on, our timer did not
        await days.clock.advance(HOUR)
    assert days.sent == ["11-22 08:00", "11-22 14:00"]


async def test_a_clock_gone_mad_does_not_end_the_daemon() -> None:
    days = bench("2025-11-22T08:00")
    days.clock.wall = 1e18
    async with days.running():
        days.clock.wall = wall("2025-11-22T08:00")
        await days.clock.advance(2 * HOUR)
    assert days.sent == ["11-22 09:00"]


async def test_a_test_that_cannot_be_sent_ends_nothing_and_is_made_up_for() -> None:
    days = bench("2025-11-22T10:00")
    days.broken = True
    with capture_logs() as logs:
        async with days.running():
            days.broken = False
            await days.clock.advance(5 * HOUR)
    assert days.sent == ["11-22 11:00"]
    assert logs[0]["event"] == "canary not sent"


async def test_without_a_zone_the_hosts_own_counts() -> None:
    days = bench("2025-11-22T02:13")
    canary = Canary(9, 0, None, days.clock, days.send)
    latest, following = canary._around(days.clock.wall)
    assert latest is not None
    for at in (latest, following):
        assert datetime.fromtimestamp(at).astimezone().strftime("%H:%M") == "09:00"
