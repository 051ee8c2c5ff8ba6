"""What is told in one message: an incident as it stands now, or many incidents at once. Pure.

The outbox holds every alert. A channel that was not to be reached, or takes one message a second,
gets what is still news: of an incident its newest alert, of many services one digest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid5

from watchdog.core.model import (
    QUIET,
    Alert,
    AlertKind,
)
from watchdog.core.telling import CircumstanceKind
from watchdog.ports import Delivery, Receipt

DIGEST_FROM = 4
"""Subjects that are told in one message; fewer have one each."""

WITH_EVIDENCE = frozenset({AlertKind.FIRING, AlertKind.GAVE_UP})
"""What is told with evidence; a reader of the end has seen it at the beginning."""

CALLS = frozenset({AlertKind.REMINDER, AlertKind.GAVE_UP})
"""What must reach those who know of the incident and do not look."""

LIMIT = 500
"""Deliveries in one message at most."""

_OF_THE_NETWORK = frozenset({CircumstanceKind.NETWORK_DOWN, CircumstanceKind.NETWORK_BACK})
_NETWORK = "\0network"  # no service and no incident is called that

_KEYS = UUID("5b6f5f6e-8a53-5d0c-9d0c-1f0a4c1f7a52")  # any constant: keys are made within it


class Way(StrEnum):
    """What is made of a parcel at its destination."""

    WHOLE = "whole"  # a message that says all there is to say
    OPEN = "open"  # a message that is edited and answered later on
    EDIT = "edit"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Deliveries that one message tells; ``alerts`` is what it says, the oldest subject first."""

    deliveries: tuple[Delivery, ...]
    alerts: tuple[Alert, ...]
    way: Way = Way.WHOLE
    where: Receipt = field(default_factory=Receipt)  # EDIT, REPLY: of which message
    loud: bool = False  # REPLY: to be seen in the channel too

    @property
    def key(self) -> str:
        """Name the message: the same at every try as long as it tells the same.

        One that is edited later has the name of its first delivery, whatever has come since.
        """
        keys = [delivery.key for delivery in self.deliveries]
        if self.way is Way.REPLY:
            return str(uuid5(_KEYS, "/".join(["reply", *keys])))
        if len(keys) == 1 or (self.way is Way.OPEN and len(self.alerts) == 1):
            return keys[0]
        return str(uuid5(_KEYS, "/".join(keys)))

    @property
    def attempts(self) -> int:
        """How often the oldest of the deliveries has been tried."""
        return self.deliveries[0].attempts


def pack(due: Sequence[Delivery], alone: Collection[str] = ()) -> Parcel:
    """Return what to tell next of *due*, which is not empty and the oldest first.

    Deliveries whose keys are in *alone* were refused in company: they, and what is due after them
    of the same subject, go by themselves.
    """
    first = due[0]
    shy = {_subject(delivery.alert) for delivery in due if delivery.key in alone} | {""}
    if _subject(first.alert) in shy:
        return Parcel((first,), (first.alert,))
    if _subject(first.alert) == _NETWORK:
        told = tuple(delivery for delivery in due if _subject(delivery.alert) == _NETWORK)
        return Parcel(told, (told[-1].alert,))
    subjects: dict[str, list[Delivery]] = {}
    for delivery in due:
        subject = _subject(delivery.alert)
        if subject not in shy | {_NETWORK}:
            subjects.setdefault(subject, []).append(delivery)
    chosen = list(subjects.values())
    if len(chosen) < DIGEST_FROM:
        chosen = chosen[:1]
    deliveries = sorted((each for group in chosen for each in group), key=due.index)
    return Parcel(tuple(deliveries), tuple(group[-1].alert for group in chosen))


def idle(due: Sequence[Delivery], *, to_program: bool) -> Sequence[Delivery]:
    """Return those of *due* that are told nowhere without a conversation.

    A program is not disturbed by the end of a warning, and may close what it has opened.
    """
    kinds = {AlertKind.UPDATE} if to_program else QUIET
    return [delivery for delivery in due if delivery.alert.kind in kinds]


def _subject(alert: Alert) -> str:
    """Name what *alert* is about: an incident, or a service; empty: it is told by itself.

    What was told of this host's own network could not be sent before it was back.
    """
    if alert.kind is AlertKind.TEST:
        return ""
    if alert.circumstance is not None and alert.circumstance.kind in _OF_THE_NETWORK:
        return _NETWORK
    return alert.incident or alert.service
