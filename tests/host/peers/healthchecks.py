"""A Healthchecks: takes pings in the form of https://healthchecks.io/docs/http_api/, and no others.

It is as strict as the real one about method, path and check; of a body it keeps what that keeps.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import ClassVar

from aiohttp import web

from tests.host.peers.arrivals import WAIT_SECONDS, Arrivals

BODY_LIMIT = 10_000  # PING_BODY_LIMIT of one that people host themselves


@dataclass(frozen=True)
class Ping:
    """One ping that was taken."""

    signal: str  # "success", "fail", "start", "log" or an exit status
    body: str
    method: str
    agent: str
    content_type: str
    query: str


@dataclass
class Healthchecks:
    """The server; ``mode`` has it misbehave."""

    CHECK: ClassVar[str] = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
    PATH: ClassVar[str] = f"/ping/{CHECK}"

    port: int = 0
    pings: list[Ping] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # refused ones too
    mode: str = "ok"  # "hang", "status 503", "redirect", "not found", "rate limited"
    _arrivals: Arrivals = field(default_factory=Arrivals)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append(f"{request.method} {request.path}")
        match self.mode.split():
            case ["hang"]:
                await asyncio.Event().wait()
            case ["status", status]:
                return web.Response(status=int(status), text=f"no luck with {request.path}")
            case ["redirect"]:
                raise web.HTTPFound(f"{self.PATH}-elsewhere")
            case ["not", "found"] | ["rate", "limited"]:
                return web.Response(text=f"OK ({self.mode})")
        found = re.fullmatch(rf"{self.PATH}(?:/(fail|start|log|\d{{1,3}}))?", request.path)
        if found is None:
            return web.Response(status=HTTPStatus.NOT_FOUND, text="(not found)")
        if request.method not in {"HEAD", "GET", "POST"}:
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        body = (await request.read())[:BODY_LIMIT].decode()
        self.pings.append(
            Ping(
                found[1] or "success",
                body,
                request.method,
                request.headers.get("User-Agent", ""),
                request.headers.get("Content-Type", ""),
                request.query_string,
            )
        )
        await self._arrivals.tell()
        return web.Response(text="OK")

    async def wait_for(self, count: int, timeout: float = WAIT_SECONDS) -> Sequence[Ping]:  # noqa: ASYNC109
        """Return all pings as soon as there are *count*."""
        return await self._arrivals.wait_for(self.pings, count, timeout)


@asynccontextmanager
async def checking(
    tls: ssl.SSLContext | None = None, sock: socket.socket | None = None
) -> AsyncIterator[Healthchecks]:
    """Run a Healthchecks on loopback, or on *sock*."""
    checks = Healthchecks()
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", checks.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site: web.BaseSite
    if sock is not None:
        site = web.SockSite(runner, sock)
    else:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    checks.port = runner.addresses[0][1]
    try:
        yield checks
    finally:
        await runner.cleanup()
