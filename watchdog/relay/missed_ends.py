"""A channel that was taken out while an incident was open, and is back, is told how that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from watchdog.core.model import Alert, Now
from watchdog.errors import StoreError
from watchdog.ports import Addressed
from watchdog.relay.left_behind import AT_ONCE, REASON


class Outbox(Protocol):
    """What the store is asked and told."""

    @property
    def held(self) -> int:
        """Return how many letters the disk has not taken."""
        ...

    async def missed_ends(self, destination: str, dropped: str) -> Sequence[tuple[Alert, int]]:
        """Return the ends of incidents that *destination* is told of, where they went elsewhere.

        Each with how often it was set aside there because of *dropped*. Raises StoreError.
        """
        ...

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run."""
        ...

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox."""
        ...


async def tell_missed_ends(destination: str, store: Outbox, now: Now) -> None:
    """Tell *destination* the ends that it has missed, once each. Raises StoreError.

    Once more if it was taken out again before it had taken one.
    """
    missed = await store.missed_ends(destination, REASON)
    for start in range(0, len(missed), AT_ONCE):
        if store.held > AT_ONCE:
            raise StoreError("cannot tell what was missed: the disk does not take it; it waits")
        named = {
            f"missed/{alert.incident}/{times}": Addressed(
                replace(alert, diversion=None), [destination]
            )
            for alert, times in missed[start : start + AT_ONCE]
        }
        unposted = await store.unposted(named)
        if new := {name: each for name, each in unposted.items() if each.destinations}:
            await store.post_once(new, now)
