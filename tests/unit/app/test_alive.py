"""systemd's watchdog hears of us while we move, also where the host is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.unit.clock import FakeClock
from watchdog.app.alive import prove_life
from watchdog.heartbeat.lag import LAG, LOOKS

START = 1000.0


@dataclass
class Proof:
    clock: FakeClock = field(default_factory=FakeClock)
    stuck: list[str] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)  # seconds

    def alive(self) -> None:
        self.heard.append(self.clock.mono - START)

    async def stand_still(self, seconds: float) -> None:
        """Have time pass in which nothing runs."""
        self.clock.mono += seconds
        await self.clock.advance(0)


@pytest.fixture
async def proof() -> AsyncIterator[Proof]:
    proof = Proof()
    proving = prove_life(proof.clock, 10.0, lambda: proof.stuck, proof.alive)
    task = asyncio.create_task(proving)
    await proof.clock.settle()
    yield proof
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_hears_of_us_while_all_moves(proof: Proof) -> None:
    await proof.clock.advance(20)
    assert proof.heard == [10, 20]
    proof.stuck.append("api")
    with capture_logs() as logs:
        await proof.clock.advance(10)
    assert proof.heard == [10, 20]
    assert [entry["reason"] for entry in logs] == ["does not move: api"]


async def test_after_a_moment_without_a_cpu_it_hears_of_us_at_the_next_look(proof: Proof) -> None:
    with capture_logs() as logs:
        await proof.stand_still(25)
        assert proof.heard == []
        await proof.clock.advance(LAG)
    assert proof.heard == [26]
    assert logs == []


async def test_of_a_loop_that_stays_late_it_hears_nothing(proof: Proof) -> None:
    with capture_logs() as logs:
        await proof.stand_still(12)
        for _ in range(LOOKS - 1):
            await proof.stand_still(LAG + 1.5)
    assert proof.heard == []
    assert [entry["reason"] for entry in logs] == ["the event loop is 1.5 s late"]
