"""Waiting that ends, and a heartbeat that tells waiting from being stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from watchdog.ports import Clock

Result = TypeVar("Result")


class BrokenOffError(Exception):
    """What was waited for was cancelled, and not by us."""


class Patience:
    """The waits of one task, on its clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._woken = asyncio.Event()
        self._moved = clock.now().mono
        self._alive_until = 0.0  # mono: the end of a wait that is under way

    @property
    def progress(self) -> float:
        """When the task last moved (mono); now, while it waits for something that must end."""
        return max(self._moved, min(self._clock.now().mono, self._alive_until))

    def move(self) -> None:
        """Note that the task is alive."""
        self._moved, self._alive_until = self._clock.now().mono, 0.0

    def wake(self) -> None:
        """End the present rest, or the next one."""
        self._woken.set()

    async def until(self, mono: float) -> None:
        """Wait for the moment *mono*."""
        with self._waiting(mono):
            await self._clock.sleep_until(mono)

    async def rest(self, seconds: float, *events: Awaitable[None]) -> None:
        """Wait for *seconds*, one of *events*, or ``wake``. Raises what an event raises."""
        until = self._clock.now().mono + seconds
        waits = [
            asyncio.ensure_future(event)
            for event in (self._clock.sleep_until(until), self._woken.wait(), *events)
        ]
        try:
            with self._waiting(until):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await abandon(waits)
        self._woken.clear()
        for wait in waits:
            if not wait.cancelled() and (error := wait.exception()):
                raise error

    async def within(self, seconds: float, work: Awaitable[Result]) -> Result:
        """Return what *work* returns. Raises TimeoutError after *seconds*, and BrokenOffError."""
        until = self._clock.now().mono + seconds
        task = asyncio.ensure_future(work)
        bell = asyncio.ensure_future(self._clock.sleep_until(until))
        try:
            with self._waiting(until):
                await asyncio.wait((task, bell), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            if task.cancelled():  # it must not look as if we were
                raise BrokenOffError
            return task.result()
        finally:
            await abandon((task, bell))

    @contextmanager
    def _waiting(self, until: float) -> Iterator[None]:
        self._alive_until = until
        try:
            yield
        finally:
            self.move()


async def abandon(futures: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel *futures*, and wait until they have ended."""
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)
