"""Leases: maintenance that a running deploy holds over a connection, and that ends with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from watchdog.app.describing import BUSY, FINE, describe
from watchdog.core.maintenance import is_leased
from watchdog.core.model import Leased, Maintenance, Released
from watchdog.errors import WatchdogError
from watchdog.web.control_socket import Line, RefusalError
from watchdog.worker import Worker

if TYPE_CHECKING:
    from watchdog.app.engine import Engine

LONGEST = 86400.0
"""Seconds that a lease may be asked for."""

SETTLING = 5.0
"""Seconds in which a daemon that is starting has set up its workers."""

_PAUSE = 0.05  # seconds between two looks where a reload leaves no event to wait for


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    id: str
    seconds: float


class _Word(msgspec.Struct, forbid_unknown_fields=True):
    end: str


class Leases:
    """The call ``lease``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def lease(self, arguments: Mapping[str, Any], caller: str, line: Line) -> Any:
        """Hold maintenance of a service until the caller ends it, hangs up, or its time is over.

        The answer comes once the lease is held and no restart of the daemon's own is under way.
        """
        wanted = msgspec.convert(arguments, _Wanted)
        if not (1 <= wanted.seconds <= LONGEST and 1 <= len(wanted.id) <= 64):  # noqa: PLR2004
            raise RefusalError(
                f"cannot lease {wanted.name}: expected an id, and 1 s to 24 h; nothing has changed"
            )
        until = self._engine.clock.now().mono + wanted.seconds
        event = Leased(wanted.id, until, caller)
        await self._take(wanted.name, event)
        hearing = asyncio.ensure_future(line.hear())
        keeping = asyncio.ensure_future(self._keep(wanted.name, event, line))
        try:
            await asyncio.wait({hearing, keeping}, return_when=asyncio.FIRST_COMPLETED)
            how = "its command is gone"
            if hearing.done():
                with contextlib.suppress(RefusalError, msgspec.ValidationError):
                    if (said := hearing.result()) is not None:
                        how = msgspec.convert(said, _Word).end
            if not keeping.done():
                return await self._end(wanted.name, Released(wanted.id, how))
            keeping.result()
            raise RefusalError(f"the lease of {wanted.name} is over: its time has run out", BUSY)
        finally:
            for task in (hearing, keeping):
                task.cancel()

    async def _take(self, name: str, event: Leased) -> None:
        """Have the lease held. Raises RefusalError if another deploy has one."""
        worker = await self._worker(name)
        worker.wake()  # a round in flight is given up: what it finds would not be judged
        await worker.tell(event)
        held = worker.state.maintenance
        if not is_leased(worker.state, event.lease):
            raise RefusalError(_refused("deploy", name, held), BUSY)

    async def _keep(self, name: str, event: Leased, line: Line) -> None:
        """Return once the lease is lost: its time is over. A reload does not end it."""
        is_told = False
        while True:
            worker = await self._worker(name)
            if worker.ended:
                await asyncio.sleep(_PAUSE)  # another one takes its place
                continue
            if not is_leased(worker.state, event.lease):
                return
            held = worker.state.maintenance
            if held is not None and held.until != event.until:
                with contextlib.suppress(WatchdogError):
                    await worker.tell(event)  # a reload has set it adrift
                continue
            if not is_told and not worker.state.unfinished:
                is_told = True
                with contextlib.suppress(OSError):
                    now = self._engine.clock.now().mono
                    await line.say(describe(worker, now) | {"code": FINE})
            await worker.turned()

    async def _end(self, name: str, event: Released) -> Any:
        """End the lease; answer once the service has been judged anew."""
        worker = await self._worker(name)
        await worker.tell(event)
        worker.wake()
        await worker.fresh()
        return describe(worker, self._engine.clock.now().mono)

    async def _worker(self, name: str) -> Worker:
        """Return who watches *name*. Raises RefusalError if nobody does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLING):
                await self._engine.applied.wait()
        worker = self._engine.workers.get(name)
        if worker is None:
            raise RefusalError(
                f"cannot deploy {name}: the daemon does not watch it; was it reloaded since"
                f" {name} came into the configuration?"
            )
        return worker


def refuse_while_leased(call: str, worker: Worker) -> None:
    """Raise RefusalError if a deploy holds a lease: it is for that to end it, and to restart."""
    if is_leased(worker.state):
        raise RefusalError(_refused(call, worker.service.name, worker.state.maintenance), BUSY)


def _refused(call: str, name: str, held: Maintenance | None) -> str:
    by = f" by {held.owner}" if held is not None else ""
    return f"cannot {call} {name}: a deploy{by} is under way; it ends with its command"
