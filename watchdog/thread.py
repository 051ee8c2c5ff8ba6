"""Calls that block, off the event loop and out of the way of the executors."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(call: Callable[[], _T]) -> _T:
    """Return what *call* returns, or raise the Exception it raises, from a thread of its own.

    A resolver that hangs for a minute must neither fill a pool that others wait for nor hold up
    the end of the program: hence a daemon thread, left to itself if the caller is cancelled.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(answer: _T | None, error: Exception | None) -> None:
        if future.done():
            return  # cancelled meanwhile
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(answer)  # type: ignore[arg-type]  # None is a _T if call returned it

    def run() -> None:
        answer, error = None, None
        try:
            answer = call()
        except Exception as raised:  # noqa: BLE001 - it goes to the caller
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, answer, error)

    threading.Thread(target=run, name="watchdog-blocking", daemon=True).start()
    return await future
