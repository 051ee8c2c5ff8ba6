"""Waiting for a disk, but not for ever: a call that it does not answer keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from watchdog.errors import StoreError

STOPPING = 1.0
"""Seconds that a daemon which stops waits for a sick disk."""

_T = TypeVar("_T")


class Patient:
    """Asks the database at *path* and waits *seconds* for each answer.

    *answers* is called when the disk has answered after all, which it may do much later.
    """

    def __init__(
        self, path: Path, seconds: float, answers: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._answers = answers
        self._stuck: asyncio.Future[Any] | None = None  # a call that has no answer yet
        self._late: set[asyncio.Task[None]] = set()

    async def answer(self, call: Coroutine[Any, Any, _T]) -> _T:
        """Return what *call* returns. Raises StoreError, also if it takes too long.

        A call that takes too long goes on, and no other waits behind it: all fail at once.
        """
        if self._stuck is not None:
            call.close()
            raise self._unanswered()
        task = asyncio.ensure_future(call)
        task.add_done_callback(_seen)
        done, _ = await asyncio.wait({task}, timeout=self._seconds)
        if not done:
            self._stuck = task
            task.add_done_callback(self._unstuck)
            raise self._unanswered()
        return task.result()

    def stop(self) -> None:
        """Have less patience from now on, and call nothing any more."""
        self._seconds = min(self._seconds, STOPPING)
        if self._stuck is not None:
            self._stuck.remove_done_callback(self._unstuck)
        for task in tuple(self._late):
            task.cancel()

    def _unanswered(self) -> StoreError:
        return StoreError(
            f"cannot use {self._path}: no answer within {self._seconds:g} s; check the disk"
        )

    def _unstuck(self, _: object) -> None:
        self._stuck = None
        task = asyncio.ensure_future(self._answers())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


def _seen(task: asyncio.Future[Any]) -> None:
    """Look at the outcome, so that asyncio does not complain if nobody else will."""
    if not task.cancelled():
        task.exception()
