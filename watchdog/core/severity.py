"""How much an alert matters, and so whom it is worth waking."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from watchdog.core.model import Alert, AlertKind


class Severity(StrEnum):
    """How much an alert matters, the most first."""

    CRITICAL = "critical"  # something is broken, or was until now
    WARNING = "warning"  # something is about to break
    INFO = "info"  # worth knowing, nobody need get up


ALL = frozenset(Severity)

_OF_KIND: Mapping[AlertKind, Severity] = MappingProxyType(
    {
        AlertKind.FIRING: Severity.CRITICAL,
        AlertKind.UPDATE: Severity.CRITICAL,
        AlertKind.REMINDER: Severity.CRITICAL,
        AlertKind.GAVE_UP: Severity.CRITICAL,
        AlertKind.RESOLVED: Severity.CRITICAL,
        AlertKind.WARNING: Severity.WARNING,
        AlertKind.WARNING_OVER: Severity.WARNING,
        AlertKind.NOTICE: Severity.INFO,
        AlertKind.TEST: Severity.INFO,
    }
)


def severity(alert: Alert) -> Severity:
    """Return how much *alert* matters; its end matters as much as what it ends."""
    return _OF_KIND[alert.kind]
