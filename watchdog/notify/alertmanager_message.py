"""A message as an alert of Alertmanager's API v2 (api/v2/openapi.yaml in its repository).

Labels are what an alert is known by, so they stay the same from firing to resolved: they are those
of the alert that opened the incident. What changes goes into annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog.core.model import (
    OF_WARNINGS,
    Alert,
    AlertKind,
)
from watchdog.core.severity import severity
from watchdog.notify.facts import is_about_incident, lasts, rfc3339
from watchdog.ports import Message

INCIDENT = "ServiceFailing"
NAMES = {
    AlertKind.WARNING: "ServiceWarning",
    AlertKind.WARNING_OVER: "ServiceWarning",
    AlertKind.NOTICE: "ServiceWatchdogNotice",
    AlertKind.TEST: "ServiceWatchdogTest",
}

_SHORTEST = 0.001  # seconds: an alert that ends before it starts is refused


def labels(message: Message, more: Mapping[str, str]) -> dict[str, str]:
    """Return what the alert of *message* is known by; *more* are the operator's own labels."""
    alert = message.alert
    own = {
        "alertname": NAMES.get(alert.kind, INCIDENT),
        "service": alert.service,
        "host": message.host,
        "severity": severity(alert),
        "check": alert.check,
    }
    if alert.kind in OF_WARNINGS and alert.circumstance is not None:
        own |= {"warning": alert.circumstance.kind.value, "subject": alert.circumstance.subject}
    return {**more, **{name: value for name, value in own.items() if value}}


def started(alert: Alert) -> float:
    """Return when what *alert* tells of began (wall)."""
    return alert.opened or alert.wall if lasts(alert.kind) else alert.wall


def posted(
    message: Message, known_by: Mapping[str, str], starts: float, ends: float, generator: str = ""
) -> dict[str, Any]:
    """Return *message* as it is posted; it holds from *starts* to *ends* (wall)."""
    annotations = {
        "summary": message.title,
        "description": "\n".join(message.lines),
        "incident": message.alert.incident if is_about_incident(message.alert.kind) else "",
        "last_lines": "\n".join(message.evidence),
    }
    form: dict[str, Any] = {
        "labels": dict(known_by),
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": rfc3339(starts),
        "endsAt": rfc3339(max(ends, starts + _SHORTEST)),
    }
    if generator:
        form["generatorURL"] = generator
    return form
