"""What one open page has not been told yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

SLICE = 50
"""Services in one event: what the daemon holds for a page that is slow to take it."""


class Reader:
    """Names and no words, so that a page which does not read costs no more than one that does.

    Whatever happens before it reads, it is told how things stand when it does.
    """

    __slots__ = ("_bell", "_names", "daemon", "ended", "which")

    def __init__(self, names: Iterable[str]) -> None:
        self.which = True  # it has to be told which services there are
        self.daemon = True  # there is news of the daemon
        self.ended = False
        self._names = dict.fromkeys(names)
        self._bell = asyncio.Event()
        self._bell.set()

    def tell(self, names: Iterable[str] = (), *, which: bool = False, daemon: bool = False) -> None:
        """Let it be told of these services, of which there are, of the daemon."""
        self._names |= dict.fromkeys(names)
        self.which |= which
        self.daemon |= daemon
        self._bell.set()

    def end(self) -> None:
        """Let it go."""
        self.ended = True
        self._bell.set()

    def take(self) -> list[str]:
        """Return the next services that it has to be told of; empty: none."""
        names = list(self._names)[:SLICE]
        for name in names:
            del self._names[name]
        return names

    async def wait(self) -> None:
        """Return when there may be something to tell."""
        await self._bell.wait()
        self._bell.clear()
