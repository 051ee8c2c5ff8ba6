"""How long the last check of each round took, of the latest rounds: 8 bytes for each."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isnan, nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.trend import Trend

DEPTH = 60
"""Rounds that are kept where nothing asks for more: what a line of a terminal shows."""


class Latency:
    """The latest rounds, oldest first."""

    __slots__ = ("_seconds", "_walls", "depth", "trend")

    def __init__(self) -> None:
        self.depth = DEPTH
        self.trend: Trend | None = None  # the last day, while there is a page to show it
        self._walls = array("I")
        self._seconds = array("f")

    def add(self, wall: float, seconds: float | None) -> None:
        """Keep what a round at *wall* took; None: it did not pass."""
        if len(self._walls) >= 2 * self.depth:  # not at each round
            del self._walls[: -self.depth], self._seconds[: -self.depth]
        self._walls.append(int(wall))
        self._seconds.append(nan if seconds is None else seconds)
        if self.trend is not None:
            self.trend.add(wall, seconds)

    def rows(self) -> Sequence[tuple[int, float | None]]:
        """Return when and how many milliseconds; None where a round did not pass."""
        pairs = zip(self._walls[-self.depth :], self._seconds[-self.depth :], strict=True)
        return [(wall, None if isnan(took) else round(took * 1000, 2)) for wall, took in pairs]
