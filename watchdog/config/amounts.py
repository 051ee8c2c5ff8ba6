"""Kinds of amounts: sizes, shares, and steps that each are worse than the one before."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from watchdog.config.kinds import AbsolutePath, Left, Percent

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}  # as systemd counts
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)\Z")
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%\Z")
_SMALLEST, _LARGEST = 1024**2, 1024**5
_MOST_CPU = 1024.0


def parse_size(value: object) -> float:
    """Return the bytes that *value*, a number or text such as 800M, means. Raises ValueError."""
    found = _SIZE.match(value) if isinstance(value, str) else None
    size = float("nan")
    if isinstance(value, int | float) and not isinstance(value, bool):
        size = float(value)
    elif found is not None:
        size = float(found[1]) * _UNITS[found[2]]
    if not _SMALLEST <= size <= _LARGEST:
        raise ValueError
    return size


def format_size(size: float) -> str:
    """Return *size* (bytes) as the shortest text that means exactly that."""
    for unit, factor in reversed(_UNITS.items()):
        if size >= factor and size % factor == 0:
            return f"{size / factor:.0f}{unit}"
    return f"{size!r}"


def parse_share(value: object) -> float:
    """Return how many CPUs text such as ``150%`` means. Raises ValueError."""
    found = _SHARE.match(value) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found is not None else 0.0
    if not 0 < share <= _MOST_CPU:
        raise ValueError
    return share


def format_share(share: float) -> str:
    """Return a number of CPUs as text such as ``150%``."""
    return f"{round(share * 100, 9):.10g}%"


def _parse_factor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError  # noqa: TRY004 - which the reader of tables catches
    if value != 0 and not 1 < value <= 1000:  # noqa: PLR2004 - see Factor
        raise ValueError
    return float(value)


def _amount(expected: str, parse: object, *schema: dict[str, object]) -> Meta:
    extra = {"expected": expected, "parse": parse}
    return Meta(extra=extra, extra_json_schema={"anyOf": list(schema)})


MemorySize = Annotated[
    float,
    _amount(
        'a size from 1M to 1024T, such as "800M" or "1.5G"',
        parse_size,
        {"type": "number", "minimum": _SMALLEST, "maximum": _LARGEST},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[KMGT]?$"},
    ),
]
CpuShare = Annotated[
    float,
    _amount(
        'a share of a CPU such as "80%" or "150%"',
        parse_share,
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$"},
    ),
]
Factor = Annotated[
    float,
    _amount(
        "a number above 1, or 0",
        _parse_factor,
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1000},
        {"const": 0},
    ),
]
Percents = Annotated[
    list[Percent], Meta(extra={"expected": "an array of percentages such as [80, 90, 95]"})
]
Lefts = Annotated[
    list[Left], Meta(extra={"expected": 'an array of durations such as ["21d", "7d", "1d"]'})
]
Paths = Annotated[
    list[AbsolutePath], Meta(extra={"expected": 'an array of paths such as ["/srv"]'})
]
