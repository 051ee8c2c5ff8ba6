"""Alertmanager: every member of a cluster is told, and told again while an incident is open.

Its API has no "until further notice": an alert holds until its endsAt, so each renewal puts that
off, and the alerts of a host that died end by themselves. Members do not pass alerts on to each
other, so each is told by us; one that takes an alert is enough for it to be delivered, and the
others get it with the next renewal.

Nothing here imports aiohttp: a daemon that has no alert to send does not pay for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from watchdog.core.model import Alert
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify.alertmanager_book import Book
from watchdog.notify.lazy import import_beside_loop
from watchdog.notify.route import DIRECT, Route
from watchdog.ports import Message, Receipt

RETRY = 15.0
"""Seconds to the next renewal, at most, while a member has not taken all it should know."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The members, and what is said to all of them alike."""

    name: str  # of the channel, for messages
    urls: Sequence[str]  # without /api/v2/alerts
    resend: float = 60.0  # seconds from one renewal to the next
    labels: Mapping[str, str] = field(default_factory=dict)
    generator_url: str = ""
    authorization: str = field(default="", repr=False)  # the header


class Alertmanager:
    """Tells all members of one cluster. Implements ports.Notifier and ports.Renewing."""

    def __init__(
        self, cluster: Cluster, *, route: Route = DIRECT, now: Callable[[], float] = time.time
    ) -> None:
        self._cluster = cluster
        self._route = route
        self._now = now
        self._book = Book(cluster.labels, cluster.resend, cluster.generator_url)
        self._troubles: dict[str, str] = {}  # member -> why it did not take what it was told last
        self._wire: Any = None  # alertmanager_wire.Wire, once it is imported

    async def _open(self) -> Any:
        module = await import_beside_loop("watchdog.notify.alertmanager_wire")
        if self._wire is None:
            self._wire = module.Wire(self._cluster, self._route)
        return self._wire

    async def prepare(self) -> None:
        """Import; there is nothing to say yet."""
        await self._open()

    async def send(self, message: Message, key: str) -> Receipt:
        """Tell every member of *message*; the labels are what makes it one alert, not *key*."""
        del key
        now = self._now()
        entry = self._book.draft(message, now)
        form = self._book.form(entry, now)
        # Who took nothing last time may hang: that must not hold up the others, alert by alert.
        sound = [url for url in self._cluster.urls if url not in self._troubles]
        asked = sound or self._cluster.urls
        failures = await self._tell({url: [form] for url in asked})
        owed = {*self._cluster.urls} - {*asked} | {*failures}
        self._book.write(entry, owed)
        return Receipt({"members": str(len(self._cluster.urls) - len(owed))})

    async def close(self) -> None:
        """Give back the connections; a later ``send`` opens new ones."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    # --- renewals -------------------------------------------------------------------------------

    @property
    def pace(self) -> float | None:
        """Return the seconds from one renewal to the next; None while nothing stands."""
        if not self._book:
            return None
        return min(RETRY, self._cluster.resend) if self._troubles else self._cluster.resend

    @property
    def trouble(self) -> str:
        """Name the members that did not take what they were told last, and why."""
        return "; ".join(self._troubles.values())

    def recall(self, message: Message) -> None:
        """Take up what was told before the daemon started."""
        self._book.write(self._book.draft(message, self._now()), ())

    async def renew(self, is_open: Callable[[Alert], bool]) -> None:
        """Tell every member what stands, and what it has missed. Raises DeliveryError."""
        now, urls = self._now(), self._cluster.urls
        self._book.end_all_but(is_open, urls, now)
        self._book.forget_old(now)
        due = {url: self._book.due(url, now) for url in urls}
        due = {url: forms for url, forms in due.items() if forms}
        if not due:
            return
        failures = await self._tell(due)
        for url in due.keys() - failures.keys():
            self._book.took(url)

    async def _tell(self, forms: Mapping[str, Sequence[Any]]) -> Mapping[str, DeliveryError]:
        """Post to each member its *forms*; return what failed. Raises if no member took them."""
        wire = await self._open()
        failures: Mapping[str, DeliveryError] = await wire.post(forms)
        for url in forms:
            self._note(url, failures.get(url))
        if len(failures) == len(forms):
            raise self._refused(list(failures.values()))
        return failures

    def _note(self, url: str, error: DeliveryError | None) -> None:
        """Log a member's trouble when it begins, becomes another, and ends."""
        before, trouble = self._troubles.pop(url, ""), str(error) if error is not None else ""
        if trouble:
            self._troubles[url] = trouble
        if trouble != before:
            write = log.warning if trouble else log.info
            words = "alertmanager does not take alerts" if trouble else "alertmanager takes alerts"
            write(words, channel=self._cluster.name, member=url, reason=trouble)

    def _refused(self, errors: Sequence[DeliveryError]) -> DeliveryError:
        """Return what it means that no member took an alert."""
        text = f"cannot deliver to {self._cluster.name}: {'; '.join(map(str, errors))}"
        if all(isinstance(error, RejectedDeliveryError) for error in errors):
            return RejectedDeliveryError(text)
        pauses = [e.retry_after or 0.0 for e in errors if isinstance(e, TemporaryDeliveryError)]
        # One of them is enough; and no longer than a renewal, for what stands must not expire.
        return TemporaryDeliveryError(text, min(*pauses, self._cluster.resend) or None)
