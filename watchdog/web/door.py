"""Lets connections in: so many and no more, also of those that have not got through TLS yet."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

CONNECTIONS = 256
"""Connections at once; each takes memory and a descriptor of those that the watch lives on."""

HANDSHAKE = 10.0
"""Seconds that TLS may take to begin; until then a connection has 300 kB and no name."""

SHORT_OF = 1.0
"""Seconds until it is tried again, when there was no descriptor for who has come."""


@dataclass(slots=True)
class _Guest:
    coming: asyncio.Task[None]  # until it is let in
    requests: int = 0  # under way


class Door:
    """Gives connections to *server*, which is aiohttp's.

    asyncio's own servers tell nobody of a connection before TLS is done, so who is silent then
    could not be counted. When all places are taken somebody makes room for who comes: whoever asks
    for nothing, and of these who has not for longest; so that one who holds them all keeps nobody
    out. With requests under way at every place it is the one whose has been so for longest.
    """

    def __init__(self, server: web.Server, context: ssl.SSLContext | None) -> None:
        self.context = context
        """Of TLS, for those who come from now on."""
        self._server = server
        self._guests: dict[web.RequestHandler, _Guest] = {}  # who was idle for longest first

    @contextlib.asynccontextmanager
    async def open(self, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
        """Let in who comes to *sockets*, which it closes in the end."""
        for each in sockets:
            each.settimeout(0)
        standing = [asyncio.create_task(self._stand(each), name="door") for each in sockets]
        try:
            yield
        finally:
            tasks = [*standing, *(guest.coming for guest in self._guests.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in sockets:
                each.close()

    @contextlib.contextmanager
    def busy(self, handler: web.RequestHandler) -> Iterator[None]:
        """Know that a request is under way at the connection of *handler*."""
        self._move(handler, 1)
        try:
            yield
        finally:
            self._move(handler, -1)

    def _move(self, handler: web.RequestHandler, requests: int) -> None:
        guest = self._guests.pop(handler, None)
        if guest is not None:
            guest.requests += requests
            self._guests[handler] = guest

    async def _stand(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(SHORT_OF)
                continue
            self._forget_who_has_gone()
            if len(self._guests) >= CONNECTIONS:
                self._make_room()
                await asyncio.sleep(0)  # or who comes in hundreds would be let in before they go
            handler = self._server()
            self._guests[handler] = _Guest(loop.create_task(self._let_in(handler, connection)))

    def _forget_who_has_gone(self) -> None:
        there = set(self._server.connections)
        self._guests = {
            handler: guest
            for handler, guest in self._guests.items()
            if handler in there or not guest.coming.done()
        }

    def _make_room(self) -> None:
        idle = (handler for handler, guest in self._guests.items() if not guest.requests)
        handler = next(idle, next(iter(self._guests)))
        self._guests.pop(handler).coming.cancel()
        if handler.transport is not None:
            handler.transport.abort()  # whatever it has not read would be waited for

    async def _let_in(self, handler: web.RequestHandler, connection: socket.socket) -> None:
        limit = HANDSHAKE if self.context else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: handler, connection, ssl=self.context, ssl_handshake_timeout=limit
            )
        except OSError as error:  # they speak no TLS, or have gone
            # Its frames hold it, and 300 kB of TLS: who hangs up by the thousand would fill our
            # memory before the collector looks.
            error.__traceback__ = None
