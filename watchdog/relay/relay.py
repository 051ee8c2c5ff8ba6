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
from math import inf

import structlog

from watchdog.core.model import Alert
from watchdog.errors import (
    DeliveryError,
    MessageGoneError,
    RejectedDeliveryError,
    RepairNeededError,
    StoreError,
    TemporaryDeliveryError,
)
from watchdog.ports import Clock, Delivery, Message, Notifier, Receipt, Store
from watchdog.relay.pace import Pace
from watchdog.relay.parcel import LIMIT, Parcel, Way, idle, pack
from watchdog.relay.patience import Patience
from watchdog.relay.renewal import Renewal
from watchdog.relay.standing import RelayStatus, Standing, describe
from watchdog.relay.storm import Storm
from watchdog.relay.talk import Talk
from watchdog.relay.wording import Wording
from watchdog.words.catalogue import Catalogue

log = structlog.get_logger()

STUCK = 30.0  # seconds without progress, all waits that end being counted as progress
FAREWELL = 1.0  # seconds to close a connection


async def _nobody(_delivery: Delivery, _reason: str) -> None:
    pass


@dataclass(slots=True)
class Relay:
    """Drains the outbox of *destination* into *notifier*, and closes it in the end.

    ``wait`` returns when the outbox may have grown since it last returned; it may be cancelled
    at any time. ``evidence_ready`` returns when no evidence of an incident is being gathered.
    ``changed`` is called when ``trouble`` has become another. With ``renewal`` what stands is told
    again whenever the outbox is empty, so never beside an alert and never before one. With ``talk``
    an incident is one message, edited and answered; without, updates are told to nobody.
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
    renewal: Renewal | None = None
    talk: Talk | None = None
    failed: Callable[[], None] = lambda: None  # a try has failed
    refused: Callable[[Delivery, str], Awaitable[None]] = _nobody  # before it is set aside

    needs_repair: bool = field(default=False, init=False)  # nothing arrives until it is repaired
    _patience: Patience = field(init=False)
    _wording: Wording = field(init=False)
    _standing: Standing = field(init=False)
    _post_at: float = field(default=0.0, init=False)  # mono: no message before this
    _edit_at: float = field(default=0.0, init=False)  # mono: no edit before this
    _failures: int = field(default=0, init=False)  # in a row
    _refuses: bool = field(default=False, init=False)  # the last alert, for good
    _alone: set[str] = field(default_factory=set, init=False)  # keys refused in company
    _storm: Storm = field(default_factory=Storm, init=False)

    def __post_init__(self) -> None:
        self._patience = Patience(self.clock)
        self._wording = Wording(
            *(self.store, self.clock, self._patience, self.evidence_ready, self.pace.evidence),
            *(self.host, self.tz, self.words),
        )
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
    def is_failing(self) -> bool:
        """Tell whether the last alert was not taken, be it tried again or refused for good."""
        return self._failures > 0 or self._refuses

    @property
    def trouble(self) -> str:
        """Why the last alert was not delivered; empty if it was."""
        return self._standing.trouble

    def status(self) -> RelayStatus:
        """Return how the destination stands, in words too."""
        return self._standing.status(self.tz)

    async def _turn(self) -> None:
        """Deliver the oldest alert; if there is none, renew what is due, or wait."""
        self._patience.move()
        if self.renewal is not None:
            await self.renewal.recall(self._wording.then)
            if not self._failures and self.renewal.is_overdue(self.clock.now().mono):
                await self._renew(self.renewal)
        if not await self.store.due(self.destination):
            await self._idle()
            return
        parcel = await self._free()
        if parcel is None:
            return
        outcome = await self._sent(parcel)
        match outcome:
            case Receipt():
                await self._delivered(parcel, outcome)
            case MessageGoneError():
                await self._gone(parcel, str(outcome))
            case RejectedDeliveryError():
                await self._rejected(parcel, str(outcome))
            case _:
                await self._later(parcel, outcome)

    async def _idle(self) -> None:
        """Renew what stands, if that is due; else wait for it, or for an alert."""
        mono = self.clock.now().mono
        left = self.renewal.left(mono) if self.renewal is not None else self.pace.recheck
        if self.renewal is None or left > 0:
            await self._patience.rest(min(left, self.pace.recheck), self.wait())
            return
        await self._renew(self.renewal)

    async def _renew(self, renewal: Renewal) -> None:
        deadline = self.pace.deadline
        try:
            await self._patience.within(deadline, renewal.renew(self.clock.now().mono))
        except DeliveryError as error:
            self._standing.trouble = str(error)
        except TimeoutError:
            self._standing.trouble = f"cannot deliver: no answer within {deadline:g} s"
        else:
            self._standing.trouble = renewal.trouble
            return
        log.warning("open incidents not told again", destination=self.destination)

    async def _free(self) -> Parcel | None:
        """Return what to tell now, once the channel takes it.

        Messages and edits are limited apart from each other, so neither waits for the other.
        """
        await self._patience.until(min(self._post_at, self._edit_at if self.talk else inf))
        while (parcel := await self._next()) is not None:
            free_at = self._edit_at if parcel.way is Way.EDIT else self._post_at
            left = free_at - self.clock.now().mono
            if left <= 0:
                return parcel
            await self._patience.rest(left, self.wait())  # what is due by then may go at once
        return None

    async def _next(self) -> Parcel | None:
        """Return what to tell now, of all that has become due while the channel was busy."""
        if self.talk is not None:
            await self.talk.recall()
        due = await self._gathered(await self._due())
        if not due:
            return None
        return pack(due, self._alone) if self.talk is None else self.talk.next(due, self._alone)

    async def _due(self) -> Sequence[Delivery]:
        """Return what there is to tell; what is quiet and has no place here is done with."""
        to_program = self.pace.one_by_one
        due = await self.store.due(self.destination, 1 if to_program else LIMIT)
        left = idle(due, to_program=to_program) if self.talk is None else self.talk.idle(due)
        if left:
            wall = self.clock.now().wall
            await self._write_down(lambda: self.store.delivered(left, Receipt(), wall))
        return [delivery for delivery in due if delivery not in left]

    async def _gathered(self, due: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return *due*, or, if all of it ends a part of a storm, what more of that ends meanwhile.

        What broke together mostly heals together, and nobody waits to hear of that.
        """
        until = self.clock.now().mono + self.pace.gather
        while self._storm.may_end_soon(due):
            left = until - self.clock.now().mono
            if left <= 0:
                break
            await self._patience.rest(left, self.wait())
            due = await self._due() or due
        return due

    async def _sent(self, parcel: Parcel) -> Receipt | DeliveryError:
        """Send *parcel* once, and return how that went."""
        message = await self._wording.now(parcel)
        if parcel.way is Way.REPLY and not (message.events or message.evidence):
            return parcel.where  # the message says it all
        deadline = self.pace.deadline
        try:
            return await self._patience.within(deadline, self._carried(parcel, message))
        except DeliveryError as error:
            return error
        except TimeoutError:
            return TemporaryDeliveryError(f"cannot deliver: no answer within {deadline:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a notifier does, the alert is kept
            return TemporaryDeliveryError(f"cannot deliver: {describe(error)}")
        finally:
            again_at = self.clock.now().mono + self.pace.gap
            if parcel.way is Way.EDIT:
                self._edit_at = again_at
            else:
                self._post_at = again_at

    def _carried(self, parcel: Parcel, message: Message) -> Awaitable[Receipt]:
        if self.talk is not None and parcel.way in {Way.EDIT, Way.REPLY}:
            return self.talk.carry(parcel, message)
        return self.notifier.send(message, parcel.key)

    async def _delivered(self, parcel: Parcel, receipt: Receipt) -> None:
        wall = self.clock.now().wall
        self._failures, self._refuses, self.needs_repair = 0, False, False
        self._standing.trouble = self.renewal.trouble if self.renewal is not None else ""
        self._standing.last_success = wall
        late = round(wall - parcel.alerts[0].wall, 3)
        log.info("alert delivered", **self._names(parcel), late=late)
        done: Sequence[Delivery] = parcel.deliveries
        if self.talk is not None:
            after, receipt = self.talk.took(parcel, receipt)
            done = [each for each in after if self.talk.is_done(each, receipt)]
            on_the_way = [each for each in after if each not in done]
            if on_the_way:
                await self._write_down(lambda: self.store.progressed(on_the_way, wall))
        self._storm.remember(parcel, self.clock.now().mono)
        await self._arrived(done, receipt)

    async def _arrived(self, done: Sequence[Delivery], receipt: Receipt) -> None:
        """Write down that nothing is left to do of *done*."""
        wall = self.clock.now().wall
        if done:
            await self._write_down(lambda: self.store.delivered(done, receipt, wall))
        if self.talk is not None:
            self.talk.forget(done)
        for delivery in done:
            self._alone.discard(delivery.key)
            self._standing.answer(delivery.alert, "")

    async def _gone(self, parcel: Parcel, reason: str) -> None:
        """Tell anew what was to be put into a message that is gone, at once."""
        log.warning("message gone, telling anew", **self._names(parcel), reason=reason)
        if self.talk is not None:
            await self._arrived(self.talk.lost(parcel), parcel.where)

    async def _rejected(self, parcel: Parcel, reason: str) -> None:
        wall = self.clock.now().wall
        self._failures, self.needs_repair, self._standing.trouble = 0, False, reason
        if parcel.way is Way.EDIT:
            log.warning("edit rejected, answering all the same", **self._names(parcel))
            await self._delivered(parcel, parcel.where)
            return
        if len(parcel.deliveries) > 1:
            log.warning("digest rejected, telling each by itself", **self._names(parcel))
            self._alone |= {delivery.key for delivery in parcel.deliveries}
            return
        [delivery] = parcel.deliveries
        self._refuses = True
        log.error("alert rejected, set aside", **self._names(parcel), reason=reason)
        await self._write_down(lambda: self.refused(delivery, reason))
        await self._write_down(lambda: self.store.rejected(delivery, reason, wall))
        self._alone.discard(delivery.key)
        self._standing.answer(delivery.alert, reason)

    async def _later(self, parcel: Parcel, error: DeliveryError) -> None:
        asked = error.retry_after if isinstance(error, TemporaryDeliveryError) else None
        self._failures, self._standing.trouble = self._failures + 1, str(error)
        self.needs_repair = isinstance(error, RepairNeededError)
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
        self.failed()
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
        if parcel.way is not Way.WHOLE:
            names["way"] = parcel.way.value
        more = len(parcel.deliveries) - 1
        return names | {"together_with": more} if more else names
