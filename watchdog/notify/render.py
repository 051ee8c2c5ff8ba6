"""An alert in words, once for every channel. Pure: no I/O, no clock, no log.

The reader was woken at three in the morning and sees a lock screen: the first sixty characters
of the title carry state, service and cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from watchdog.core.excerpt import excerpt
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.notify.facts import is_about_incident
from watchdog.notify.phrases import LATE, Phrases
from watchdog.notify.stage import Stage, stage
from watchdog.notify.text import newest, one_line
from watchdog.ports import Message
from watchdog.words.catalogue import Catalogue, Labels

TITLE_WIDTH = 200
TITLE_SERVICE_WIDTH = 28  # leaves more than half of the first sixty characters to state and cause
LINE_WIDTH = 500
INCIDENT_WIDTH = 40
SIGNATURE_WIDTH = 120
EVIDENCE_LINES = 40
EVIDENCE_WIDTH = 300
EVIDENCE_BYTES = 6000

_LASTED = frozenset({AlertKind.RESOLVED, AlertKind.REMINDER})
_FAILING = frozenset({AlertKind.FIRING, AlertKind.UPDATE, AlertKind.REMINDER, AlertKind.GAVE_UP})


def render(
    alert: Alert,
    host: str,
    evidence: Sequence[str],
    sent_wall: float,
    tz: tzinfo,
    words: Catalogue,
) -> Message:
    """Return *alert* in *words*, as sent at *sent_wall* (UNIX seconds), times in zone *tz*.

    *evidence* is foreign text in groups; of each its share is kept.
    """
    phrases = Phrases(alert, sent_wall, tz, words)
    fitting = excerpt(evidence, EVIDENCE_LINES, EVIDENCE_BYTES, EVIDENCE_WIDTH)
    late = sent_wall - alert.wall
    late = late if late >= LATE else 0.0
    incident = one_line(alert.incident, INCIDENT_WIDTH)
    return Message(
        alert=alert,
        host=one_line(host, LINE_WIDTH),
        title=title(phrases, host),
        lines=tuple(lines(phrases, host, late)),
        evidence=newest(fitting, EVIDENCE_LINES, EVIDENCE_WIDTH, EVIDENCE_BYTES),
        late=late,
        evidence_label=words.labels.evidence,
        reference=words.incident(incident) if incident and is_about_incident(alert.kind) else "",
        signature=one_line(words.signature(host), SIGNATURE_WIDTH),
    )


def title(phrases: Phrases, host: str) -> str:
    """Return the line that must be enough: state, service, cause."""
    alert = phrases.alert
    # What is not about a service is about this host: a set-aside database, a test.
    subject = one_line(alert.service or host, TITLE_SERVICE_WIDTH)
    lasted = phrases.span(alert.duration) if alert.kind in _LASTED else ""
    state = _state(phrases, subject, lasted).replace("  ", " ").strip()
    cause = phrases.cause()
    return one_line(f"{state}: {cause}" if cause.strip() else state, TITLE_WIDTH)


def _state(phrases: Phrases, subject: str, lasted: str) -> str:
    words, kind = phrases.words, phrases.alert.kind
    if kind is not AlertKind.UPDATE:
        return words.title(kind, subject, lasted)
    match stage(phrases.alert):
        case Stage.RESTARTING:
            return words.title_restarting(subject)
        case Stage.RECOVERING:
            return words.title_recovering(subject)
        case Stage.GAVE_UP:
            return words.title(AlertKind.GAVE_UP, subject, lasted)
        case _:
            return words.title(kind, subject, lasted)


def lines(phrases: Phrases, host: str, late: float) -> Iterator[str]:
    """Yield the facts, one ``Label: value`` each, most urgent first."""
    for label, value in facts(phrases, host, late):
        if text := one_line(value, LINE_WIDTH):
            yield f"{label}: {text}"


def _label_of_reason(alert: Alert, labels: Labels) -> str:
    if alert.kind is AlertKind.WARNING_OVER:
        return labels.warned  # it was so, and is not any more
    return labels.failed if alert.check else labels.reason


def facts(phrases: Phrases, host: str, late: float) -> Iterator[tuple[str, str]]:
    """Yield label and value of each fact; an empty value means that there is nothing to say."""
    alert, labels = phrases.alert, phrases.words.labels
    failing = alert.kind in _FAILING
    if late:
        yield labels.late, phrases.late(late)
    yield labels.fallback, phrases.fallback()
    yield labels.service, alert.service
    yield labels.host, host
    why = ": ".join(filter(None, [phrases.failed_check(), phrases.cause()]))
    yield _label_of_reason(alert, labels), why
    yield labels.failures, phrases.failures() if failing else ""
    yield labels.restarts, phrases.restarts()
    yield labels.action, phrases.action()
    yield labels.acknowledged, ", ".join(alert.acknowledged)
    if alert.kind is AlertKind.RESOLVED and alert.opened:
        yield labels.down, phrases.down()
    elif alert.kind is AlertKind.WARNING_OVER:
        yield labels.lasted, phrases.down()
    elif failing:
        yield labels.since, phrases.stamp(alert.opened or alert.wall)
    if alert.kind is AlertKind.GAVE_UP:
        yield labels.gave_up, phrases.stamp(alert.wall)
    elif alert.kind in (AlertKind.WARNING, AlertKind.NOTICE, AlertKind.TEST):
        yield labels.time, phrases.stamp(alert.wall)
    yield labels.incident, alert.incident if is_about_incident(alert.kind) else ""
