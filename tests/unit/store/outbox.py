"""What tests ask of an outbox."""

from __future__ import annotations

from watchdog.ports import Delivery
from watchdog.store.durable import DurableStore
from watchdog.store.sqlite import SqliteStore


async def oldest(store: DurableStore | SqliteStore, destination: str) -> Delivery | None:
    """Return the alert that *destination* is to get next."""
    return next(iter(await store.due(destination)), None)
