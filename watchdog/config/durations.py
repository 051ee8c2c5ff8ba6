"""Durations: a number of seconds, or text like ``30s``, ``1h30m`` and ``500ms``."""

from __future__ import annotations

import re

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"

PATTERN = rf"^(?=[0-9]){''.join(f'(?:{_NUMBER}{unit})?' for unit in [*_UNITS, 'ms'])}$"
"""A regular expression, also for JSON Schema, of the texts that are durations."""

_PATTERN = re.compile(PATTERN.replace(f"(?:{_NUMBER}", f"(?:({_NUMBER})").replace("$", r"\Z"))


def parse_duration(value: object) -> float:
    """Return the seconds that *value*, a number or text, means. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _PATTERN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a duration such as 30, "30s", "10m" or "1h30m"')
    *whole, milliseconds = (float(number or 0) for number in match.groups())
    seconds = sum(n * unit for n, unit in zip(whole, _UNITS.values(), strict=True))
    return seconds + milliseconds / 1000


def format_duration(seconds: float) -> str:
    """Return *seconds* (0 or more) as a duration's text, exact to the millisecond."""
    rest = round(seconds * 1000)
    words = []
    for unit, factor in (*_UNITS.items(), ("ms", 0.001)):
        number, rest = divmod(rest, round(factor * 1000))
        if number:
            words.append(f"{number}{unit}")
    return "".join(words) or "0s"
