"""Changes made ready to be written, and what became of deliveries.

Everything here may be written twice and counts once: whether a write that failed has left
something on the disk is not always known (an I/O error at COMMIT), so every change carries a number
and every letter a key.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID, uuid4, uuid5

from watchdog.core.model import (
    Alert,
    Now,
)
from watchdog.ports import Addressed, Change, Delivery, Receipt
from watchdog.store.encode import encode, plain
from watchdog.store.history import pack

_KEYS = UUID("0e6f9a51-8c0f-5b8e-9d0e-6a3b2f7c4d18")  # any constant: keys are made within it


class Status(StrEnum):
    """What has become of a letter."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  # refused for good


@dataclass(frozen=True, slots=True)
class Letter:
    """An alert addressed to one destination."""

    destination: str
    alert: Alert
    text: str  # the alert as JSON
    key: str  # the same at every try, in this run of the daemon and in the next
    created: float  # wall


@dataclass(frozen=True, slots=True)
class Entry:
    """A change ready to be written, or letters alone."""

    run: str
    number: int  # rises within a run
    letters: tuple[Letter, ...]
    change: Change | None = None
    state: str = ""  # the state as JSON
    history: str = ""  # the records as JSON; empty: none

    @property
    def service(self) -> str:
        """Name the service whose state this is; empty for letters alone."""
        return self.change.state.service if self.change is not None else ""

    def without_ledger(self) -> Entry:
        """Return the state and the letters alone."""
        if self.change is None:
            return self
        bare = replace(self.change, notes=(), alerts=(), restart=None, finished=None, history=())
        return replace(self, change=bare, history="")


@dataclass(frozen=True, slots=True)
class Result:
    """How the last try of a delivery went."""

    id: int  # not positive: of a letter that was not on the disk
    key: str
    status: Status
    attempts: int
    wall: float
    error: str = ""
    receipt: str = "{}"  # JSON

    @classmethod
    def delivered(cls, delivery: Delivery, receipt: Receipt, wall: float) -> Result:
        """Return that *delivery* has arrived."""
        details = encode(dict(receipt.details))
        return cls(
            delivery.id, delivery.key, Status.SENT, delivery.attempts + 1, wall, receipt=details
        )

    @classmethod
    def progressed(cls, delivery: Delivery, wall: float) -> Result:
        """Return how far *delivery* has come; it is still due."""
        details = encode(dict(delivery.receipt.details))
        return cls(
            delivery.id, delivery.key, Status.PENDING, delivery.attempts, wall, receipt=details
        )

    @classmethod
    def failed(cls, delivery: Delivery, reason: str, wall: float) -> Result:
        """Return that *delivery* is still due; what was done of it before remains done."""
        so_far, tries = cls.progressed(delivery, wall), delivery.attempts + 1
        return replace(so_far, attempts=tries, error=plain(reason))

    @classmethod
    def rejected(cls, delivery: Delivery, reason: str, wall: float) -> Result:
        """Return that *delivery* will never be taken."""
        return cls(
            delivery.id, delivery.key, Status.DEAD, delivery.attempts + 1, wall, plain(reason)
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written in one transaction."""

    entries: Sequence[Entry] = ()
    results: Sequence[Result] = ()
    evidence: Mapping[str, str] | None = None  # incident -> lines as JSON

    @property
    def destinations(self) -> set[str]:
        """Name where its letters go."""
        return {letter.destination for entry in self.entries for letter in entry.letters}


def key_of(name: str, destination: str) -> str:
    """Return the key of what goes to *destination* once, under *name*, in any run."""
    return str(uuid5(_KEYS, f"{name}\0{destination}"))


class Register:
    """Numbers the changes of one run of the daemon, and gives every letter its key."""

    def __init__(self) -> None:
        self._run = uuid4()
        self._numbers = itertools.count(1)

    @property
    def run(self) -> str:
        """Name this run of the daemon."""
        return str(self._run)

    def enter(self, change: Change) -> Entry:
        """Return *change* ready to be written."""
        letters = self.address(change.alerts, change.now)
        history = pack(change.history) if change.history else ""
        return replace(letters, change=change, state=encode(change.state), history=history)

    def address(self, alerts: Sequence[Addressed], now: Now) -> Entry:
        """Return *alerts* as letters to each of their destinations."""
        number = next(self._numbers)
        letters = tuple(
            Letter(
                destination,
                each.alert,
                text,
                str(uuid5(self._run, f"{number}/{place}/{destination}")),
                now.wall,
            )
            for place, (each, text) in enumerate((each, encode(each.alert)) for each in alerts)
            for destination in each.destinations
        )
        return Entry(self.run, number, letters)

    def address_once(self, named: Mapping[str, Addressed], now: Now) -> Entry:
        """Return alerts as letters whose keys are made of their names: the same in any run."""
        letters = tuple(
            Letter(
                destination,
                each.alert,
                encode(each.alert),
                key_of(name, destination),
                now.wall,
            )
            for name, each in named.items()
            for destination in each.destinations
        )
        return Entry(self.run, next(self._numbers), letters)
