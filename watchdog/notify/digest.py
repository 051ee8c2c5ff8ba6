"""Many incidents in one message. Pure: no I/O, no clock, no log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from watchdog.core.model import Alert, AlertKind
from watchdog.notify.render import LATE, LINE_WIDTH, STATE_WORDS, duration, short_stamp, title
from watchdog.notify.text import one_line
from watchdog.ports import Message

IN_FULL = 20  # services with a line of their own; of the others the names alone
REASON_WIDTH = 140

_WORST_FIRST = (AlertKind.GAVE_UP, AlertKind.FIRING, AlertKind.NOTICE, AlertKind.RESOLVED)
_IN_TITLE = 3


def digest(alerts: Sequence[Alert], host: str, sent_wall: float, tz: tzinfo) -> Message:
    """Return *alerts*, one for each incident and the oldest first, in words; see ``render``.

    Every service is named, the first twenty with the cause.
    """
    ordered = sorted(alerts, key=lambda alert: _WORST_FIRST.index(alert.kind))
    late = sent_wall - min(alert.wall for alert in alerts)
    late = late if late >= LATE else 0.0
    whole = Alert(ordered[0].kind, "", min(a.wall for a in alerts), _listed(ordered))
    lines = [f"Late: the first of them {duration(late)}"] if late else []
    lines += [f"Host: {one_line(host, LINE_WIDTH)}"]
    lines += [_line(alert, sent_wall, tz) for alert in ordered[:IN_FULL]]
    lines += _others(ordered[IN_FULL:])
    return Message(
        alert=whole,
        host=one_line(host, LINE_WIDTH),
        title=title(whole, host),
        lines=tuple(lines),
        late=late,
    )


def _listed(alerts: Sequence[Alert]) -> str:
    """Say how many services, and which come first."""
    kinds = {alert.kind for alert in alerts}
    names = [alert.service for alert in alerts]
    more = f" and {len(names) - _IN_TITLE} more" if len(names) > _IN_TITLE else ""
    counts = ", ".join(
        f"{sum(alert.kind is kind for alert in alerts)} {STATE_WORDS[kind].lower()}"
        for kind in _WORST_FIRST
        if kind in kinds
    )
    what = counts if len(kinds) > 1 else f"{len(names)} services"
    return f"{what}: {', '.join(names[:_IN_TITLE])}{more}"


def _line(alert: Alert, sent_wall: float, tz: tzinfo) -> str:
    service = one_line(alert.service, 60)
    word = STATE_WORDS[alert.kind].lower()
    if alert.kind is AlertKind.RESOLVED and alert.opened:
        since, until = (short_stamp(wall, sent_wall, tz) for wall in (alert.opened, alert.wall))
        return f"{service}: {word}, down {since} to {until}"
    return f"{service}: {word}, {one_line(alert.reason, REASON_WIDTH)}"


def _others(alerts: Sequence[Alert]) -> Iterator[str]:
    """Yield lines that name the services of *alerts*, by state."""
    for kind in _WORST_FIRST:
        names = [one_line(alert.service, 60) for alert in alerts if alert.kind is kind]
        label, line = f"also {STATE_WORDS[kind].lower()}", ""
        for name in names:
            if len(line) + len(name) > LINE_WIDTH - 40:
                yield f"{label}: {line}"
                line = ""
            line += f", {name}" if line else name
        if line:
            yield f"{label}: {line}"
