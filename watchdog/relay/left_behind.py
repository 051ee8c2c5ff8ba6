"""What waits for a destination that is not configured any more is told to those that are."""

from __future__ import annotations

import asyncio
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

    What nobody takes goes on waiting: somebody may be configured later. All are posted before any
    is dropped, under names that they have once and for all, so a kill in between does no harm.
    """
    named: dict[str, Addressed] = {}
    done: list[Delivery] = []
    for delivery in await store.due(destination, count):
        if _is_news(delivery, book):
            takers = book.destinations_of(delivery.alert)
            if not takers:
                continue
            there = await store.addressed(delivery)
            why = Diversion(destination, delivery.created, REASON)
            named[name_elsewhere(delivery.alert)] = Addressed(
                replace(delivery.alert, diversion=why), [to for to in takers if to not in there]
            )
        done.append(delivery)
    unposted = await store.unposted(named)
    new = {name: each for name, each in unposted.items() if each.destinations}
    if new:
        log.warning("told elsewhere", destination=destination, alerts=len(new), reason=REASON)
        await store.post_once(new, now)
    # Together: they share a transaction or two.
    await asyncio.gather(*(store.rejected(delivery, REASON, now.wall) for delivery in done))


def _is_news(delivery: Delivery, book: AddressBook) -> bool:
    """Tell whether somebody would miss *delivery*."""
    alert = delivery.alert
    if alert.kind is AlertKind.TEST or is_canary(alert) or book.is_over(alert):
        return False
    return not is_told(delivery)
