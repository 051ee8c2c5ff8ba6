"""What must be told again while it holds, because the other side forgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import structlog

from watchdog.core.model import Alert
from watchdog.errors import StoreError
from watchdog.ports import Message, Renewing

log = structlog.get_logger()


@dataclass(slots=True)
class Renewal:
    """The renewals of one destination; nothing is due while nothing stands.

    ``told`` returns the alerts that the destination has taken and whose incident has not been
    resolved there, oldest first; ``is_open`` tells whether an alert's incident still is.
    """

    notifier: Renewing
    told: Callable[[], Awaitable[Sequence[Alert]]]
    is_open: Callable[[Alert], bool]

    _recalled: bool = field(default=False, init=False)
    _since: float | None = field(default=None, init=False)  # mono: from when the pace counts

    @property
    def trouble(self) -> str:
        """Tell what is wrong though alerts are delivered: a part of the receivers is away."""
        return self.notifier.trouble

    async def recall(self, in_words: Callable[[Alert], Awaitable[Message]]) -> None:
        """Take up, once, what was told before the daemon started; it is due to be told again."""
        if self._recalled:
            return
        try:
            alerts = await self.told()
        except StoreError as error:  # new alerts must not wait for old ones; tried again next time
            log.warning("open incidents not recalled", reason=str(error))
            return
        self._recalled = True
        for alert in alerts:
            self.notifier.recall(await in_words(alert))
            self._since = -inf  # who was told may have been restarted since

    def left(self, mono: float) -> float:
        """Return the seconds until the next renewal is due; infinitely many if nothing stands."""
        pace = self.notifier.pace
        if pace is None:
            self._since = None
            return inf
        if self._since is None:
            self._since = mono  # it was told just now
        return self._since + pace - mono

    def is_overdue(self, mono: float) -> bool:
        """Tell whether alerts have kept a renewal waiting for as long as its pace.

        Not the first one after the start: what is due since then may end what it would tell again.
        """
        pace = self.notifier.pace
        return pace is not None and -inf < self.left(mono) < -pace

    async def renew(self, mono: float) -> None:
        """Tell again what stands. Raises DeliveryError."""
        self._since = mono
        await self.notifier.renew(self.is_open)
