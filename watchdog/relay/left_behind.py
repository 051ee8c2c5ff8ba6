"""What waits for a destination that is not configured any more is told to those that are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from watchdog.addressing import AddressBook
from watchdog.core.model import ENDS, QUIET, Alert, AlertKind, Now
from watchdog.core.telling import Diversion
from watchdog.ports import Addressed, Delivery
from watchdog.relay.instead import is_canary, is_told

REASON = "it is not configured any more"

log = structlog.get_logger()


class Outbox(Protocol):
    """What the store is asked and told."""

    async def left_behind(self, configured: Collection[str]) -> Sequence[Delivery]:
        """Return what is due elsewhere than at *configured*, oldest first. Raises StoreError."""
        ...

    async def about(self, incidents: Collection[str]) -> Sequence[Addressed]:
        """Return all alerts of *incidents* that were not set aside, each with one destination.

        The empty one: of what belongs to no incident. Raises StoreError.
        """
        ...

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run."""
        ...

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox, before it waits for anything."""
        ...

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        """Set *delivery* aside as a dead letter."""
        ...


async def pass_on(configured: Collection[str], store: Outbox, book: AddressBook, now: Now) -> None:
    """Tell what waits elsewhere than at *configured* to all who take such, and drop it there.

    What nobody takes goes on waiting: somebody may be configured later. All are posted before any
    is dropped, under names that they have once and for all, so a kill in between does no harm.
    Raises StoreError: nothing has been told then, and nothing dropped.
    """
    with book.overheard() as meanwhile:
        waiting = await store.left_behind(configured)
        if not waiting:
            return
        addressed = await store.about({each.alert.incident for each in waiting})
        unposted = await store.unposted(
            {_name(each): Addressed(each.alert, [*configured]) for each in waiting}
        )
        # From here to the outbox nothing is waited for: what has been addressed is known, and
        # nothing is addressed in between, so that no end comes before its beginning.
        told: dict[str, list[Addressed]] = {}
        for other in (*addressed, *meanwhile):
            told.setdefault(_subject(other.alert), []).append(other)
        done: list[Delivery] = []
        named: dict[str, Addressed] = {}
        for delivery in waiting:
            alert, name = delivery.alert, _name(delivery)
            takers = book.takers_of(alert) if _is_news(delivery, book) else None
            if takers is not None and not takers:
                continue
            done.append(delivery)
            new, before = unposted[name].destinations, told.setdefault(_subject(alert), [])
            to = [each for each in takers or () if each in new and not _has_it(each, alert, before)]
            if to:
                why = Diversion(delivery.destination, delivery.created, REASON)
                named[name] = Addressed(replace(alert, diversion=why), to)
                before.append(named[name])
                book.note(alert, to)
        if named:
            _log(done, named)
            await store.post_once(named, now)
    # Together: they share a transaction or two.
    await asyncio.gather(*(store.rejected(delivery, REASON, now.wall) for delivery in done))


def _log(done: Sequence[Delivery], named: Mapping[str, Addressed]) -> None:
    left = sorted({delivery.destination for delivery in done})
    log.warning("told elsewhere", destinations=left, alerts=len(named), reason=REASON)


def _is_news(delivery: Delivery, book: AddressBook) -> bool:
    """Tell whether somebody would miss *delivery*."""
    alert = delivery.alert
    if alert.kind is AlertKind.TEST or is_canary(alert) or book.is_over(alert):
        return False
    return not is_told(delivery)


def _name(delivery: Delivery) -> str:
    """Return the name of the alert of *delivery* where it is passed on, this time.

    It may come back to where it has been, if a channel is renamed to and fro.
    """
    return f"left behind/{delivery.key}"


def _subject(alert: Alert) -> str:
    """Name what is told in order; what belongs to no incident is told by itself."""
    return alert.incident or f"{alert.kind}/{alert.service}/{alert.wall!r}"


def _has_it(destination: str, alert: Alert, told: Iterable[Addressed]) -> bool:
    """Tell whether *destination* was *told* what *alert* is about: that, or something later."""
    return any(destination in each.destinations and _is_as_new(each.alert, alert) for each in told)


def _is_as_new(other: Alert, alert: Alert) -> bool:
    if other.kind in ENDS or alert.kind in ENDS:
        return other.kind in ENDS
    is_same = (other.kind, other.wall) == (alert.kind, alert.wall)
    return is_same or (other.wall > alert.wall and other.kind not in QUIET)
