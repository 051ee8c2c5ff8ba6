"""What waits for a destination that is not configured any more is told to those that are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from watchdog.addressing import AddressBook
from watchdog.core.model import AlertKind, Now
from watchdog.core.telling import Diversion
from watchdog.ports import Addressed, Delivery
from watchdog.relay.instead import is_canary, is_told, name_elsewhere

REASON = "it is not configured any more"

log = structlog.get_logger()


class Outbox(Protocol):
    """What the store is asked and told."""

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        """Return the *limit* oldest alerts not yet delivered to *destination*."""
        ...

    async def addressed(self, delivery: Delivery) -> Collection[str]:
        """Return where the alert of *delivery* was addressed when it was made."""
        ...

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run."""
        ...

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox."""
        ...

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        """Set *delivery* aside as a dead letter."""
        ...


async def pass_on(destination: str, count: int, store: Outbox, book: AddressBook, now: Now) -> None:
    """Tell the *count* alerts that wait for *destination* to all who take such, and drop them here.

    What nobody takes goes on waiting: somebody may be configured later. Each is posted before it
    is dropped, under a name that it has once and for all, so a kill in between does no harm.
    """
    passed = 0
    for delivery in await store.due(destination, count):
        if not _is_news(delivery, book):
            await store.rejected(delivery, REASON, now.wall)
            continue
        takers = book.destinations_of(delivery.alert)
        if not takers:
            continue
        there = await store.addressed(delivery)
        why = Diversion(destination, delivery.created, REASON)
        told = Addressed(
            replace(delivery.alert, diversion=why), [each for each in takers if each not in there]
        )
        named = await store.unposted({name_elsewhere(delivery.alert): told})
        if any(each.destinations for each in named.values()):
            await store.post_once(named, now)
        await store.rejected(delivery, REASON, now.wall)
        passed += 1
    if passed:
        log.warning("told elsewhere", destination=destination, alerts=passed, reason=REASON)


def _is_news(delivery: Delivery, book: AddressBook) -> bool:
    """Tell whether somebody would miss *delivery*."""
    alert = delivery.alert
    if alert.kind is AlertKind.TEST or is_canary(alert) or book.is_over(alert):
        return False
    return not is_told(delivery)
