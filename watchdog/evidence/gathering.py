"""All evidence of one service, gathered at once: each kind for itself, none in another's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import structlog

from watchdog.core.excerpt import excerpt, plain, titled
from watchdog.evidence.redact import Redactor
from watchdog.thread import in_thread

log = structlog.get_logger()

WITHIN = 1.75
"""Seconds; the desk waits for two, and what is there by then must have been put together."""

WIDTH = 500
"""Characters of a line that are kept."""

TITLE = 120
"""Characters of a title."""

LINES, SIZE = 400, 48 * 1024
"""Lines and bytes that are kept of everything."""

_READ = 100  # lines of one kind that are looked at
# Characters of a line that secrets are looked for in: no rule needs to see more of one to know it.
_LOOKED_AT = WIDTH + 200

_one = threading.Lock()
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

Read = Callable[[str, int | None], Awaitable[Sequence[str]]]
"""Reads one kind of evidence of a run: by its identity and, while it lives, its process."""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of evidence: its title for a reader, and how it is had."""

    title: str  # with the word "last": its newest lines are the ones to keep
    read: Read
    volatile: bool = False  # only a living process has it; of a dead one the last look is kept


class Gathering:
    """Gathers evidence of one service from *sources*, in the order in which it is read."""

    def __init__(
        self,
        sources: Sequence[Source],
        redactor: Redactor,
        *,
        blind: bool = False,
        within: float = WITHIN,
    ) -> None:
        self._sources = sources
        self._redactor = redactor
        self._blind = blind  # nobody knows whether a process lives: ask as if it did
        self._within = within
        self._run = ""  # of which there is something in ``_kept``
        self._kept: dict[str, list[str]] = {}

    async def __call__(self, run: str, pid: int | None) -> Sequence[str]:
        """Return what is to be had of *run* in groups, secrets taken out; never raises Exception.

        *pid* is its main process, None once that is dead: then what it left is what was seen of it
        while it lived.
        """
        if run != self._run:
            self._run, self._kept = run, {}
        lives = pid is not None or self._blind
        asked = [source for source in self._sources if lives or not source.volatile]
        found = await self._read(asked, run, pid)
        if lives:
            self._kept = {each.title: found[each.title] for each in asked if each.volatile}
        lines: list[str] = []
        for source in self._sources:
            title = self._redactor.text(_cut(" ".join(source.title.split()), TITLE))
            if found.get(source.title):
                lines += titled(title, found[source.title])
            elif not lives and self._kept.get(source.title):
                lines += titled(f"{title}, while it lived", self._kept[source.title])
        return excerpt(lines, LINES, SIZE)

    async def _read(
        self, sources: Sequence[Source], run: str, pid: int | None
    ) -> dict[str, list[str]]:
        """Return the lines of each of *sources* by its title."""
        tasks = {
            source.title: asyncio.ensure_future(self._look(source, run, pid)) for source in sources
        }
        if not tasks:
            return {}
        try:
            await asyncio.wait(tasks.values(), timeout=self._within)
            return {
                title: task.result() if task.done() else [f"not had within {self._within:g} s"]
                for title, task in tasks.items()
            }
        finally:
            for task in tasks.values():
                task.cancel()

    async def _look(self, source: Source, run: str, pid: int | None) -> list[str]:
        """Return what *source* has, fit to be shown: the one guard of all that is read."""
        try:
            lines = list(await source.read(run, pid))
        except OSError as error:
            lines = [f"cannot be had: {error.strerror or error}"]
        except Exception as error:
            log.exception("cannot gather evidence; going on without", kind=source.title)
            lines = [f"cannot be had: {error!r}"]
        kept = lines[-_READ:] if "last" in source.title.split() else lines[:_READ]
        async with _turn():
            return await in_thread(partial(self._fit, kept))

    def _fit(self, lines: Sequence[str]) -> list[str]:
        """Return *lines* without secrets and cut, and printable: a terminal will show them."""
        with _one:  # also where nobody waits any more for the one before
            redacted = self._redactor.lines([_cut(line, _LOOKED_AT) for line in lines])
        return [plain(_cut(_printable(line), WIDTH)) for line in redacted]


def _turn() -> asyncio.Lock:
    """Return what lets one redaction at a time be made, in the whole process.

    A search holds the interpreter's lock: with many at once each thread would come between the
    loop and its next turn.
    """
    loop = asyncio.get_running_loop()
    if loop not in _turns:
        _turns[loop] = asyncio.Lock()
    return _turns[loop]


def _printable(line: str) -> str:
    """Return *line* with tabs as spaces, and no control and bidirectional characters."""
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
        for char in line
    )


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"
