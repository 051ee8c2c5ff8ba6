"""Whether a row of measurements stays as it was, told by a rule that one odd value cannot sway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Trend:
    """A row of values in the order of their times, by thirds; the first third is the warming up."""

    first: float
    second: float
    last: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Trend:
        """Return the median of each third of at least three *values*."""
        third = len(values) // 3
        if third == 0:
            raise ValueError(f"cannot tell a trend: {len(values)} values are too few")
        first, second, last = values[:third], values[third:-third], values[-third:]
        return cls(median(first), median(second), median(last), max(values))

    @property
    def growth(self) -> float:
        """By how much the last third lies above the second."""
        return self.last - self.second

    def is_flat(self, *, share: float = 0.0, more: float = 0.0) -> bool:
        """Tell whether the last third is above the second by no more than *share* and *more*."""
        return self.growth <= self.second * share + more
