"""Lets connections in: so many and no more, also of those that have not got through TLS yet."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

CONNECTIONS = 256
"""Connections at once; each takes memory and a descriptor of those that the watch lives on."""

HANDSHAKE = 10.0
"""Seconds that TLS may take to begin; until then a connection has 300 kB and no name."""

SHORT_OF = 1.0
"""Seconds until it is tried again, when there was no descriptor for who has come."""


class Door:
    """Gives connections to *server*, which is aiohttp's.

    asyncio's own servers tell nobody of a connection before TLS is done, so who is silent then
    could not be counted.
    """

    def __init__(self, server: web.Server, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._context = context
        self._coming = set[asyncio.Task[None]]()

    @contextlib.asynccontextmanager
    async def open(self, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
        """Let in who comes to *sockets*, which it closes in the end."""
        for each in sockets:
            each.settimeout(0)
        standing = [asyncio.create_task(self._stand(each), name="door") for each in sockets]
        try:
            yield
        finally:
            tasks = [*standing, *self._coming]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in sockets:
                each.close()

    async def _stand(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(SHORT_OF)
                continue
            if len(self._server.connections) + len(self._coming) >= CONNECTIONS:
                connection.close()
                continue
            task = loop.create_task(self._let_in(connection))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    async def _let_in(self, connection: socket.socket) -> None:
        limit = HANDSHAKE if self._context else None
        with contextlib.suppress(OSError):  # they speak no TLS, or have gone
            await asyncio.get_running_loop().connect_accepted_socket(
                self._server, connection, ssl=self._context, ssl_handshake_timeout=limit
            )
