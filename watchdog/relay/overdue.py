"""What a destination keeps waiting for too long is told elsewhere, once; it stays due here.

How long it has waited is known from the outbox, so a restart changes nothing. Who is told of the
beginning of an incident is told of its end: what waits of one incident goes together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Protocol

import structlog

from watchdog.addressing import AddressBook
from watchdog.core.model import Now
from watchdog.ports import Addressed, Clock, Delivery
from watchdog.relay.instead import Elsewhere, Obstacle, instead, is_missed
from watchdog.relay.parcel import LIMIT
from watchdog.relay.patience import Patience
from watchdog.relay.standing import describe

GRACE = 60.0
"""Seconds after the start in which a destination may take what has waited since before it."""

STUMBLE = 5.0
"""Seconds to the next look after one that failed for a reason of our own."""

log = structlog.get_logger()


class Outbox(Protocol):
    """What the store is asked and told."""

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        """Return the *limit* oldest alerts not yet delivered to *destination*."""
        ...

    async def addressed(self, delivery: Delivery) -> Collection[str]:
        """Return where the alert of *delivery* was addressed when it was made; an end, ever."""
        ...

    async def unposted(self, named: Mapping[str, Addressed]) -> Mapping[str, Addressed]:
        """Return of alerts, each under its name, what has never been posted, in any run."""
        ...

    async def post_once(self, named: Mapping[str, Addressed], now: Now) -> None:
        """Put what is *unposted* into the outbox."""
        ...


class Sender(Protocol):
    """What is known of how a destination stands."""

    @property
    def trouble(self) -> str:
        """Why the last alert was not delivered; empty if it was."""
        ...

    @property
    def needs_repair(self) -> bool:
        """Tell whether nothing will be delivered until a person has repaired something."""
        ...


@dataclass(slots=True)
class Overdue:
    """Looks after the deliveries to *destination* that *sender* cannot make.

    ``wake`` is to be called when the outbox has grown and when a try has failed.
    """

    destination: str
    sender: Sender
    store: Outbox
    book: AddressBook
    clock: Clock
    elsewhere: Callable[[], Elsewhere]
    after: float  # seconds

    _patience: Patience = field(init=False)
    _began: float = field(init=False)  # mono
    _seen: dict[str, float] = field(default_factory=dict, init=False)  # key -> mono
    _told: set[str] = field(default_factory=set, init=False)  # keys of what is told elsewhere
    _incidents: set[str] = field(default_factory=set, init=False)  # of these

    def __post_init__(self) -> None:
        self._patience = Patience(self.clock)
        self._began = self.clock.now().mono

    async def run(self) -> None:
        """Look after them until cancelled."""
        while True:
            try:
                left = await self._look()
            except Exception as error:  # noqa: BLE001 - it must not end with an alert waiting
                left = STUMBLE
                self._note(error)
            await self._patience.rest(left)

    def wake(self) -> None:
        """Look again: there is something new."""
        self._patience.wake()

    async def refused(self, delivery: Delivery, reason: str) -> None:
        """Tell elsewhere what will never be taken here; to be called before it is set aside.

        And what waits of the same incident: its end may well be taken here.
        """
        wall, incident = self.clock.now().wall, delivery.alert.incident
        await self._tell([delivery], Obstacle(reason, wall, refused=True))
        due = await self.store.due(self.destination, len(self._told) + LIMIT) if incident else ()
        waiting = [
            each
            for each in due
            if each.alert.incident == incident
            and each.key not in self._told
            and is_missed(each, self.elsewhere())
        ]
        if waiting:
            await self._tell(waiting, Obstacle(reason, wall))

    def _note(self, error: Exception) -> None:
        log.error("fallback stumbled", destination=self.destination, reason=describe(error))

    async def _look(self) -> float:
        """Tell what is overdue, and return the seconds until something else will be."""
        elsewhere, now = self.elsewhere(), self.clock.now()
        due = await self.store.due(self.destination, len(self._told) + LIMIT)
        self._told &= {each.key for each in due}
        self._incidents &= {each.alert.incident for each in due}
        waiting = [each for each in due if is_missed(each, elsewhere)]
        self._seen = {each.key: self._seen.get(each.key, now.mono) for each in waiting}
        waiting = [each for each in waiting if each.key not in self._told]
        left = {each.key: self._left(each, now.mono, now.wall) for each in waiting}
        late = {each.alert.incident for each in waiting if left[each.key] <= 0} | self._incidents
        overdue = [
            each for each in waiting if left[each.key] <= 0 or each.alert.incident in late - {""}
        ]
        if overdue:
            reason = self.sender.trouble or "no answer yet"
            await self._tell(overdue, Obstacle(reason, now.wall))
            return 0.0  # what came meanwhile may be the end of what was told
        return min(left.values(), default=inf)

    def _left(self, delivery: Delivery, mono: float, wall: float) -> float:
        """Return for how many seconds *delivery* may wait, by whichever clock says more."""
        if self.sender.needs_repair:
            return 0.0
        waited = max(wall - delivery.created, mono - self._seen[delivery.key])
        grace = 0.0 if self.sender.trouble else self._began + GRACE - mono
        return max(self.after - waited, grace)

    async def _tell(self, deliveries: Sequence[Delivery], obstacle: Obstacle) -> None:
        elsewhere = self.elsewhere()
        named: dict[str, Addressed] = {}
        for delivery in deliveries:
            told = instead(delivery, obstacle, elsewhere)
            if told is not None:
                name, addressed = told
                named[name] = await self._without_those_who_have_it(addressed, delivery)
        named = dict(await self.store.unposted(named))
        self._told |= {delivery.key for delivery in deliveries}
        self._incidents |= {delivery.alert.incident for delivery in deliveries} - {""}
        await self._post(named, obstacle)

    async def _without_those_who_have_it(
        self, addressed: Addressed, delivery: Delivery
    ) -> Addressed:
        if addressed.alert.diversion is None:
            return addressed  # of a canary that is lost they have only their own
        there = await self.store.addressed(delivery)
        return replace(
            addressed, destinations=[to for to in addressed.destinations if to not in there]
        )

    async def _post(self, named: Mapping[str, Addressed], obstacle: Obstacle) -> None:
        """Post at once what is to be told: between here and the outbox nothing else may happen.

        A warning that is over by now is not told elsewhere: its end would have to follow.
        """
        named = {name: each for name, each in named.items() if not self.book.is_over(each.alert)}
        if not any(each.destinations for each in named.values()):
            return
        for each in named.values():
            self.book.note(each.alert, each.destinations)
        log.warning(
            "told elsewhere",
            destination=self.destination,
            alerts=len(named),
            to=sorted({name for each in named.values() for name in each.destinations}),
            reason=obstacle.reason,
        )
        await self.store.post_once(named, self.clock.now())
