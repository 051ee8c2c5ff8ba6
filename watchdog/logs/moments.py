"""Points in time as people type them: those of journalctl(1), see systemd.time(7)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

EXPECTED = 'expected such as 10m, "2026-11-23 07:00", 07:00, yesterday, "2 hours ago"'

_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
    "w": 604800.0, "week": 604800.0,
}  # fmt: skip
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?([a-z]+?)s? ?(?![a-z])")
_DAYS = {"today": 0, "yesterday": 1}
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")


def moment(text: str, now: float) -> float:
    """Return the point in time (wall) that *text* means: a span is one before *now*.

    Raises ValueError.
    """
    said = " ".join(text.strip().lower().split())
    if said == "now":
        return now
    if said.startswith("@") and re.fullmatch(r"\d{1,11}(\.\d{1,6})?", said[1:]):
        return float(said[1:])
    span = _span(said.removeprefix("-").removesuffix(" ago"))
    if span is not None:
        return now - span
    try:
        return _date(said, now).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(EXPECTED) from None


def _span(said: str) -> float | None:
    total, at = 0.0, 0
    while at < len(said):
        match = _SPAN.match(said, at)
        if match is None or match[2] not in _UNITS:
            return None
        total += float(match[1]) * _UNITS[match[2]]
        at = match.end()
    return total if said else None


def _date(said: str, now: float) -> datetime:
    today = datetime.fromtimestamp(now)  # noqa: DTZ006 - the time zone of whoever asks
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    word, _, clock = said.partition(" ")
    if word in _DAYS:
        day = midnight - timedelta(days=_DAYS[word])
        return _at(day, clock) if clock else day
    if _CLOCK.fullmatch(said):
        return _at(midnight, said)
    return datetime.fromisoformat(said.upper())


def _at(day: datetime, clock: str) -> datetime:
    hour, minute, second = [*map(int, clock.split(":")), 0][:3]
    return day.replace(hour=hour, minute=minute, second=second)
