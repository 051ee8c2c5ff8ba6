"""What is new, as server-sent events, to whoever looks at the page.

While nobody looks there is no task and no work. (https://html.spec.whatwg.org/, section 9.2)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import msgspec
from aiohttp import web

from watchdog.web.http_api import VERSION, refused

PACE = 0.25
"""Seconds from one look at what has changed to the next, at least."""

CALM = 1.0
"""Seconds until a look that nothing has asked for: a round that passes rings no bell."""

READERS = 32
"""Pages that may be open at once."""

BEHIND = 64
"""Events that a reader may be behind; then it is cut off, comes again, and is told all."""

SILENCE = 15.0
"""Seconds until something is sent all the same, so that proxies keep the connection."""


class Source(Protocol):
    """What there is to tell of."""

    def marks(self) -> Mapping[str, object]:
        """Return a mark for each service; another object whenever there is news of it."""
        ...

    def services(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Describe the services of these names."""
        ...

    def daemon(self) -> Mapping[str, Any]:
        """Describe the daemon, as far as a page shows it."""
        ...


class Live:
    """Looks for news and hands them to every reader, for as long as there are any."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._readers: set[asyncio.Queue[bytes | None]] = set()
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return where the events are."""
        return [web.get(f"/api/{VERSION}/events", self._events)]

    def ring(self) -> None:
        """Look for news soon: something has changed."""
        self._bell.set()

    def end(self) -> None:
        """Let every reader go."""
        for news in list(self._readers):
            self._cut_off(news)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._readers) >= READERS:
            return refused(503, f"{READERS} pages are open already; close one")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        async with self._reading() as news:
            with suppress(ConnectionResetError):  # closed by the reader
                await response.write(b"retry: 1000\n\n")
                while (event := await _next(news)) is not None:
                    await response.write(event)
        return response

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncio.Queue[bytes | None]]:
        """Give a queue of events that begins with all there is."""
        news: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND)
        source = self._source
        news.put_nowait(_event("services", source.services(list(source.marks()))))
        news.put_nowait(_event("daemon", source.daemon()))
        self._readers.add(news)
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="live page")
        try:
            yield news
        finally:
            self._readers.discard(news)
            if not self._readers and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _watch(self) -> None:
        marks, daemon = self._source.marks(), self._source.daemon()
        while True:
            await asyncio.sleep(PACE)
            try:
                async with asyncio.timeout(CALM - PACE):
                    await self._bell.wait()
            except TimeoutError:
                pass
            self._bell.clear()
            before, marks = marks, self._source.marks()
            if news := [name for name, mark in marks.items() if before.get(name) is not mark]:
                self._tell(_event("services", self._source.services(news)))
            if gone := [name for name in before if name not in marks]:
                self._tell(_event("gone", gone))
            if daemon != (daemon := self._source.daemon()):
                self._tell(_event("daemon", daemon))

    def _tell(self, event: bytes) -> None:
        for news in list(self._readers):
            if news.full():
                self._cut_off(news)
            else:
                news.put_nowait(event)

    def _cut_off(self, news: asyncio.Queue[bytes | None]) -> None:
        self._readers.discard(news)
        while not news.empty():
            news.get_nowait()
        news.put_nowait(None)


async def _next(news: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(SILENCE):
            return await news.get()
    except TimeoutError:
        return b": still here\n\n"


def _event(kind: str, data: Any) -> bytes:
    # JSON has no newlines of its own, so one line is all of it.
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data, enc_hook=str))
