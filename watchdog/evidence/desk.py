"""Gathers evidence beside the watch: bounded, a few at a time, and never in recovery's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import structlog

from watchdog.ports import Store

log = structlog.get_logger()

Collect = Callable[[], Awaitable[Sequence[str]]]

LIMIT = 2.0
"""Seconds that gathering may take before it is given up."""

AT_ONCE = 4
"""How many services are looked into at the same time; more would compete with their recovery."""


LATER_AT_ONCE = 2
"""How many of those for evidence that can wait: what another service is about to lose must find a
turn."""

PATIENCE = 1.0
"""Seconds for which evidence that survives a restart waits for the restarts under way to end."""


@dataclass(slots=True)
class _File:
    service: str
    incident: str
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Desk:
    """Keeps the newest evidence of each service and files it under its incident."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._later = asyncio.Semaphore(LATER_AT_ONCE)
        self._restarts = 0  # under way
        self._calm = asyncio.Event()  # none is
        self._calm.set()
        self._lines: dict[str, Sequence[str]] = {}
        self._open: dict[str, _File] = {}  # by service
        self._troubles: dict[str, object] = {}  # by service: until it is healthy, one and the same
        self._filing: set[asyncio.Task[None]] = set()

    @contextmanager
    def restarting(self) -> Iterator[None]:
        """Let evidence that survives wait while a restart is under way: it would slow that down."""
        self._restarts += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._restarts -= 1
            if not self._restarts:
                self._calm.set()

    async def gather_later(self, service: str, collect: Collect) -> None:
        """Collect what outlives the process, once the restarts under way are over."""
        trouble = self._trouble(service)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._calm.wait()
        async with self._later:
            if self._troubles.get(service) is trouble:
                await self.gather(service, collect)

    async def gather(self, service: str, collect: Collect) -> None:
        """Collect evidence for *service* now; what cannot be had in time is done without."""
        trouble = self._trouble(service)
        try:
            async with asyncio.timeout(LIMIT), self._turn:
                lines = await collect()
            if self._troubles.get(service) is not trouble:
                return  # it is healthy again; another trouble has evidence of its own
            self._lines[service] = lines
        except TimeoutError:
            log.warning("cannot gather evidence in time; going on without", service=service)
        except Exception:
            log.exception("cannot gather evidence; going on without", service=service)
        await self._file(service)

    def _trouble(self, service: str) -> object:
        return self._troubles.setdefault(service, object())

    def opened(self, service: str, incident: str) -> None:
        """File what is known of *service*, now and from now on, under *incident*."""
        self._open[service] = _File(service, incident)
        if self._lines.get(service):
            filing = asyncio.ensure_future(self._file(service))
            self._filing.add(filing)
            filing.add_done_callback(self._filing.discard)

    def closed(self, service: str) -> None:
        """Forget *service*: it is healthy."""
        self._lines.pop(service, None)
        self._troubles.pop(service, None)
        file = self._open.pop(service, None)
        if file is not None:
            file.ready.set()

    async def ready(self, incident: str) -> None:
        """Return once the first evidence of *incident* is filed, or none is to be had."""
        for file in self._open.values():
            if file.incident == incident:
                await file.ready.wait()
                return

    async def _file(self, service: str) -> None:
        file = self._open.get(service)
        if file is None:
            return
        lines = self._lines.get(service)
        if lines:
            await self._store.save_evidence(file.incident, lines)
        file.ready.set()
