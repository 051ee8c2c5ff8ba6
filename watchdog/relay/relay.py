"""The way from the outbox to one destination: one task, first in first out, until it is taken.

What is due together is told together (parcel.py). A temporary failure keeps the deliveries and
waits, a refused one is set aside as a dead letter, and nothing that a notifier does ends the
task. What was sent but could not be written down is written again before anything else is sent,
so that a full disk does not make a flood of an alert.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo

import structlog

from watchdog.core.model import Alert, AlertKind
from watchdog.errors import (
    DeliveryError,
    RejectedDeliveryError,
    StoreError,
    TemporaryDeliveryError,
)
from watchdog.notify.digest import digest
from watchdog.notify.render import render
from watchdog.ports import Clock, Delivery, Message, Notifier, Receipt, Store
from watchdog.relay.pace import Pace
from watchdog.relay.parcel import LIMIT, Parcel, is_end_of_part, pack
from watchdog.relay.patience import Patience
from watchdog.relay.standing import RelayStatus, Standing, describe
from watchdog.words.catalogue import Catalogue

log = structlog.get_logger()

# What is told with evidence; a reader of the end has seen it at the beginning.
WITH_EVIDENCE = (AlertKind.FIRING, AlertKind.GAVE_UP)
STORM = 60.0  # seconds within which incidents belong together
STUCK = 30.0  # seconds without progress, all waits that end being counted as progress
FAREWELL = 1.0  # seconds to close a connection


@dataclass(slots=True)
class Relay:
    """Drains the outbox of *destination* into *notifier*, and closes it in the end.

    ``wait`` returns when the outbox may have grown since it last returned; it may be cancelled
    at any time. ``evidence_ready`` returns when no evidence of an incident is being gathered.
    ``changed`` is called when ``trouble`` has become another.
    """

    destination: str
    notifier: Notifier
    store: Store
    clock: Clock
    wait: Callable[[], Awaitable[None]]
    evidence_ready: Callable[[str], Awaitable[None]]
    host: str
    tz: tzinfo
    words: Catalogue
    pace: Pace = field(default_factory=Pace)
    chance: Callable[[], float] = random.random
    changed: Callable[[], None] = lambda: None

    _patience: Patience = field(init=False)
    _standing: Standing = field(init=False)
    _free_at: float = field(default=0.0, init=False)  # mono: no sending before this
    _failures: int = field(default=0, init=False)  # in a row
    _alone: set[str] = field(default_factory=set, init=False)  # keys refused in company
    _recent: dict[str, float] = field(default_factory=dict, init=False)  # incident told -> mono
    _storm: frozenset[str] = field(default=frozenset(), init=False)  # incidents told in a digest

    def __post_init__(self) -> None:
        self._patience = Patience(self.clock)
        self._standing = Standing(self.changed)

    async def run(self) -> None:
        """Deliver until cancelled; what is in the outbox then, the one in flight too, stays."""
        try:
            while True:
                try:
                    await self._turn()
                except Exception as error:  # noqa: BLE001 - a relay that died loses alerts
                    await self._stumble("relay stumbled, going on", error)
        finally:
            self._standing.answer(None, f"{self.destination} has been stopped; the alert is kept")
            with suppress(Exception):
                async with asyncio.timeout(FAREWELL):
                    await self.notifier.close()

    async def prepare(self) -> None:
        """Let the notifier make ready ahead of an alert; what fails shows when it sends."""
        try:
            await self.notifier.prepare()
        except Exception as error:  # noqa: BLE001 - worth a word at most
            log.info("notifier not prepared", destination=self.destination, reason=describe(error))

    def wake(self) -> None:
        """Try again at once: the configuration or the network has changed."""
        self._failures = 0
        self._patience.wake()

    def hurry(self) -> None:
        """End the pause after a failed try, if there is one: somebody waits for the outcome."""
        if self._standing.next_try is not None:
            self._patience.wake()

    def outcome_of(self, alert: Alert) -> asyncio.Future[str]:
        """Return what is to hold why *alert*, or one before it, was not delivered at first.

        Empty if it was delivered. To be called before *alert* is put into the outbox.
        """
        return self._standing.outcome_of(alert)

    @property
    def progress(self) -> float:
        """When the task last moved (mono); now, while it waits for something that must end."""
        return self._patience.progress

    def is_stuck(self, mono: float) -> bool:
        """Tell whether the task should have moved by *mono* and has not."""
        return mono - self.progress > STUCK

    @property
    def trouble(self) -> str:
        """Why the last alert was not delivered; empty if it was."""
        return self._standing.trouble

    def status(self) -> RelayStatus:
        """Return how the destination stands, in words too."""
        return self._standing.status(self.tz)

    async def _turn(self) -> None:
        """Deliver the oldest alert, or wait for one."""
        self._patience.move()
        if not await self.store.due(self.destination):
            await self._patience.rest(self.pace.recheck, self.wait())
            return
        await self._patience.until(self._free_at)
        parcel = await self._next()
        if parcel is None:
            return
        outcome = await self._sent(parcel)
        self._free_at = self.clock.now().mono + self.pace.gap
        match outcome:
            case Receipt():
                await self._delivered(parcel, outcome)
            case RejectedDeliveryError():
                await self._rejected(parcel, str(outcome))
            case _:
                await self._later(parcel, outcome)

    async def _next(self) -> Parcel | None:
        """Return what to tell now, of all that has become due while the channel was busy."""
        limit = 1 if self.pace.one_by_one else LIMIT
        due = await self.store.due(self.destination, limit)
        return pack(await self._gathered(due), self._alone) if due else None

    async def _gathered(self, due: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return *due*, or, if all of it ends a part of a storm, what more of that ends meanwhile.

        What broke together mostly heals together, and nobody waits to hear of that.
        """
        until = self.clock.now().mono + self.pace.gather
        while is_end_of_part(due, self._storm):
            left = until - self.clock.now().mono
            if left <= 0:
                break
            await self._patience.rest(left, self.wait())
            due = await self.store.due(self.destination, LIMIT) or due
        self._storm -= {delivery.alert.incident for delivery in due}
        return due

    async def _sent(self, parcel: Parcel) -> Receipt | DeliveryError:
        """Send *parcel* once, and return how that went."""
        message = await self._message(parcel.alerts)
        deadline = self.pace.deadline
        try:
            sending = self.notifier.send(message, parcel.key)
            return await self._patience.within(deadline, sending)
        except DeliveryError as error:
            return error
        except TimeoutError:
            return TemporaryDeliveryError(f"cannot deliver: no answer within {deadline:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a notifier does, the alert is kept
            return TemporaryDeliveryError(f"cannot deliver: {describe(error)}")

    async def _message(self, alerts: Sequence[Alert]) -> Message:
        """Return *alerts* in words; a single one with the evidence there is."""
        if len(alerts) > 1:
            return digest(alerts, self.host, self.clock.now().wall, self.tz, self.words)
        [alert] = alerts
        evidence: Sequence[str] = ()
        if alert.incident and alert.kind in WITH_EVIDENCE:
            try:
                gathering = self.evidence_ready(alert.incident)
                await self._patience.within(self.pace.evidence, gathering)
            except Exception as error:  # noqa: BLE001 - an alert without evidence is an alert
                log.info("evidence not ready", incident=alert.incident, reason=describe(error))
            try:
                evidence = await self.store.evidence(alert.incident)
            except StoreError as error:
                log.warning("evidence not read", incident=alert.incident, reason=str(error))
        sent = self.clock.now().wall
        return render(alert, self.host, evidence, sent, self.tz, self.words)

    async def _delivered(self, parcel: Parcel, receipt: Receipt) -> None:
        wall = self.clock.now().wall
        self._failures = 0
        self._standing.trouble, self._standing.last_success = "", wall
        late = round(wall - parcel.alerts[0].wall, 3)
        log.info("alert delivered", **self._names(parcel), late=late)
        await self._write_down(lambda: self.store.delivered(parcel.deliveries, receipt, wall))
        self._remember(parcel)
        for delivery in parcel.deliveries:
            self._alone.discard(delivery.key)
            self._standing.answer(delivery.alert, "")

    def _remember(self, parcel: Parcel) -> None:
        """Know what was told together, or within a minute before, as one storm."""
        mono = self.clock.now().mono
        told = {alert.incident: mono for alert in parcel.alerts if alert.kind in WITH_EVIDENCE}
        recent = {name: at for name, at in self._recent.items() if mono - at < STORM}
        self._recent = recent | told
        if len(told) > 1:
            self._storm |= self._recent.keys()

    async def _rejected(self, parcel: Parcel, reason: str) -> None:
        wall = self.clock.now().wall
        self._failures, self._standing.trouble = 0, reason
        if len(parcel.deliveries) > 1:
            log.warning("digest rejected, telling each by itself", **self._names(parcel))
            self._alone |= {delivery.key for delivery in parcel.deliveries}
            return
        [delivery] = parcel.deliveries
        log.error("alert rejected, set aside", **self._names(parcel), reason=reason)
        await self._write_down(lambda: self.store.rejected(delivery, reason, wall))
        self._alone.discard(delivery.key)
        self._standing.answer(delivery.alert, reason)

    async def _later(self, parcel: Parcel, error: DeliveryError) -> None:
        asked = error.retry_after if isinstance(error, TemporaryDeliveryError) else None
        self._failures, self._standing.trouble = self._failures + 1, str(error)
        delay = max(asked or 0.0, self.pace.delay(self._failures, self.chance()))
        names = self._names(parcel)
        log.warning(
            "alert not delivered, trying again", **names, delay=round(delay, 3), reason=str(error)
        )
        try:
            wall = self.clock.now().wall
            await self.store.attempt_failed(parcel.deliveries, str(error), wall)
        except StoreError as cause:
            log.warning("failed try not written down", **names, reason=str(cause))
        self._standing.answer(None, str(error))  # those that come after it have to wait as well
        await self._pause(delay)

    async def _write_down(self, write: Callable[[], Awaitable[None]]) -> None:
        """Call *write* until it works: to send again what has arrived would be noise."""
        while True:
            try:
                await write()
            except Exception as error:  # noqa: BLE001 - see above, whatever the store does
                await self._stumble("outcome not written down, trying again", error)
            else:
                self._failures = 0
                return

    async def _stumble(self, event: str, error: Exception) -> None:
        """Log *error*, which is not about an alert, and pause."""
        self._failures += 1
        delay = self.pace.delay(self._failures, self.chance())
        log.error(
            event, destination=self.destination, delay=round(delay, 3), reason=describe(error)
        )
        await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        self._standing.next_try = self.clock.now().wall + seconds
        try:
            await self._patience.rest(seconds)
        finally:
            self._standing.next_try = None

    def _names(self, parcel: Parcel) -> dict[str, str | int]:
        alert = parcel.alerts[0]
        names: dict[str, str | int] = {
            "destination": self.destination,
            "incident": alert.incident,
            "kind": alert.kind.value,
            "attempt": parcel.attempts + 1,
        }
        more = len(parcel.deliveries) - 1
        return names | {"together_with": more} if more else names
