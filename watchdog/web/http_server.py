"""Serves pages, API and metrics over HTTP, where the configuration says."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from aiohttp import web
from aiohttp.http import HttpProcessingError

from watchdog.config import WebSettings
from watchdog.config.kinds import is_loopback
from watchdog.errors import WebError
from watchdog.web.guard import make_guard
from watchdog.web.http_api import LONGEST

FAREWELL = 1.0
"""Seconds that requests under way are given when it ends."""

CONNECTIONS = 256
"""Connections at once; each takes memory and a descriptor of those that the watch lives on."""

log = logging.getLogger(__name__)
log.addFilter(lambda record: not _is_their_fault(record))


class _Runner(web.AppRunner):
    """Turns away who comes when too many are there."""

    async def _make_server(self) -> web.Server:
        return _Bounded(await super()._make_server())  # type: ignore[return-value]


class _Bounded:
    """A server that has so many connections and no more."""

    def __init__(self, server: web.Server) -> None:
        self._server = server

    def __call__(self) -> asyncio.BaseProtocol:
        if len(self._server.connections) >= CONNECTIONS:
            return _TurnedAway()
        return self._server()

    def __getattr__(self, name: str) -> object:
        return getattr(self._server, name)


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up."""
        transport.close()


def _is_their_fault(record: logging.LogRecord) -> bool:
    """Tell whether a request was malformed: it is refused, and nobody reads of it."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, HttpProcessingError)


class HttpServer:
    """Serves *routes*; an async context manager."""

    def __init__(self, settings: WebSettings, routes: Iterable[web.AbstractRouteDef]) -> None:
        self._settings = settings
        is_own = bool(settings.path) or is_loopback(settings.host)
        app = web.Application(
            middlewares=[make_guard(settings, is_own=is_own)], client_max_size=LONGEST
        )
        app.add_routes(routes)
        self._runner = _Runner(
            app,
            access_log=None,
            logger=log,
            handler_cancellation=True,  # a page that is closed is known at once
            shutdown_timeout=FAREWELL,
        )

    async def __aenter__(self) -> Self:
        """Listen. Raises WebError if that is not possible."""
        settings = self._settings
        where = settings.path or f"{settings.host}:{settings.port}"
        try:
            await self._runner.setup()
            if settings.path:
                _remove(settings.path)
                site: web.BaseSite = web.UnixSite(self._runner, settings.path)
            else:
                context = _tls(settings)
                site = web.TCPSite(
                    self._runner, settings.host, settings.port, ssl_context=context, backlog=64
                )
            await site.start()
            if settings.path:
                _open_to_group(settings.path)
        except (OSError, ssl.SSLError) as error:
            await self._runner.cleanup()
            why = error.strerror or error
            raise WebError(f"cannot serve {where}: {why}; the watch goes on without") from error
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()
        if self._settings.path:
            _remove(self._settings.path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()


def _open_to_group(path: str) -> None:
    Path(path).chmod(0o660)


def _tls(settings: WebSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.certificate, settings.key_file)
    return context
