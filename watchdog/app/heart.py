"""The heartbeat that is configured, and its task; a reload swaps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from watchdog.config import Config, HeartbeatSettings
from watchdog.ports import Clock

if TYPE_CHECKING:
    from watchdog.app.health import Health
    from watchdog.heartbeat.beat import Heartbeat


class Heart:
    """Runs the heartbeat, if one is configured, as a task of *tasks*."""

    def __init__(self, clock: Clock, changed: Callable[[], None], tasks: asyncio.TaskGroup) -> None:
        self._clock = clock
        self._changed = changed
        self._tasks = tasks
        self._settings: HeartbeatSettings | None = None
        self._beat: Heartbeat | None = None
        self._health: Health | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why the last sign of life was not taken; empty if it was, or none is sent."""
        return self._beat.trouble if self._beat is not None else ""

    async def apply(self, config: Config, health: Health) -> None:
        """Beat as *config* says, telling what *health* reports."""
        settings = config.heartbeat
        if settings == self._settings:
            return
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._settings, self._health, self._beat, self._task = settings, health, None, None
        if settings is not None:
            from watchdog.heartbeat.beat import Heartbeat  # noqa: PLC0415 - not everybody has one

            self._beat = Heartbeat(
                settings.url.reveal(),
                settings.interval,
                settings.timeout,
                self._clock,
                health.report,
                self._changed,
            )
            self._task = self._tasks.create_task(self._beat.run(), name="heartbeat")

    async def farewell(self) -> None:
        """Say that the daemon ends because somebody asked for it."""
        if self._beat is not None and self._health is not None:
            await self._beat.farewell(self._health.last_words())
