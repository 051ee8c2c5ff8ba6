"""A message as the JSON of a webhook, and its signature.

The form is version 1 of docs/reference/webhook.md: keys are added to it, none is changed or taken
away. Envelope and signature follow Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), so
that its libraries can verify what we send.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from watchdog.core.model import OF_WARNINGS, AlertKind
from watchdog.core.severity import severity
from watchdog.core.telling import Diversion, Measure
from watchdog.notify.facts import is_about_incident, rfc3339
from watchdog.notify.text import one_line
from watchdog.ports import Message

VERSION = 1
REASON_WIDTH = 500
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix


def payload(message: Message, key: str) -> dict[str, Any]:
    """Return the body that tells *message*; the same alert has the same *key* at every try."""
    alert = message.alert
    incident: dict[str, Any] | None = None
    if alert.incident and is_about_incident(alert.kind):
        incident = {
            "id": alert.incident,
            "opened": rfc3339(alert.opened or alert.wall),
            "duration": round(alert.duration, 3) if alert.kind is AlertKind.RESOLVED else None,
            "failures": alert.failures,
            "max_failures": alert.max_failures,
            "restarts": alert.restarts,
        }
    warning: dict[str, Any] | None = None
    told = alert.circumstance
    is_over = alert.kind is AlertKind.WARNING_OVER
    if alert.kind in OF_WARNINGS and told is not None:
        warning = {
            "id": alert.incident,
            "kind": told.kind.value,
            "subject": told.subject or None,
            "since": rfc3339(alert.opened or alert.wall),
            "duration": round(alert.duration, 3) if is_over else None,
            "value": round(told.value, 3) or told.count or None,
            "limit": round(told.limit, 3) or None,
        }
    return {
        "version": VERSION,
        "id": key,
        "type": f"alert.{alert.kind.value}",
        "timestamp": rfc3339(alert.wall),
        "data": {
            "kind": alert.kind.value,
            "severity": severity(alert),
            "host": message.host,
            "service": alert.service or None,
            "check": alert.check or None,
            "reason": one_line(alert.reason, REASON_WIDTH),
            "action": action(alert.measure),
            "incident": incident,
            "warning": warning,
            "title": message.title,
            "lines": list(message.lines),
            "evidence": list(message.evidence),
            "late": round(message.late, 3),
            "diversion": diversion(alert.diversion),
        },
    }


def action(measure: Measure | None) -> dict[str, Any] | None:
    """Return what was done and what happens next; numbers that say nothing are null."""
    if measure is None:
        return None
    return {
        "kind": measure.kind.value,
        "count": measure.count or None,
        "limit": measure.limit or None,
        "next_try": rfc3339(measure.next_try) if measure.next_try else None,
    }


def diversion(why: Diversion | None) -> dict[str, Any] | None:
    """Return which destination has not taken the alert, if this one is its fallback."""
    if why is None:
        return None
    return {
        "destination": why.destination,
        "since": rfc3339(why.since),
        "refused": why.refused,
        "reason": one_line(why.reason, REASON_WIDTH),
    }


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return the header webhook-signature: ``v1,`` and base64 of HMAC-SHA256.

    What is signed is ``KEY.TIMESTAMP.BODY``; *secret* is ``whsec_`` and its bytes in base64.
    """
    signed = f"{key}.{timestamp}.".encode() + body
    code = hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(code).decode()}"


def secret_bytes(secret: str) -> bytes:
    """Return the bytes that *secret* stands for."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
