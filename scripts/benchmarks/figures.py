"""What is told of measurements: quantiles, and durations for people to read."""

from __future__ import annotations

import math
from collections.abc import Sequence

NEVER = math.inf
"""What did not happen while it was waited for."""


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* of *values* lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def duration(seconds: float) -> str:
    """Return *seconds* with three digits at most: ``5.0 ms``, ``220 ms``, ``1.50 s``, ``31 s``."""
    if math.isinf(seconds):
        return "never"
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"


def times(ratio: float) -> str:
    """Return *ratio* as people say it: ``1.22 ×``, ``18 ×``, ``1,300 ×``."""
    if math.isinf(ratio):
        return "∞"
    return f"{ratio:.2f} ×" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f} ×"


def span(values: Sequence[float]) -> str:
    """Return the median and the worst of *values*: ``1.50 s · 5.00 s``; never, if all were so."""
    if not values:
        return "-"
    middle, worst = quantile(values, 0.5), max(values)
    return "never" if math.isinf(middle) else f"{duration(middle)} · {duration(worst)}"
