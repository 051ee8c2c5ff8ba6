"""The heartbeat comes on time, says how it is, and stays away when we are stuck."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.unit.clock import FakeClock
from watchdog.heartbeat.beat import Heartbeat
from watchdog.heartbeat.lag import LAG
from watchdog.heartbeat.ping import PingError, Signal
from watchdog.heartbeat.report import Report

URL = "https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
WELL = Report(is_well=True, text="3 healthy")


@dataclass
class Bench:
    clock: FakeClock = field(default_factory=FakeClock)
    report: Report = WELL
    lags: list[float] = field(default_factory=list)
    outcomes: deque[Exception] = field(default_factory=deque)
    pings: list[tuple[float, Signal, str]] = field(default_factory=list)  # seconds, …
    changes: int = 0

    async def ping(self, url: str, signal: Signal, text: str, timeout: float) -> None:  # noqa: ASYNC109
        assert url == URL
        self.pings.append((round(self.clock.mono - 1000.0, 3), signal, text))
        if self.outcomes:
            raise self.outcomes.popleft()

    def tell(self, lag: float) -> Report:
        self.lags.append(lag)
        return self.report

    def change(self) -> None:
        self.changes += 1

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.pings]

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[Heartbeat]:
        beat = Heartbeat(URL, 60.0, 10.0, self.clock, self.tell, self.change, self.ping)
        task = asyncio.create_task(beat.run())
        try:
            await self.clock.settle()
            yield beat
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_it_beats_at_once_and_then_every_interval(bench: Bench) -> None:
    async with bench.beating():
        await bench.clock.advance(180)
    assert bench.pings == [(at, Signal.SUCCESS, "3 healthy") for at in (0, 60, 120, 180)]


async def test_what_is_not_well_fails_at_once_and_says_why(bench: Bench) -> None:
    async with bench.beating():
        bench.report = Report(is_well=False, text="cannot judge api")
        await bench.clock.advance(60)
    assert bench.pings[1] == (60, Signal.FAIL, "cannot judge api")


async def test_what_is_not_taken_is_sent_again_within_the_interval(bench: Bench) -> None:
    bench.outcomes += [PingError("no answer within 10 s")] * 3
    async with bench.beating() as beat:
        await bench.clock.advance(5)
        assert beat.trouble == "cannot send the heartbeat: no answer within 10 s"
        await bench.clock.advance(60)
        assert beat.trouble == ""
    assert bench.times == [0, 2, 6, 14, 60]
    assert bench.changes == 2


async def test_an_hour_without_an_answer_is_logged_when_it_begins_and_when_it_ends(
    bench: Bench,
) -> None:
    bench.outcomes += [PingError("it answered 503"), PingError("no answer within 10 s")] * 120
    with capture_logs() as logs:
        async with bench.beating():
            await bench.clock.advance(3600 * 2)
    assert [entry["event"] for entry in logs] == [
        "heartbeat not taken, trying again",
        "heartbeat taken again",
    ]
    assert bench.times[:6] == [0, 2, 6, 14, 30, 60]


async def test_words_of_an_error_that_is_not_ours_are_not_repeated(bench: Bench) -> None:
    bench.outcomes.append(RuntimeError(URL))
    with capture_logs() as logs:
        async with bench.beating() as beat:
            assert beat.trouble == "cannot send the heartbeat: RuntimeError"
    assert "hc-ping" not in str(logs)


async def test_after_a_stop_of_the_whole_program_it_is_looked_at_again_before_it_is_well(
    bench: Bench,
) -> None:
    """As after a SIGSTOP: nothing came meanwhile, and what was missed is not made up for."""
    async with bench.beating():
        await bench.clock.advance(30)
        bench.clock.mono += 300
        await bench.clock.advance(0)
        assert bench.times == [0], "late: it looks again"
        await bench.clock.advance(LAG)
        assert bench.times == [0, 331]
        assert bench.lags[-1] == 0
        await bench.clock.advance(60)
    assert bench.times == [0, 331, 360]


async def test_the_last_words_are_no_news_and_hold_up_nobody(bench: Bench) -> None:
    async with bench.beating() as beat:
        pass
    bench.outcomes.append(PingError("no answer within 2 s"))
    await beat.farewell("is being stopped")
    assert bench.pings[-1][1:] == (Signal.LOG, "is being stopped")


def test_the_url_is_not_shown() -> None:
    bench = Bench()
    assert "hc-ping" not in repr(Heartbeat(URL, 60.0, 10.0, bench.clock, bench.tell))
