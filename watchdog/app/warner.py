"""The host's own warnings: one watch at a time, begun anew where a reload has changed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from watchdog.core.model import Alert, Note, State
from watchdog.core.thresholds import HostWarnings
from watchdog.core.warning import HOST, dropped
from watchdog.ports import Addressed, Change, Clock, Store

if TYPE_CHECKING:
    from watchdog.host_watch import HostWatch


class HostWarner:
    """Runs the watch over the host as a task of *tasks*."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        address: Callable[[Iterable[Alert]], Sequence[Addressed]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._address = address
        self._settings: tuple[HostWarnings, tuple[str, ...]] | None = None
        self._watch: HostWatch | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Return what is remembered of the host: its standing warnings."""
        return self._watch.state if self._watch is not None else State(HOST)

    async def apply(self, warnings: HostWarnings, paths: tuple[str, ...]) -> None:
        """Watch as *warnings* say, the file systems of *paths* in any case; nothing, no task."""
        if self._settings == (warnings, paths):
            return
        self._settings = warnings, paths
        if self._running is not None:
            self._running.cancel()
            self._running = None
        if not (warnings.disk_used or warnings.inodes_used):
            self._watch = None
            await self._withdraw()
            return
        from watchdog.host_watch import HostWatch  # noqa: PLC0415 - only where it is wanted

        watch = HostWatch(warnings, paths, self._store, self._clock, self._address)
        await watch.load()
        self._watch = watch  # only now: what stands must not look over meanwhile
        self._running = self._tasks.create_task(watch.run(), name="host")

    async def _withdraw(self) -> None:
        """End the warnings of what is not measured any more."""
        now = self._clock.now()
        left = (await self._store.load(now)).get(HOST)
        if left is not None and left.state.warnings:
            ends = dropped(left.state, now)
            notes = [effect for effect in ends if isinstance(effect, Note)]
            alerts = [effect for effect in ends if isinstance(effect, Alert)]
            await self._store.commit(Change(State(HOST), now, notes, self._address(alerts)))
