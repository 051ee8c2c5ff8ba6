"""Many logs as one, in the order of time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from watchdog.logs.line import Line


def merged(logs: Iterable[Iterable[Line]], last: int | None) -> Iterable[Line]:
    """Return the lines of all *logs*, of which each has its own order; only the *last* if given.

    Lines of one place stay together, as those of a traceback.
    """
    lines = heapq.merge(*logs, key=lambda line: line.place)
    return lines if last is None else deque(lines, maxlen=last)


class Once:
    """Says each thing once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, trouble: str) -> None:
        """Say *trouble*, unless it is empty or was said."""
        if trouble and trouble not in self._said:
            self._said.add(trouble)
            self._say(trouble)


def in_order(batches: Iterable[Sequence[Line]]) -> Iterator[Line]:
    """Yield the lines that several logs got in the same moment."""
    yield from heapq.merge(*batches, key=lambda line: line.place)
