"""An alert in words, once for every channel. Pure: no I/O, no clock, no log.

The reader was woken at three in the morning and sees a lock screen: the first sixty characters
of the title carry state, service and cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from watchdog.core.excerpt import excerpt
from watchdog.core.incident import span
from watchdog.core.model import Alert, AlertKind
from watchdog.notify.text import newest, one_line
from watchdog.ports import Message

LATE = 60.0  # seconds between alert and sending that are worth a word

TITLE_WIDTH = 200
TITLE_SERVICE_WIDTH = 28  # leaves more than half of the first sixty characters to state and cause
LINE_WIDTH = 500
EVIDENCE_LINES = 40
EVIDENCE_WIDTH = 300
EVIDENCE_BYTES = 6000

STATE_WORDS = {
    AlertKind.FIRING: "FIRING",
    AlertKind.GAVE_UP: "GAVE UP",
    AlertKind.RESOLVED: "RESOLVED",
    AlertKind.NOTICE: "NOTICE",
    AlertKind.TEST: "TEST",
}

LONGEST = 1e9  # seconds, thirty years: beyond it the clock is wrong


def render(
    alert: Alert, host: str, evidence: Sequence[str], sent_wall: float, tz: tzinfo
) -> Message:
    """Return *alert* in words, as sent at *sent_wall* (UNIX seconds), times in zone *tz*.

    *evidence* is foreign text in groups; of each its share is kept.
    """
    fitting = excerpt(evidence, EVIDENCE_LINES, EVIDENCE_BYTES, EVIDENCE_WIDTH)
    late = sent_wall - alert.wall
    late = late if late >= LATE else 0.0
    return Message(
        alert=alert,
        host=one_line(host, LINE_WIDTH),
        title=title(alert, host),
        lines=tuple(lines(alert, host, late, sent_wall, tz)),
        evidence=newest(fitting, EVIDENCE_LINES, EVIDENCE_WIDTH, EVIDENCE_BYTES),
        late=late,
    )


def title(alert: Alert, host: str) -> str:
    """Return the line that must be enough: state, service, cause."""
    # What is not about a service is about this host: a set-aside database, a test.
    subject = one_line(alert.service or host, TITLE_SERVICE_WIDTH)
    after = f" after {duration(alert.duration)}" if alert.kind is AlertKind.RESOLVED else ""
    state = f"{STATE_WORDS[alert.kind]} {subject}{after}".replace("  ", " ")
    return one_line(f"{state}: {alert.reason}" if alert.reason.strip() else state, TITLE_WIDTH)


def lines(alert: Alert, host: str, late: float, sent_wall: float, tz: tzinfo) -> Iterator[str]:
    """Yield the facts, one ``Label: value`` each, most urgent first."""
    for label, value in facts(alert, host, late, sent_wall, tz):
        if text := one_line(value, LINE_WIDTH):
            yield f"{label}: {text}"


def facts(
    alert: Alert, host: str, late: float, sent_wall: float, tz: tzinfo
) -> Iterator[tuple[str, str]]:
    """Yield label and value of each fact; an empty value means that there is nothing to say."""
    failing = alert.kind in (AlertKind.FIRING, AlertKind.GAVE_UP)
    if late:
        yield "Late", f"delivered {duration(late)} late, {origin(alert, sent_wall, tz)}"
    yield "Service", alert.service
    yield "Host", host
    check = f"{alert.check} check: " if alert.check and alert.reason else alert.check
    yield "Failed" if alert.check else "Reason", f"{check}{alert.reason}"
    yield "Failures", failures(alert) if failing else ""
    yield "Restarts", f"{alert.restarts} since the incident opened" if alert.restarts else ""
    yield "Action", alert.action
    if alert.kind is AlertKind.RESOLVED and alert.opened:
        yield (
            "Down",
            (f"{stamp(alert.opened, tz)} to {stamp(alert.wall, tz)}, {duration(alert.duration)}"),
        )
    elif failing:
        yield "Since", stamp(alert.opened or alert.wall, tz)
    if alert.kind is AlertKind.GAVE_UP:
        yield "Gave up", stamp(alert.wall, tz)
    elif alert.kind in (AlertKind.NOTICE, AlertKind.TEST):
        yield "Time", stamp(alert.wall, tz)
    yield "Incident", alert.incident


def failures(alert: Alert) -> str:
    """Return the count of failures against its limit: ``3 of 3``."""
    if not alert.failures:
        return ""
    if not alert.max_failures:
        return str(alert.failures)
    if alert.failures <= alert.max_failures:
        return f"{alert.failures} of {alert.max_failures}"
    return f"{alert.failures}, the limit is {alert.max_failures}"


def origin(alert: Alert, sent_wall: float, tz: tzinfo) -> str:
    """Return since when a late alert has been true: ``down since 02:13 UTC``."""
    match alert.kind:
        case AlertKind.FIRING | AlertKind.GAVE_UP:
            return f"down since {short_stamp(alert.opened or alert.wall, sent_wall, tz)}"
        case AlertKind.RESOLVED:
            return f"healthy since {short_stamp(alert.wall, sent_wall, tz)}"
        case AlertKind.NOTICE | AlertKind.TEST:
            return f"from {short_stamp(alert.wall, sent_wall, tz)}"


def stamp(wall: float, tz: tzinfo) -> str:
    """Return *wall* as date, time and zone."""
    return formatted(wall, tz, "%Y-%m-%d %H:%M:%S %Z")


def short_stamp(wall: float, sent_wall: float, tz: tzinfo) -> str:
    """Return *wall* as time and zone, with the date if it is not the day of *sent_wall*."""
    same_day = formatted(wall, tz, "%Y-%m-%d") == formatted(sent_wall, tz, "%Y-%m-%d")
    return formatted(wall, tz, "%H:%M %Z" if same_day else "%Y-%m-%d %H:%M %Z")


def formatted(wall: float, tz: tzinfo, pattern: str) -> str:
    """Return *wall* by *pattern*; a clock gone mad must not stop an alert."""
    try:
        return datetime.fromtimestamp(wall, tz).strftime(pattern)
    except (OverflowError, ValueError, OSError):
        return f"unknown time ({wall:g})"


def duration(seconds: float) -> str:
    """Return *seconds* as people say it; a clock gone mad must not stop an alert."""
    return span(seconds) if 0 <= seconds < LONGEST else "an unknown time"  # nan is neither
