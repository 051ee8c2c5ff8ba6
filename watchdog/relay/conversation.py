"""A message that is edited and answered while its incidents last, and how far its news has come.

How far a delivery has come is in its receipt, so that the next daemon goes on from there: whose
receipt names the message is shown in it, and ``replied`` says that the reply is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from watchdog.core.model import ENDS, OF_WARNINGS, Alert, AlertKind
from watchdog.core.telling import MeasureKind
from watchdog.ports import Delivery, Receipt, Told
from watchdog.relay.parcel import CALLS

REPLIED = "replied"  # there is nothing more to answer
STALE = "stale"  # an earlier try may have posted it with older words: they are to be edited
_MARKS = frozenset({REPLIED, STALE})

_SILENT = frozenset(
    {
        MeasureKind.RESTARTING_ONCE_MORE,
        MeasureKind.RECOVERING_ONCE_MORE,
        MeasureKind.GAVE_UP,
        MeasureKind.NO_RESTART_POSSIBLE,
    }
)
"""Updates that come round every quarter of an hour once a service was given up: only edited."""


@dataclass(slots=True)
class Conversation:
    """Where the message is, and the newest of each incident that it tells of."""

    receipt: Receipt
    newest: dict[str, Alert] = field(default_factory=dict)  # by incident, the oldest first
    called: bool = False  # people have been called about it: they want to hear of its end

    @property
    def is_digest(self) -> bool:
        """Tell whether it tells of several incidents."""
        return len(self.newest) > 1

    @property
    def is_over(self) -> bool:
        """Tell whether every incident in it is."""
        return all(alert.kind in ENDS for alert in self.newest.values())

    def tell(self, alerts: Iterable[Alert]) -> None:
        """Take *alerts* as told here. Updates are no state of their own in a digest."""
        for alert in alerts:
            if alert.kind is not AlertKind.UPDATE or alert.incident not in self.newest:
                self.newest[alert.incident] = alert
            self.called |= alert.kind in CALLS

    def has_shown(self, delivery: Delivery) -> bool:
        """Tell whether the message says what *delivery* says, or something newer."""
        return where(delivery) == self.receipt and STALE not in delivery.receipt.details

    def calls(self, deliveries: Sequence[Delivery]) -> bool:
        """Tell whether *deliveries*, of which none is shown, are worth calling people for.

        Of what is over by now nobody need be woken, but whoever was may go back to bed.
        """
        newest = {**self.newest, **{each.alert.incident: each.alert for each in deliveries}}
        if all(alert.kind is AlertKind.RESOLVED for alert in newest.values()):
            return self.called
        lasting = {name for name, last in newest.items() if last.kind is not AlertKind.RESOLVED}
        return any(
            each.alert.kind in CALLS and each.alert.incident in lasting for each in deliveries
        )


class Theme(StrEnum):
    """What a message is about; of one message all have the same, for it is edited as a whole."""

    INCIDENTS = "incidents"
    WARNINGS = "warnings"
    OTHERS = "others"  # never edited


def theme(alert: Alert) -> Theme:
    """Return what the message is about in which *alert* is told."""
    if alert.kind in OF_WARNINGS:
        return Theme.WARNINGS
    return Theme.INCIDENTS if alert.incident else Theme.OTHERS


def goes_on(alert: Alert) -> str:
    """Name the incident or warning in whose message *alert* is told; empty: in one of its own.

    A warning is told again only when it is worse: that is news.
    """
    return "" if alert.kind is AlertKind.WARNING else alert.incident


def where(delivery: Delivery) -> Receipt:
    """Return which message *delivery* is shown in; an empty receipt if in none yet."""
    details = delivery.receipt.details
    return Receipt({name: value for name, value in details.items() if name not in _MARKS})


def owes_reply(delivery: Delivery) -> bool:
    """Tell whether *delivery* is still to be told below the message."""
    if REPLIED in delivery.receipt.details:
        return False
    alert = delivery.alert
    if theme(alert) is Theme.WARNINGS:
        return False
    silent = alert.measure is not None and alert.measure.kind in _SILENT
    return not (silent and alert.kind is AlertKind.UPDATE)


def shown(delivery: Delivery, receipt: Receipt, *, stale: bool = False) -> Delivery:
    """Return *delivery* as shown in the message of *receipt*; *stale*: perhaps in older words."""
    marks = {STALE: "yes"} if stale else {}
    if REPLIED in delivery.receipt.details:
        marks |= {REPLIED: "yes"}
    return replace(delivery, receipt=Receipt({**receipt.details, **marks}))


def replied(delivery: Delivery) -> Delivery:
    """Return *delivery* as told below its message."""
    return replace(delivery, receipt=Receipt({**delivery.receipt.details, REPLIED: "yes"}))


def remembered(told: Iterable[Told]) -> Mapping[str, Conversation]:
    """Return the conversation of each open incident or warning, from all *told* in them."""
    found: dict[tuple[tuple[str, str], ...], Conversation] = {}
    by_incident: dict[str, Conversation] = {}
    for each in told:
        name = tuple(sorted(each.receipt.details.items()))
        if name not in found:
            found[name] = Conversation(each.receipt)
        found[name].tell([each.alert])
        by_incident[each.alert.incident] = found[name]  # told anew elsewhere: there it goes on
    over = [name for name, talk in by_incident.items() if talk.newest[name].kind in ENDS]
    return {name: talk for name, talk in by_incident.items() if name not in over}
