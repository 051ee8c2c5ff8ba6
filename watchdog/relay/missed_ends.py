"""A channel that was taken out while an incident was open, and is back, is told how that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from watchdog.core.model import Alert, Now
from watchdog.ports import Addressed


class Outbox(Protocol):
    """What the store is asked and told."""

    async def missed_ends(self, destination: str) -> Sequence[Alert]:
        """Return the ends of incidents that *destination* is told of, where they went elsewhere.

        Raises StoreError.
        """
        ...

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run."""
        ...

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox."""
        ...


async def tell_missed_ends(destination: str, store: Outbox, now: Now) -> None:
    """Tell *destination* the ends that it has missed, once each. Raises StoreError."""
    named = {
        f"missed/{alert.incident}": Addressed(replace(alert, diversion=None), [destination])
        for alert in await store.missed_ends(destination)
    }
    unposted = await store.unposted(named)
    if new := {name: each for name, each in unposted.items() if each.destinations}:
        await store.post_once(new, now)
