"""Alerts put into words when they are sent, with the evidence there is by then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import structlog

from watchdog.core.model import (
    Alert,
)
from watchdog.errors import StoreError
from watchdog.notify.digest import digest
from watchdog.notify.event import events
from watchdog.notify.render import render
from watchdog.ports import Clock, Message, Store
from watchdog.relay.parcel import WITH_EVIDENCE, Parcel, Way
from watchdog.relay.patience import Patience
from watchdog.relay.standing import describe
from watchdog.words.catalogue import Catalogue

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one destination; *evidence_ready* is waited for *longest* seconds at most."""

    store: Store
    clock: Clock
    patience: Patience
    evidence_ready: Callable[[str], Awaitable[None]]
    longest: float
    host: str
    tz: tzinfo
    words: Catalogue

    async def now(self, parcel: Parcel) -> Message:
        """Return *parcel* in words; a single incident with the evidence there is.

        What is edited later shows none: it has its place in the replies.
        """
        told = await self._told(parcel)
        if parcel.way is not Way.REPLY:
            return told
        alerts = [delivery.alert for delivery in parcel.deliveries]
        if len(parcel.alerts) > 1:
            return replace(told, events=told.lines)
        if len(alerts) == 1 and alerts[0].kind in WITH_EVIDENCE and not parcel.loud:
            return told  # the message itself says so
        lines = events(alerts, self.clock.now().wall, self.tz, self.words)
        return replace(told, events=lines)

    async def _told(self, parcel: Parcel) -> Message:
        if len(parcel.alerts) > 1:
            return digest(parcel.alerts, self.host, self.clock.now().wall, self.tz, self.words)
        [alert] = parcel.alerts
        evidence: Sequence[str] = ()
        news = any(delivery.alert.kind in WITH_EVIDENCE for delivery in parcel.deliveries)
        if alert.incident and news and parcel.way in {Way.WHOLE, Way.REPLY}:
            try:
                gathering = self.evidence_ready(alert.incident)
                await self.patience.within(self.longest, gathering)
            except Exception as error:  # noqa: BLE001 - an alert without evidence is an alert
                log.info("evidence not ready", incident=alert.incident, reason=describe(error))
            evidence = await self._evidence(alert.incident)
        sent = self.clock.now().wall
        return render(alert, self.host, evidence, sent, self.tz, self.words)

    async def then(self, alert: Alert) -> Message:
        """Return *alert* as it was told when it was new: it is told again, and not late."""
        evidence = await self._evidence(alert.incident)
        return render(alert, self.host, evidence, alert.wall, self.tz, self.words)

    async def _evidence(self, incident: str) -> Sequence[str]:
        try:
            return await self.store.evidence(incident)
        except StoreError as error:
            log.warning("evidence not read", incident=incident, reason=str(error))
            return ()
