"""The host's own file systems, measured at a slow pace: one task for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import structlog

from watchdog.core.model import Alert, Note, State
from watchdog.core.standing import Reading
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.core.thresholds import HostWarnings
from watchdog.core.warning import HOST, judged, of_host
from watchdog.ports import Addressed, Change, Clock, Store
from watchdog.probes.filesystem import Filesystem, filesystem_of
from watchdog.thread import in_thread

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds for one file system. A dead NFS may hang for ever, in a thread of its own."""

IN_A_ROW = 2
"""Times that a file system cannot be measured until people are told: once may be a hiccup."""

Look = Callable[[str], Filesystem]


class HostWatch:
    """Measures the file systems of *paths* and tells what is worth a warning."""

    def __init__(
        self,
        warnings: HostWarnings,
        paths: Sequence[str],
        store: Store,
        clock: Clock,
        address: Callable[[Iterable[Alert]], Sequence[Addressed]],
        *,
        look: Look = filesystem_of,
    ) -> None:
        self._warnings = warnings
        self._paths = tuple(dict.fromkeys((*paths, *warnings.disk)))
        self._store = store
        self._clock = clock
        self._address = address
        self._look = look
        self._hanging: set[str] = set()
        self._blind: dict[str, int] = {}  # times in a row
        self.state = State(HOST)

    async def load(self) -> None:
        """Take up what was known before the daemon started."""
        left = (await self._store.load(self._clock.now())).get(HOST)
        if left is not None:
            self.state = left.state

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:  # waits first: a start is busy enough
            await self._clock.sleep_until(self._clock.now().mono + self._warnings.every)
            try:
                await self.measure()
            except Exception:  # the one guard: what is wrong here must not end the daemon
                log.exception("cannot measure the file systems; trying again")

    async def measure(self) -> None:
        """Measure once."""
        found = await asyncio.gather(*map(self._measured, self._paths))
        readings = list[Reading]()
        seen = set[str]()
        for path, answer in zip(self._paths, found, strict=True):
            if isinstance(answer, Filesystem) and answer.path in seen:
                continue  # several paths on one
            if isinstance(answer, Filesystem):
                seen.add(answer.path)
            readings += self._readings(path, answer)
        await self._take([*readings, *self._unknown(readings)])

    async def _measured(self, path: str) -> Filesystem | str:
        """Return the file system of *path*, or why it cannot be measured."""
        if path in self._hanging:
            return f"no answer within {PATIENCE:g} s"
        self._hanging.add(path)
        asked = asyncio.ensure_future(in_thread(partial(self._ask, path)))
        asked.add_done_callback(_seen)
        done, _ = await asyncio.wait([asked], timeout=PATIENCE)
        if not done:
            return f"no answer within {PATIENCE:g} s"
        try:
            return asked.result()
        except OSError as error:
            return error.strerror or str(error)

    def _ask(self, path: str) -> Filesystem:
        try:
            return self._look(path)
        finally:
            self._hanging.discard(path)

    def _readings(self, path: str, answer: Filesystem | str) -> Iterator[Reading]:
        why = answer if isinstance(answer, str) else ""
        self._blind[path] = self._blind.get(path, 0) + 1 if why else 0
        unmeasured = Circumstance(CircumstanceKind.UNMEASURED, why, path)
        yield Reading(unmeasured, float(self._blind[path] >= IN_A_ROW))
        if isinstance(answer, str):
            return
        disk = Circumstance(
            CircumstanceKind.DISK, subject=answer.path, value=answer.used, limit=answer.free
        )
        yield Reading(disk, answer.used)
        inodes = answer.inodes_used
        if inodes is not None:
            told = Circumstance(CircumstanceKind.INODES, subject=answer.path, value=inodes)
            yield Reading(told, inodes)

    def _unknown(self, readings: Sequence[Reading]) -> Iterator[Reading]:
        """Yield what was warned of and cannot be measured now: it is not over for that."""
        known = {(reading.about.kind, reading.about.subject) for reading in readings}
        for warning in self.state.warnings if any(self._blind.values()) else ():
            about = warning.about
            if about.kind is not CircumstanceKind.UNMEASURED and (
                (about.kind, about.subject) not in known
            ):
                yield Reading(about, None)

    async def _take(self, readings: Sequence[Reading]) -> None:
        now = self._clock.now()
        step = judged(self.state, readings, of_host(self._warnings), now)
        self.state = step.state
        if not step.effects:
            return
        notes = [effect for effect in step.effects if isinstance(effect, Note)]
        alerts = [effect for effect in step.effects if isinstance(effect, Alert)]
        log.warning("the host's warnings have changed", did=[note.text for note in notes])
        change = Change(step.state, now, notes, self._address(alerts))
        await self._store.commit(change)


def _seen(asked: asyncio.Future[Filesystem]) -> None:
    """Look at the outcome, so that asyncio does not complain if nobody else will."""
    if not asked.cancelled():
        asked.exception()
