"""Metrics as text, in either of the formats that Prometheus reads.

A thousand services are forty thousand lines. prometheus-client makes an object of each value, and
takes a quarter to half a second of CPU for them; lines alone take a tenth of that. So values are
written here, and the daemon's process, the negotiation and their grammar are the library's.
(https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from watchdog.web.families import Family, Kind

Value = tuple[str, float | None]
"""Labels as ``pairs`` writes them, and a value; None: there is none to tell."""

Run = tuple[str, Sequence[str]]
"""Labels that several lines begin with, and for each of these lines its ``ending``."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def pairs(names: Sequence[str], values: Sequence[str]) -> str:
    """Return labels, without braces; written once for all values that share them."""
    return ",".join(
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    )


def ending(label: str, value: str, number: int) -> str:
    """Return the end of a line in a run: its last label, and its number."""
    return f',{label}="{value.translate(_ESCAPES)}"}} {number}\n'


class Exposition:
    """A page of metrics that grows family by family; *is_open*: it is OpenMetrics."""

    def __init__(self, *, is_open: bool) -> None:
        self._is_open = is_open
        self._lines: list[str] = []

    def add(self, family: Family, values: Iterable[Value]) -> None:
        """Write a gauge or a counter."""
        self._head(family)
        name, add = family.sample, self._lines.append
        for labels, value in values:
            if value is not None:
                number = _number(value)
                add(f"{name}{{{labels}}} {number}\n" if labels else f"{name} {number}\n")

    def add_runs(self, family: Family, runs: Iterable[Run]) -> None:
        """Write a gauge or a counter of which many lines begin and end alike."""
        self._head(family)
        for labels, endings in runs:
            begin = f"{family.sample}{{{labels}"
            self._lines.append(begin + begin.join(endings))

    def add_histogram(
        self, family: Family, bounds: Sequence[float], counts: Sequence[int], total: float
    ) -> None:
        """Write a histogram; *counts* has one more than *bounds*, none of them cumulative."""
        self._head(family)
        count = 0
        for bound, each in zip((*bounds, math.inf), counts, strict=True):
            count += each
            self._lines.append(f'{family.name}_bucket{{le="{_number(float(bound))}"}} {count}\n')
        self._lines.append(f"{family.name}_count {count}\n")
        self._lines.append(f"{family.name}_sum {_number(total)}\n")

    def encoded(self) -> bytes:
        """Return all of it; OpenMetrics still needs its end."""
        return "".join(self._lines).encode()

    def _head(self, family: Family) -> None:
        # The text format knows a counter by the name of its values.
        counts = family.kind is Kind.COUNTER and not self._is_open
        name = family.sample if counts else family.name
        self._lines.append(f"# HELP {name} {family.text}\n# TYPE {name} {family.kind}\n")


def _number(value: float) -> str:
    """Return *value* as Go reads it."""
    if isinstance(value, int):
        return str(value)  # as most are
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else '+'}Inf"
    return repr(value)
