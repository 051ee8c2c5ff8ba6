"""When was a line written? Read from the line itself, in the forms that servers use."""

from __future__ import annotations

import calendar
import re
import time
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path

DAY = 86400.0
LONGEST = 1024
"""Characters of a line in which its time is looked for."""

_HOST_ZONE = Path("/etc/localtime")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH = "|".join(_MONTHS)
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)"
_FRACTION = r"(?:[.,](\d{1,9}))?"
_ZONE = r"(?: ?(Z|UTC|[+-]\d\d:?\d\d))?"
_DATED = rf"(\d{{4}})[-/](\d\d)[-/](\d\d)[T ]{_CLOCK}{_FRACTION}{_ZONE}(?!\d)"

# ISO 8601, Python's logging, nginx's error log: at the beginning, or behind a level.
_PLAIN = re.compile(rf"[\[(<]?(?:[A-Z]{{3,8}}\]?:?\s+[\[(]?)?{_DATED}")
# Combined, and http.server's: what stands before the time is the client's, but has no quotes.
_ACCESS = re.compile(
    rf"[^\"]*\[(\d\d)/({_MONTH})/(\d{{4}})[: ]{_CLOCK}"
    r"(?: ([+-]\d{4}))?\]"
)
_JSON = re.compile(
    r"\s*\{.*?\"(?:@?timestamp|time|ts|t|asctime|datetime|date|created)\"\s*:\s*"
    rf"(?:\"{_DATED}|(\d{{9,10}}|\d{{13}})(?:\.(\d+))?\s*[,}}])"
)
_SYSLOG = re.compile(rf"({_MONTH}) ([ \d]\d) {_CLOCK} ")


def stamp_of(line: str, now: float) -> float | None:
    """Return when (wall) *line* says that it was written; None if it does not say.

    What has no zone is in the host's own. A time that is yet to come (after *now*) is none.
    """
    head = line[:LONGEST]
    found = _read(head, now)
    return found if found is not None and found <= now + DAY else None


def _read(head: str, now: float) -> float | None:
    if match := _PLAIN.match(head):
        return _dated(*match.groups())
    if match := _ACCESS.match(head):
        day, month, year, hour, minute, second, zone = match.groups()
        number = f"{_MONTHS.index(month) + 1:02}"
        return _dated(year, number, day, hour, minute, second, None, zone)
    if match := _JSON.match(head):
        *dated, number, fraction = match.groups()
        if number is None:
            return _dated(*dated)
        whole = int(number)
        return whole / 1000 if len(number) == 13 else whole + float(f"0.{fraction or 0}")  # noqa: PLR2004 - milliseconds
    if match := _SYSLOG.match(head):
        return _of_this_year(now, *match.groups())
    return None


def _dated(  # noqa: PLR0913, PLR0917 - the groups of _DATED
    year: str,
    month: str,
    day: str,
    hour: str,
    minute: str,
    second: str,
    fraction: str | None = None,
    zone: str | None = None,
) -> float | None:
    begun = _minute(year, month, day, hour, minute, zone)
    if begun is None:
        return None
    return begun + int(second) + (float(f"0.{fraction}") if fraction else 0.0)


@lru_cache(maxsize=1024)
def _minute(
    year: str, month: str, day: str, hour: str, minute: str, zone: str | None
) -> float | None:
    """Return when a minute begins; None if there is no such date."""
    date = (int(year), int(month), int(day))
    if not (1970 <= date[0] < 3000 and 1 <= date[1] <= 12 and 1 <= date[2] <= 31):  # noqa: PLR2004
        return None
    try:
        if zone is None:
            return datetime(*date, int(hour), int(minute), tzinfo=_host_zone()).timestamp()
    except (OverflowError, ValueError):
        return None
    return calendar.timegm((*date, int(hour), int(minute), 0)) - _offset(zone)


@lru_cache(maxsize=1)
def _host_zone() -> tzinfo:
    """Return the zone that services write in: not TZ, which is that of whoever asks."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only for lines without a zone

    try:
        with _HOST_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC  # as the C library has it


def _offset(zone: str) -> float:
    if zone in {"Z", "UTC"}:
        return 0.0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone.startswith("-") else seconds


def _of_this_year(
    now: float, month: str, day: str, hour: str, minute: str, second: str
) -> float | None:
    year = time.localtime(now).tm_year
    number = f"{_MONTHS.index(month) + 1:02}"
    for each in (year, year - 1):  # in January the last lines are of December
        found = _dated(str(each), number, day.replace(" ", "0"), hour, minute, second)
        if found is not None and found <= now + DAY:
            return found
    return None
