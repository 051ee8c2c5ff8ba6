"""What is new, as server-sent events, to whoever looks at the page.

While nobody looks there is no task and no work. (https://html.spec.whatwg.org/, section 9.2)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
from aiohttp import web

from watchdog.web.guard import MAY_ACT
from watchdog.web.http_api import VERSION, refused
from watchdog.web.reader import Reader

PACE = 0.25
"""Seconds from one look at what has changed to the next, at least."""

CALM = 1.0
"""Seconds until a look that nothing has asked for: a round that passes rings no bell."""

READERS = 32
"""Pages that may be open at once."""

TENURE = 10.0
"""Seconds until a page may have to make room for another, and come again itself."""

STUCK = 30.0
"""Seconds in which a page must have taken an event; then its place is another one's."""

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
    """Looks for news and tells every reader, for as long as there are any."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._readers: dict[Reader, float] = {}  # since when, by the loop's time; oldest first
        self._said: dict[str, bytes] = {}  # services as described since the last look
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
        for reader in self._readers:
            reader.end()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._readers) >= READERS and not self._made_room():
            return refused(503, f"{READERS} pages are open already; close one")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        with self._reading() as reader:
            await response.prepare(request)
            try:
                await _write(response, b"retry: 1000\n\n")
                access = {"acts": bool(request.get(MAY_ACT))}
                await _write(response, _event("access", _encode(access)))
                while not reader.ended:
                    await self._tell(reader, response)
            except ConnectionResetError:
                pass  # closed by the reader
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()  # or what waits in it would be waited for
        return response

    async def _tell(self, reader: Reader, response: web.StreamResponse) -> None:
        """Tell *reader* what it has not been told, or after a silence that nothing has happened."""
        try:
            async with asyncio.timeout(SILENCE):
                await reader.wait()
        except TimeoutError:
            await _write(response, b": still here\n\n")
            return
        if reader.which:
            reader.which = False
            await _write(response, _event("names", _encode(list(self._source.marks()))))
        if reader.daemon:
            reader.daemon = False
            await _write(response, _event("daemon", _encode(self._source.daemon())))
        while names := reader.take():
            told = b",".join(filter(None, map(self._service, names)))
            await _write(response, _event("services", b"[%b]" % told))
            await asyncio.sleep(0)  # a thousand of them keep no round waiting

    def _service(self, name: str) -> bytes:
        """Describe a service once for all readers; nothing if it has just gone."""
        if name not in self._said:
            found = self._source.services([name])
            self._said[name] = _encode(found[0]) if found else b""
        return self._said[name]

    def _made_room(self) -> bool:
        """Let go who has been there for longest, if for long: nobody keeps all others out."""
        reader, since = next(iter(self._readers.items()))
        if asyncio.get_running_loop().time() < since + TENURE:
            return False
        del self._readers[reader]
        reader.end()
        return True

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        """Give a reader, which is to be told all there is."""
        reader = Reader(self._source.marks())
        self._readers[reader] = asyncio.get_running_loop().time()
        if self._task is None:
            self._said.clear()
            self._task = asyncio.create_task(self._watch(), name="live page")
        try:
            yield reader
        finally:
            self._readers.pop(reader, None)
            if not self._readers and self._task is not None:
                self._task.cancel()
                self._task = None
                self._said.clear()

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
            self._said.clear()
            before, marks = marks, self._source.marks()
            known, daemon = daemon, self._source.daemon()
            news = [name for name, mark in marks.items() if before.get(name) is not mark]
            is_gone = any(name not in marks for name in before)
            if news or is_gone or daemon != known:
                for reader in self._readers:
                    reader.tell(news, which=is_gone, daemon=daemon != known)


async def _write(response: web.StreamResponse, event: bytes) -> None:
    async with asyncio.timeout(STUCK):
        await response.write(event)


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _event(kind: str, data: bytes) -> bytes:
    # JSON has no newlines of its own, so one line is all of it.
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
