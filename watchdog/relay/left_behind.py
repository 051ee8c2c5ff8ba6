"""What waits for a destination that is not configured any more is told to those that are."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from watchdog.addressing import AddressBook
from watchdog.core.model import ENDS, QUIET, Alert, AlertKind, Now
from watchdog.core.telling import Diversion
from watchdog.errors import StoreError
from watchdog.ports import Addressed, Delivery
from watchdog.relay.instead import is_canary, is_told

REASON = "it is not configured any more"

AT_ONCE = 1000
"""Letters that are posted together; the store keeps five times as many that are not on the disk."""

_Identity = tuple[str, AlertKind, float]

log = structlog.get_logger()


class Outbox(Protocol):
    """What the store is asked and told."""

    @property
    def held(self) -> int:
        """Return how many letters the disk has not taken."""
        ...

    async def left_behind(self, configured: Collection[str]) -> Sequence[Delivery]:
        """Return what is due elsewhere than at *configured*, in its order. Raises StoreError."""
        ...

    async def about(self, incidents: Collection[str]) -> Sequence[Addressed]:
        """Return all alerts of *incidents* in their order; empty: of what belongs to none.

        Each with its destination, or with none where it was set aside. Raises StoreError.
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

    What nobody takes goes on waiting: somebody may be configured later. Raises StoreError: what
    has not been told then has not been dropped.
    """
    waiting = await store.left_behind(configured)
    some = max(1, AT_ONCE // max(1, len(configured)))
    for start in range(0, len(waiting), some):
        if store.held > AT_ONCE:
            raise StoreError("cannot pass on alerts: the disk does not take them; they wait there")
        await _pass_on(waiting[start : start + some], configured, store, book, now)


async def _pass_on(
    waiting: Sequence[Delivery],
    configured: Collection[str],
    store: Outbox,
    book: AddressBook,
    now: Now,
) -> None:
    """Pass on *waiting*, which is little enough for the store to hold without a disk.

    All are posted before any is dropped, under names that they have once and for all, so a kill in
    between does no harm.
    """
    with book.overheard() as meanwhile:
        addressed = await store.about({each.alert.incident for each in waiting})
        unposted = await store.unposted(
            {_name(each): Addressed(each.alert, [*configured]) for each in waiting}
        )
        # From here to the outbox nothing is waited for: what has been addressed is known, and
        # nothing is addressed in between, so that no end comes before its beginning.
        told: dict[str, list[Addressed]] = {}
        places: dict[_Identity, int] = {}
        for other in (*addressed, *meanwhile, *(Addressed(each.alert, ()) for each in waiting)):
            told.setdefault(_subject(other.alert), []).append(other)
            places.setdefault(_identity(other.alert), len(places))
        done: list[Delivery] = []
        named: dict[str, Addressed] = {}
        for delivery in waiting:
            alert, name = delivery.alert, _name(delivery)
            takers = book.takers_of(alert) if _is_news(delivery, book) else None
            if takers is not None and not takers:
                continue
            done.append(delivery)
            new, before = unposted[name].destinations, told[_subject(alert)]
            has_it = {
                destination
                for other in before
                if _is_as_new(other.alert, alert, places)
                for destination in other.destinations
            }
            to = [each for each in takers or () if each in new and each not in has_it]
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


def _identity(alert: Alert) -> _Identity:
    """Name *alert* wherever it is told."""
    return _subject(alert), alert.kind, alert.wall


def _is_as_new(other: Alert, alert: Alert, places: Mapping[_Identity, int]) -> bool:
    """Tell whether *other* says what *alert* does, or something later; the clock may be set."""
    if other.kind in ENDS or alert.kind in ENDS:
        return other.kind in ENDS
    later = places[_identity(other)] - places[_identity(alert)]
    return later == 0 or (later > 0 and other.kind not in QUIET)
