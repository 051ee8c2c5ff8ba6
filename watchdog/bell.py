"""A bell to wait for: asyncio.Event, where a thousand services have three of it each.

That one keeps a deque for who waits, which takes 0.7 kB though mostly nobody does.
"""

from __future__ import annotations

import asyncio

_Waiting = asyncio.Future[None]


class Bell:
    """Rings from ``set`` to ``clear``; who waits meanwhile goes on at once."""

    __slots__ = ("_rings", "_waiting")

    def __init__(self) -> None:
        self._rings = False
        self._waiting: tuple[_Waiting, ...] = ()

    def is_set(self) -> bool:
        """Tell whether it rings."""
        return self._rings

    def set(self) -> None:
        """Ring; whoever waits goes on."""
        self._rings = True
        waiting, self._waiting = self._waiting, ()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Stop ringing; whoever was called goes on all the same."""
        self._rings = False

    async def wait(self) -> None:
        """Return once it has rung."""
        if self._rings:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting += (future,)
        try:
            await future
        finally:
            self._waiting = _without(future, self._waiting)


def _without(future: _Waiting, waiting: tuple[_Waiting, ...]) -> tuple[_Waiting, ...]:
    return tuple(other for other in waiting if other is not future)
