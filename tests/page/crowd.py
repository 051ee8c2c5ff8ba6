"""A thousand services that nobody runs, told of as a daemon tells of its own, from a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from watchdog.config import Secret, WebSettings
from watchdog.web import page
from watchdog.web.http_server import HttpServer
from watchdog.web.live import Live

TOKEN = "0123456789abcdef0123"
"""With which the page may act."""


def service(name: str, phase: str = "healthy", **more: Any) -> dict[str, Any]:
    """Return what the daemon tells of a service."""
    return {
        "name": name,
        "phase": phase,
        "for": 60.0,
        "reason": "" if phase == "healthy" else "/health answered 500",
        "failures": 0,
        "max_failures": 3,
        "checks": [{"check": "unit", "verdict": "pass", "reason": "active", "ms": 0.0}],
        "restarts_left": 5,
        "restart_in": None,
        "incident": None,
        "maintenance": None,
        "silence": None,
        "warnings": [],
        "pid": 1,
        "code": 0 if phase == "healthy" else 1,
        **more,
    }


class Crowd:
    """Services by name; what is put in the place of another one is news."""

    def __init__(self, count: int) -> None:
        names = [f"service-{number:04}" for number in range(count)]
        self.shown: dict[str, dict[str, Any]] = {name: service(name) for name in names}
        self._live = Live(self)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: HttpServer | None = None

    def marks(self) -> Mapping[str, object]:
        return dict(self.shown)

    def services(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return [self.shown[name] for name in names if name in self.shown]

    def daemon(self) -> Mapping[str, Any]:
        return {"version": "1", "host": "web-1", "trouble": [], "warnings": []}

    def become(self, each: dict[str, Any]) -> None:
        """Put *each* in its place, and let it be known."""

        def change() -> None:
            self.shown[each["name"]] = each
            self._live.ring()

        self._loop.call_soon_threadsafe(change)

    def forget(self, name: str) -> None:
        self._loop.call_soon_threadsafe(lambda: self.shown.pop(name))

    def listen(self, port: int) -> None:
        """Serve the page, until told to stop."""

        async def listen() -> None:
            routes = [*page.routes(), *self._live.routes()]
            settings = WebSettings(port=port, token=Secret(TOKEN, None))
            self._server = await HttpServer(settings, routes).__aenter__()

        self._do(listen)

    def stop(self) -> None:
        """Serve no more: every connection ends."""

        async def stop() -> None:
            self._live.end()
            if self._server is not None:
                await self._server.__aexit__()
            self._server = None

        self._do(stop)

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _do(self, work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)
