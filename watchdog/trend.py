"""How long rounds took over the last day, in a few minutes each: 24 bytes for each of them.

It is kept for the status page alone, and begins anew with the daemon: a calm service writes
nothing, and Prometheus keeps more for whoever wants it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf, isfinite

EVERY = 300
"""Seconds that are told as one."""

KEPT = 86400 // EVERY
"""How many of them are kept."""


class Trend:
    """The last day, oldest first; what was not watched is not there."""

    __slots__ = ("_highs", "_lows", "_missed", "_passed", "_slots", "_totals")

    def __init__(self) -> None:
        self._slots = array("I")
        self._lows, self._totals, self._highs = array("f"), array("f"), array("f")
        self._passed, self._missed = array("I"), array("I")

    def add(self, wall: float, seconds: float | None) -> None:
        """Count what a round at *wall* took; None: it did not pass."""
        slot = int(wall) // EVERY
        while self._slots and self._slots[-1] > slot:  # the clock was set back
            self._keep(slice(0, -1))
        if not self._slots or self._slots[-1] < slot:
            self._begin(slot)
        if seconds is None:
            self._missed[-1] += 1
            return
        self._passed[-1] += 1
        self._totals[-1] += seconds
        self._lows[-1] = min(self._lows[-1], seconds)
        self._highs[-1] = max(self._highs[-1], seconds)

    def rows(self) -> Sequence[tuple[int, float | None, float | None, float | None, int, int]]:
        """Return when each began; its fastest, mean and slowest in milliseconds; passed; missed."""
        columns = (self._lows, self._totals, self._highs, self._passed, self._missed)
        return [
            (
                slot * EVERY,
                _milliseconds(low),
                _milliseconds(total / passed) if passed else None,
                _milliseconds(high) if passed else None,
                passed,
                missed,
            )
            for slot, low, total, high, passed, missed in zip(self._slots, *columns, strict=True)
        ]

    def _begin(self, slot: int) -> None:
        while self._slots and self._slots[0] <= slot - KEPT:
            self._keep(slice(1, None))
        for column, first in zip(self._columns(), (slot, inf, 0, 0, 0, 0), strict=True):
            column.append(first)

    def _keep(self, part: slice) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[part])

    def _columns(self) -> Sequence[array]:  # type: ignore[type-arg]
        return (
            self._slots, self._lows, self._totals, self._highs, self._passed, self._missed,
        )  # fmt: skip


def _milliseconds(seconds: float) -> float | None:
    return round(seconds * 1000, 2) if isfinite(seconds) else None
