"""Who is told what: from an alert to the destinations that take it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache

from watchdog.core.model import Alert, AlertKind
from watchdog.core.severity import ALL, Severity, severity

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one destination takes."""

    destination: str
    severities: frozenset[Severity] = ALL  # empty: nothing by itself
    services: tuple[str, ...] = ()  # names and globs; empty: all
    converses: bool = False  # an incident is a conversation there: updates are worth telling
    closes: bool = False  # what was warned of is closed there, and nobody is disturbed by that


def addressees(
    alert: Alert, subscriptions: Sequence[Subscription], told: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the destinations that *alert* goes to, in the order of *subscriptions*.

    *told* are those that have been told of its incident: its end goes to them, whatever they take
    by now, lest it look open there for ever. Updates go only where there is a conversation; the
    end of a warning only where the warning went, and can be closed.
    """
    return tuple(
        each.destination
        for each in subscriptions
        if _is_addressed(each, alert, was_told=each.destination in told)
    )


def _is_addressed(subscription: Subscription, alert: Alert, *, was_told: bool) -> bool:
    if alert.kind is AlertKind.WARNING_OVER:
        return was_told and subscription.closes
    if alert.kind is AlertKind.UPDATE and not subscription.converses:
        return False
    ends = alert.kind is AlertKind.RESOLVED and was_told
    return ends or takes(subscription, severity(alert), alert.service)


def takes(subscription: Subscription, matters: Severity, service: str) -> bool:
    """Tell whether *subscription* takes alerts of *service*; empty: about the daemon itself."""
    if matters not in subscription.severities:
        return False
    patterns = subscription.services
    return not (service and patterns) or any(matches(pattern, service) for pattern in patterns)


def is_glob(pattern: str) -> bool:
    """Tell whether *pattern* may stand for several names: ``*``, ``?`` or ``[`` is in it."""
    return bool(_GLOB.search(pattern))


def matches(pattern: str, service: str) -> bool:
    """Tell whether *service* is meant by *pattern*, a name or a glob."""
    return pattern == service or bool(_compiled(pattern).match(service))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
