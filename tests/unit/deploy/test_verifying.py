"""Waiting until services are up, or for the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.unit.deploy.bench import BAD, GOOD, Bench
from tests.unit.doubles import ScriptedControl
from watchdog.core.model import Observation, Verdict
from watchdog.deploy.verifying import Verified, verify

UNKNOWN = Observation(Verdict.UNKNOWN, "http", "cannot ask")


async def verified(bench: Bench, patience: float = 30.0) -> Sequence[Verified]:
    running = asyncio.ensure_future(verify([bench.target], patience))
    async with asyncio.timeout(20):
        while not running.done():
            await bench.clock.advance(0.25)
            await asyncio.sleep(0)
    return running.result()


async def test_a_service_is_up_with_its_first_round_that_passes() -> None:
    bench = Bench(answers=[BAD] * 40 + [GOOD])
    [result] = await verified(bench)
    assert (result.code, result.verdict) == (0, Verdict.PASS)
    assert [answer.check for answer in result.answers] == ["unit", "port", "http"]
    assert bench.clock.mono <= 1000 + 41 * 0.25 + 1


async def test_what_is_not_up_at_the_deadline_is_told_as_it_was_seen_last() -> None:
    [result] = await verified(Bench(answers=[BAD]))
    assert (result.code, result.answers[-1].reason) == (1, "/health answered 500")


async def test_a_process_that_ends_meanwhile_is_looked_at_again_at_once() -> None:
    bench = Bench(control=ScriptedControl(ending=True), answers=[BAD, GOOD])
    [result] = await verified(bench)
    assert result.verdict is Verdict.PASS
    assert bench.clock.mono < 1000 + 1


async def test_what_cannot_be_asked_is_neither_up_nor_down() -> None:
    [result] = await verified(Bench(answers=[UNKNOWN]))
    assert result.code == 3


async def test_a_service_that_hangs_does_not_hold_up_the_deadline() -> None:
    bench = Bench()
    hangs = asyncio.Event()

    async def ask() -> Observation:
        await hangs.wait()
        return GOOD

    bench.ask = ask  # type: ignore[method-assign]
    [result] = await verified(bench, 2.0)
    assert (result.code, result.answers[-1].reason) == (1, "no answer before the deadline")
    assert bench.clock.mono <= 1000 + 4
