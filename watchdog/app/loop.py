"""The daemon's event loop."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

from watchdog.thread import in_thread

Question = tuple[Any, ...]


class Loop(asyncio.SelectorEventLoop):
    """asyncio's own, which asks for names in threads that nobody waits for, one for each name.

    A resolver that is dead holds a thread for half a minute at each question. asyncio's own way
    takes these threads from a pool of a few, where metrics would wait behind them, and lets the
    program not end before they do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asking: dict[Question, asyncio.Task[Any]] = {}

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as asyncio names it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """Return the addresses of *host*. Raises socket.gaierror."""
        question = host, port, family, type, proto, flags
        asking = self._asking.get(question)
        if asking is None:
            asking = self._asking[question] = self.create_task(_answer(question))
            asking.add_done_callback(lambda _: self._asking.pop(question))
        answer = await asyncio.shield(asking)
        if isinstance(answer, Exception):
            raise answer.with_traceback(None)
        return answer


def new_loop() -> Loop:
    """Return a loop that is the current one: only then may it start processes (Python 3.11)."""
    loop = Loop()
    asyncio.set_event_loop(loop)  # which asyncio.Runner leaves to a factory
    return loop


async def _answer(question: Question) -> Any:
    """Return what the resolver says, or the error, which several may be waiting for."""
    try:
        return await in_thread(partial(socket.getaddrinfo, *question))
    except (OSError, UnicodeError, RuntimeError) as error:  # the last: no thread can be had
        return error
