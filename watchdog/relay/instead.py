"""What is told elsewhere because a destination does not take what was meant for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchdog.core.model import QUIET, Alert, AlertKind
from watchdog.core.severity import Severity, severity
from watchdog.core.telling import Circumstance, CircumstanceKind, Diversion
from watchdog.ports import Addressed, Delivery


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where it is told: critical alerts at the fallback, a lost canary at all the others."""

    fallback: Sequence[str] = ()
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a destination does not take a delivery."""

    reason: str
    wall: float  # now
    refused: bool = False  # for good


def is_canary(alert: Alert) -> bool:
    """Tell whether *alert* is the daily test of every destination."""
    told = alert.circumstance
    return told is not None and told.kind is CircumstanceKind.CANARY


def is_missed(delivery: Delivery, elsewhere: Elsewhere) -> bool:
    """Tell whether somebody else is to hear of it if *delivery* waits for too long."""
    if is_canary(delivery.alert):
        return bool(elsewhere.others)
    if is_told(delivery):
        return False
    return bool(elsewhere.fallback) and severity(delivery.alert) is Severity.CRITICAL


def is_told(delivery: Delivery) -> bool:
    """Tell whether people know of *delivery*: what is left of it is an edit, or its evidence.

    What is quiet is for those alone who look where it was told before.
    """
    return bool(delivery.receipt.details) or delivery.alert.kind in QUIET


def name_elsewhere(alert: Alert) -> str:
    """Return the name of *alert* where it is told instead.

    The same for whoever has not taken it: it is told there once.
    """
    return f"fallback/{alert.service}/{alert.incident}/{alert.kind}/{alert.wall!r}"


def instead(
    delivery: Delivery, obstacle: Obstacle, elsewhere: Elsewhere
) -> tuple[str, Addressed] | None:
    """Return what is told in place of *delivery*, under a name that it has once and for all.

    A refused alert will never arrive: unlike one that waits it need not be critical.
    """
    alert = delivery.alert
    if is_canary(alert):
        notice = _notice(delivery, obstacle)
        return f"undelivered/{delivery.key}", Addressed(notice, elsewhere.others)
    if alert.kind is AlertKind.TEST or is_told(delivery):
        return None
    if not (obstacle.refused or is_missed(delivery, elsewhere)):
        return None
    why = Diversion(delivery.destination, delivery.created, obstacle.reason, obstacle.refused)
    return name_elsewhere(alert), Addressed(replace(alert, diversion=why), elsewhere.fallback)


def _notice(delivery: Delivery, obstacle: Obstacle) -> Alert:
    lasted = max(0.0, obstacle.wall - delivery.created)
    told = Circumstance(
        CircumstanceKind.UNDELIVERED, obstacle.reason, delivery.destination, lasted=lasted
    )
    text = f"{delivery.destination} does not take alerts: {obstacle.reason}"
    return Alert(AlertKind.NOTICE, "", obstacle.wall, text, circumstance=told)
