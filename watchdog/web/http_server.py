"""Serves pages, API and metrics over HTTP, where the configuration says."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web
from aiohttp.http import HttpProcessingError

from watchdog.config import WebSettings
from watchdog.config.kinds import is_loopback
from watchdog.errors import WebError
from watchdog.web.door import Door
from watchdog.web.guard import add_headers, make_guard
from watchdog.web.http_api import LONGEST

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

FAREWELL = 1.0
"""Seconds that requests under way are given when it ends."""

QUIET = 20.0
"""Seconds until who asks for nothing, or not to the end, makes room; scrapes come more often."""

BACKLOG = 64
"""Connections that wait to be let in."""

log = logging.getLogger(__name__)
log.addFilter(lambda record: not _is_their_fault(record))


def _is_their_fault(record: logging.LogRecord) -> bool:
    """Tell whether a request was malformed: it is refused, and nobody reads of it."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, HttpProcessingError)


class HttpServer:
    """Serves *routes*; an async context manager."""

    def __init__(self, settings: WebSettings, routes: Iterable[web.AbstractRouteDef]) -> None:
        self._settings = settings
        is_own = bool(settings.path) or is_loopback(settings.host)
        guard = make_guard(settings, is_own=is_own)
        app = web.Application(middlewares=[self._note, guard], client_max_size=LONGEST)
        app.on_response_prepare.append(add_headers)
        app.add_routes(routes)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=log,
            handler_cancellation=True,  # a page that is closed is known at once
            shutdown_timeout=FAREWELL,
            keepalive_timeout=QUIET,
        )
        self._open = contextlib.AsyncExitStack()
        self._door: Door | None = None

    @property
    def _where(self) -> str:
        return self._settings.path or f"{self._settings.host}:{self._settings.port}"

    async def __aenter__(self) -> Self:
        """Listen. Raises WebError if that is not possible."""
        settings = self._settings
        try:
            context = _tls(settings)
            await self._runner.setup()
            self._open.push_async_callback(self._runner.cleanup)
            assert self._runner.server is not None  # noqa: S101 - it is set up
            sockets = _bound_to(settings.path) if settings.path else await _bound(settings)
            self._door = Door(self._runner.server, context)
            await self._open.enter_async_context(self._door.open(sockets))
        except OSError as error:  # of TLS as well
            await self._open.aclose()
            why = error.strerror or error
            text = f"cannot serve {self._where}: {why}; the watch goes on without"
            raise WebError(text) from error
        return self

    def renew(self) -> None:
        """Take the certificate from its files again, for those who come from now on.

        Raises WebError: they get the one that there is.
        """
        assert self._door is not None  # noqa: S101 - it was entered
        try:
            self._door.context = _tls(self._settings)
        except OSError as error:
            why = error.strerror or error
            text = f"cannot renew the certificate of {self._where}: {why}; the old one stays"
            raise WebError(text) from error

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        assert self._door is not None  # noqa: S101 - somebody came through it
        with self._door.busy(request.protocol):
            return await handler(request)

    async def __aexit__(self, *exc_info: object) -> None:
        await self._open.aclose()
        if self._settings.path:
            _remove(self._settings.path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()


def _bound_to(path: str) -> list[socket.socket]:
    _remove(path)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(path)
        Path(path).chmod(0o660)  # for the group
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return [listening]


async def _bound(settings: WebSettings) -> list[socket.socket]:
    """Listen at every address that the host has, or at none."""
    found = await asyncio.get_running_loop().getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_server(address, family=family, backlog=BACKLOG))
            for family, address in dict.fromkeys((each[0], each[4]) for each in found)
        ]
        opened.pop_all()
    return sockets


def _tls(settings: WebSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key_file)
    except OSError as error:  # names no file
        files = f"{settings.certificate} and {settings.key_file}"
        why = error.strerror or error
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            why = "the key is not that of the certificate"
        raise OSError(error.errno, f"cannot take {files}: {why}") from error
    return context
