"""How late regular rounds began, which is how late the event loop was when they were due."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator

BOUNDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0)
"""Seconds. Upper bounds of what is counted together; the last of all is infinite."""

DEPTH = 4096
"""Rounds that are kept one by one."""


class Lateness:
    """Recent rounds one by one, and all rounds counted by BOUNDS."""

    __slots__ = ("_recent", "counts", "total")

    def __init__(self) -> None:
        self._recent = deque[float](maxlen=DEPTH)
        self.clear()

    def __iter__(self) -> Iterator[float]:
        """Yield the recent ones, oldest first."""
        return iter(self._recent)

    def append(self, seconds: float) -> None:
        """Take a round that began so late."""
        self._recent.append(seconds)
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def clear(self) -> None:
        """Forget all of it."""
        self._recent.clear()
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0  # seconds
