"""What programs, not people, read in an alert."""

from __future__ import annotations

from datetime import UTC, datetime

from watchdog.core.model import OF_WARNINGS, AlertKind

_LAST = 253_402_300_799.0  # the year 9999: beyond it the clock is wrong
_CALM = OF_WARNINGS | {AlertKind.NOTICE, AlertKind.TEST}


def is_about_incident(kind: AlertKind) -> bool:
    """Tell whether alerts of this *kind* belong to an incident: something is, or was, broken."""
    return kind not in _CALM


def lasts(kind: AlertKind) -> bool:
    """Tell whether what alerts of this *kind* state holds until something ends it."""
    return is_about_incident(kind) or kind in OF_WARNINGS


def rfc3339(wall: float) -> str:
    """Return *wall* (UNIX seconds) as RFC 3339 in UTC; a clock gone mad must not stop an alert."""
    sane = min(max(wall, 0.0), _LAST) if wall == wall else 0.0  # noqa: PLR0124 - nan is not itself
    return datetime.fromtimestamp(sane, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
