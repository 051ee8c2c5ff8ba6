"""Many incidents in one message. Pure: no I/O, no clock, no log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.notify.phrases import LATE, Phrases
from watchdog.notify.render import (
    LINE_WIDTH,
    SIGNATURE_WIDTH,
    TITLE_SERVICE_WIDTH,
    TITLE_WIDTH,
)
from watchdog.notify.text import one_line
from watchdog.ports import Message
from watchdog.words.catalogue import Catalogue

IN_FULL = 20  # services with a line of their own; of the others the names alone
REASON_WIDTH = 140

_WORST_FIRST = (
    AlertKind.GAVE_UP,
    AlertKind.FIRING,
    AlertKind.REMINDER,
    AlertKind.UPDATE,
    AlertKind.WARNING,
    AlertKind.NOTICE,
    AlertKind.RESOLVED,
    AlertKind.WARNING_OVER,
)
_IN_TITLE = 3


def digest(
    alerts: Sequence[Alert], host: str, sent_wall: float, tz: tzinfo, words: Catalogue
) -> Message:
    """Return *alerts*, one for each incident and the oldest first, in *words*; see ``render``.

    Every service is named, the first twenty with the cause.
    """
    ordered = sorted(alerts, key=lambda alert: _WORST_FIRST.index(alert.kind))
    late = sent_wall - min(alert.wall for alert in alerts)
    late = late if late >= LATE else 0.0
    summary = _summary(ordered, one_line(host, TITLE_SERVICE_WIDTH), words)
    whole = Alert(ordered[0].kind, "", min(alert.wall for alert in alerts), summary)
    phrases = [Phrases(alert, sent_wall, tz, words) for alert in ordered]
    lines = [f"{words.labels.late}: {words.oldest_late(phrases[0].span(late))}"] if late else []
    lines += _fallback(phrases)
    lines += [f"{words.labels.host}: {one_line(host, LINE_WIDTH)}"]
    lines += [_line(each, host) for each in phrases[:IN_FULL]]
    lines += _others(ordered[IN_FULL:], host, words)
    state = words.title_of_many(whole.kind, one_line(host, TITLE_SERVICE_WIDTH))
    return Message(
        alert=whole,
        host=one_line(host, LINE_WIDTH),
        title=one_line(f"{state}: {summary}", TITLE_WIDTH),
        lines=tuple(lines),
        late=late,
        evidence_label=words.labels.evidence,
        signature=one_line(words.signature(host), SIGNATURE_WIDTH),
    )


def _fallback(phrases: Sequence[Phrases]) -> Iterator[str]:
    """Yield why they come by way of the fallback, once for each destination they were for."""
    first: dict[str, Phrases] = {}
    for each in sorted(phrases, key=lambda phrase: phrase.alert.wall):
        if each.alert.diversion is not None:
            first.setdefault(each.alert.diversion.destination, each)
    for each in first.values():
        yield f"{each.words.labels.fallback}: {one_line(each.fallback(), LINE_WIDTH)}"


def _summary(alerts: Sequence[Alert], host: str, words: Catalogue) -> str:
    """Say how many services, and which come first; one may have had several incidents."""
    kinds = {alert.kind for alert in alerts}
    counts = ", ".join(
        words.in_state(sum(alert.kind is kind for alert in alerts), words.state(kind))
        for kind in _WORST_FIRST
        if kind in kinds
    )
    services = list(dict.fromkeys(alert.service or host for alert in alerts))
    what = counts if len(kinds) > 1 else words.services(len(services))
    names, more = ", ".join(services[:_IN_TITLE]), len(services) - _IN_TITLE
    return f"{what}: {words.listed(names, more) if more > 0 else names}"


def _line(phrases: Phrases, host: str) -> str:
    alert, words = phrases.alert, phrases.words
    service, state = one_line(alert.service or host, 60), words.state(alert.kind)
    if alert.kind is AlertKind.RESOLVED and alert.opened:
        begin, end = phrases.short_stamp(alert.opened), phrases.short_stamp(alert.wall)
        return f"{service}: {state}, {words.was_down(begin, end)}"
    return f"{service}: {state}, {one_line(phrases.cause(), REASON_WIDTH)}"


def _others(alerts: Sequence[Alert], host: str, words: Catalogue) -> Iterator[str]:
    """Yield lines that name the services of *alerts*, by state."""
    for kind in _WORST_FIRST:
        names = [one_line(alert.service or host, 60) for alert in alerts if alert.kind is kind]
        label, line = words.also(words.state(kind)), ""
        for name in names:
            if len(line) + len(name) > LINE_WIDTH - 40:
                yield f"{label}: {line}"
                line = ""
            line += f", {name}" if line else name
        if line:
            yield f"{label}: {line}"
