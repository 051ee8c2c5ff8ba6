"""What is served over HTTP, and the task that does it; a reload swaps it."""

# ruff: noqa: PLC0415 - a daemon that serves nothing pays nothing for it

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from watchdog.config import Config, WebSettings
from watchdog.errors import WebError
from watchdog.web.control_socket import Call

if TYPE_CHECKING:
    from watchdog.app.engine import Engine
    from watchdog.web.http_server import HttpServer
    from watchdog.web.live import Live

log = structlog.get_logger()

RETRY = 10.0
"""Seconds until an address that could not be had is tried again."""


class Web:
    """Serves pages, API and metrics, if configured, as a task of *tasks*."""

    def __init__(
        self,
        engine: Engine,
        calls: Mapping[str, Call],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.trouble = ""  # why nothing is served though something should be
        self._engine = engine
        self._calls = calls
        self._live: Live | None = None
        self._server: HttpServer | None = None  # while it serves
        self._tasks = tasks
        self._settings: WebSettings | None = None
        self._task: asyncio.Task[None] | None = None

    async def apply(self, config: Config) -> None:
        """Serve as *config* says; what has not changed goes on, with its certificate read anew."""
        self._keep_trends(kept=config.web is not None)
        if config.web == self._settings:
            self._renew()
            return
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._settings, self._task, self._live, self.trouble = config.web, None, None, ""
        if config.web is not None:
            self._task = self._tasks.create_task(self._serve(config), name="web")

    def _renew(self) -> None:
        if self._server is not None:
            try:
                self._server.renew()
            except WebError as error:
                self._tell(str(error))
            else:
                self._tell("")

    def ring(self) -> None:
        """Let open pages look for news: something has changed."""
        if self._live is not None:
            self._live.ring()

    def _keep_trends(self, *, kept: bool) -> None:
        """Let each service keep a day of latency, which is there to be shown and nothing else."""
        for worker in self._engine.workers.values():
            if not kept:
                worker.latency.trend = None
            elif worker.latency.trend is None:
                from watchdog.trend import Trend

                worker.latency.trend = Trend()

    async def _serve(self, config: Config) -> None:
        """Serve until cancelled. What keeps it from serving keeps nothing else."""
        assert config.web is not None  # noqa: S101 - it was looked at
        from watchdog.app.live import Shown
        from watchdog.app.metering import read
        from watchdog.app.past import Past
        from watchdog.web import page
        from watchdog.web.http_api import Api
        from watchdog.web.http_server import HttpServer
        from watchdog.web.live import Live
        from watchdog.web.metrics import Metrics

        engine = self._engine
        metrics = Metrics(partial(read, engine))
        daemon = config.daemon
        zone = ZoneInfo(daemon.timezone) if daemon.timezone else None
        past = Past(engine.store, engine.clock, zone)
        shown = Shown(engine)
        self._live = Live(shown)
        calls = {**self._calls, "availability": past.availability, "latency-day": shown.latency_day}
        parts = (Api(calls), self._live, metrics)
        routes = [*page.routes(), *(route for part in parts for route in part.routes())]
        while True:
            try:
                async with HttpServer(config.web, routes) as server:
                    self._server = server
                    self._tell("")
                    try:
                        await asyncio.Event().wait()
                    finally:
                        self._server = None
                        self._live.end()
            except WebError as error:
                self._tell(str(error))
            await engine.clock.sleep_until(engine.clock.now().mono + RETRY)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.error(trouble)
        self.trouble = trouble
        self._engine.changed.set()
