"""Waiting for what arrives at a peer."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")

WAIT_SECONDS = 10.0


class Arrivals:
    """Tells those who wait that something has arrived."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def tell(self) -> None:
        """Let those who wait look again."""
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(
        self,
        arrived: list[T],
        count: int,
        timeout: float,  # noqa: ASYNC109
    ) -> list[T]:
        """Return *arrived* as soon as it has *count*; TimeoutError if that takes too long."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(arrived) >= count)
        return arrived
