"""A webhook of one's own: JSON with a documented form, signed.

Nothing here imports aiohttp: a daemon that has no alert to send does not pay for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog.notify.lazy import import_beside_loop
from watchdog.notify.route import DIRECT, Route
from watchdog.ports import Message, Receipt


@dataclass(frozen=True, slots=True)
class Hook:
    """Where alerts are posted, and how they are signed."""

    name: str  # of the channel, for messages
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)  # whsec_…; empty: nothing is signed
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Webhook:
    """Posts to one URL. Implements ports.Notifier."""

    def __init__(
        self, hook: Hook, *, route: Route = DIRECT, now: Callable[[], float] = time.time
    ) -> None:
        self._hook = hook
        self._route = route
        self._now = now
        self._wire: Any = None  # webhook_wire.Wire, once it is imported

    async def _open(self) -> Any:
        module = await import_beside_loop("watchdog.notify.webhook_wire")
        if self._wire is None:
            self._wire = module.Wire(self._hook, self._route)
        return self._wire

    async def prepare(self) -> None:
        """Import; a request ahead of time would be news to the receiver."""
        await self._open()

    async def send(self, message: Message, key: str) -> Receipt:
        """Post *message*; *key* is its webhook-id, the time of this very try its timestamp."""
        wire = await self._open()
        await wire.deliver(message, key, self._now())
        return Receipt()

    async def close(self) -> None:
        """Give back the connection; a later ``send`` opens a new one."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()
