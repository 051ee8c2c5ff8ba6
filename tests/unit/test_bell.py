"""The bell behaves as asyncio.Event does."""

from __future__ import annotations

import asyncio

import pytest

from watchdog.bell import Bell


async def waiting(bell: Bell) -> asyncio.Task[None]:
    """Return a task that waits for *bell*."""
    task = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)
    return task


async def test_whoever_waits_goes_on_once_it_rings() -> None:
    bell = Bell()
    tasks = [await waiting(bell), await waiting(bell)]
    assert not any(task.done() for task in tasks)
    bell.set()
    await asyncio.gather(*tasks)


async def test_who_comes_while_it_rings_does_not_wait() -> None:
    bell = Bell()
    bell.set()
    assert bell.is_set()
    assert (await waiting(bell)).done()


async def test_who_comes_after_it_has_stopped_waits_again() -> None:
    bell = Bell()
    bell.set()
    bell.clear()
    assert not bell.is_set()
    task = await waiting(bell)
    assert not task.done()
    bell.set()
    await task


async def test_who_was_called_goes_on_though_it_has_stopped_meanwhile() -> None:
    bell = Bell()
    task = await waiting(bell)
    bell.set()
    bell.clear()
    await task


@pytest.mark.parametrize("before", [True, False], ids=["before it rings", "in the same turn"])
async def test_who_gives_up_waiting_is_forgotten_and_keeps_nobody_else(*, before: bool) -> None:
    bell = Bell()
    impatient, patient = await waiting(bell), await waiting(bell)
    impatient.cancel()
    if before:
        await asyncio.wait([impatient])
    bell.set()
    await patient
    await asyncio.wait([impatient])
    assert impatient.cancelled()
    assert not bell._waiting
