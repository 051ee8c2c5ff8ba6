"""The conversations of one destination: what is opened, edited and answered next.

One call at a time, and after each it is written down how far its deliveries have come. First what
nobody knows of yet, then what people must be called for, then the rest in its order. A message is
edited before it is answered, for an edit shows whether it is still there; unless people must be
called, which nothing may hold up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import structlog

from watchdog.core.model import ENDS, QUIET, AlertKind
from watchdog.errors import StoreError
from watchdog.ports import Conversing, Delivery, Message, Receipt, Told
from watchdog.relay.conversation import (
    Conversation,
    Theme,
    goes_on,
    owes_reply,
    remembered,
    replied,
    shown,
    theme,
    where,
)
from watchdog.relay.parcel import WITH_EVIDENCE, Parcel, Way, pack

log = structlog.get_logger()


@dataclass(slots=True)
class Talk:
    """Conversations by way of *notifier*; ``told`` returns what was told in those still open."""

    notifier: Conversing
    told: Callable[[], Awaitable[Sequence[Told]]]

    # By incident, and of a warning by its id the last message about it.
    _conversations: dict[str, Conversation] = field(default_factory=dict, init=False)
    _gone: list[Receipt] = field(default_factory=list, init=False)
    _recalled: bool = field(default=False, init=False)

    async def recall(self) -> None:
        """Take up, once, what was told before the daemon started."""
        if self._recalled:
            return
        try:
            told = await self.told()
        except StoreError as error:  # better a message too many than none; tried again next time
            log.warning("open conversations not recalled", reason=str(error))
            return
        self._recalled = True
        self._conversations = {**remembered(told), **self._conversations}

    def idle(self, due: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return those of *due* that are told nowhere: quiet ones with no message to be put in.

        In a digest of many services updates would be a flood.
        """
        opening = {each.alert.incident for each in due if each.alert.kind not in QUIET}
        return [
            each
            for each in due
            if each.alert.kind in QUIET and self._is_idle(each, opening=opening)
        ]

    def _is_idle(self, delivery: Delivery, *, opening: Collection[str]) -> bool:
        talk, alert = self._of(delivery), delivery.alert
        if talk is None:
            return alert.incident not in opening
        return talk.is_digest and alert.kind is AlertKind.UPDATE

    def next(self, due: Sequence[Delivery], alone: Collection[str]) -> Parcel:
        """Return the next call for *due*, which is not empty and has nothing idle.

        Deliveries whose keys are in *alone* were refused in company.
        """
        fresh: list[Delivery] = []
        groups: dict[int, tuple[Conversation, list[Delivery]]] = {}
        for each in due:
            talk = self._of(each)
            if talk is None:
                fresh.append(each)
            else:
                groups.setdefault(id(talk), (talk, []))[1].append(each)
        if fresh:
            return _opening(pack(_alike(fresh), alone))
        for talk, deliveries in groups.values():
            news = [each for each in deliveries if not talk.has_shown(each) and owes_reply(each)]
            if news and talk.calls(news):
                return _reply(talk, news, alone, loud=True)
        talk, deliveries = next(iter(groups.values()))
        if not all(talk.has_shown(each) for each in deliveries):
            return _edit(talk, deliveries)
        return _reply(talk, [each for each in deliveries if owes_reply(each)], alone)

    def carry(self, parcel: Parcel, message: Message) -> Awaitable[Receipt]:
        """Edit or answer what *parcel* names. Raises DeliveryError."""
        if parcel.way is Way.EDIT:
            return self._edit(parcel.where, message)
        return self.notifier.reply(message, parcel.key, parcel.where, loud=parcel.loud)

    async def _edit(self, receipt: Receipt, message: Message) -> Receipt:
        await self.notifier.edit(message, receipt)
        return receipt

    def took(self, parcel: Parcel, receipt: Receipt) -> tuple[Sequence[Delivery], Receipt]:
        """Return the deliveries of *parcel* as they stand after its call, and their message."""
        if parcel.way is Way.OPEN:
            return self._opened(parcel, receipt), receipt
        after: Sequence[Delivery]
        if parcel.way is Way.EDIT:
            after = [shown(each, parcel.where) for each in parcel.deliveries]
        else:
            after = [replied(each) for each in parcel.deliveries]
        talk = self._of(parcel.deliveries[0])
        if talk is not None:
            if parcel.way is Way.EDIT:
                talk.tell(each.alert for each in parcel.deliveries)
            talk.called |= parcel.loud
        return after, parcel.where

    def _opened(self, parcel: Parcel, receipt: Receipt) -> Sequence[Delivery]:
        talk = Conversation(receipt)
        talk.tell(alert for alert in parcel.alerts if alert.incident)
        if talk.newest and receipt.details:
            self._conversations |= dict.fromkeys(talk.newest, talk)
        is_whole = len(parcel.deliveries) == 1 and parcel.alerts[0].kind not in WITH_EVIDENCE
        is_answered = theme(parcel.alerts[0]) is Theme.INCIDENTS and bool(receipt.details)
        if len(parcel.alerts) > 1 or is_whole or not is_answered:
            return [replied(shown(each, receipt)) for each in parcel.deliveries]
        # An earlier try may have posted what was true then, and Slack knows it again by its key.
        stale = parcel.attempts > 0 and len(parcel.deliveries) > 1
        return [shown(each, receipt, stale=stale) for each in parcel.deliveries]

    def is_done(self, delivery: Delivery, message: Receipt) -> bool:
        """Tell whether there is nothing left to do of *delivery*, which belongs to *message*."""
        talk = Conversation(message)
        return talk.has_shown(delivery) and not owes_reply(delivery)

    def lost(self, parcel: Parcel) -> Sequence[Delivery]:
        """Forget the message of *parcel*, which is gone; return what had been told in it.

        The rest is told anew. Of an update alone nobody makes a new message.
        """
        self._gone = [*self._gone[-99:], parcel.where]
        self._conversations = {
            name: talk for name, talk in self._conversations.items() if talk.receipt != parcel.where
        }
        before = Conversation(parcel.where)
        return [each for each in parcel.deliveries if before.has_shown(each)]

    def forget(self, delivered: Sequence[Delivery]) -> None:
        """Forget the incidents and warnings whose end is *delivered*."""
        for each in delivered:
            if each.alert.kind in ENDS:
                self._conversations.pop(each.alert.incident, None)

    def _of(self, delivery: Delivery) -> Conversation | None:
        """Return where *delivery* belongs; one that the last daemon opened is taken up."""
        incident, message = goes_on(delivery.alert), where(delivery)
        talk = self._conversations.get(incident)
        if talk is None and incident and message.details and message not in self._gone:
            talk = Conversation(message, {incident: delivery.alert})
            self._conversations[incident] = talk
        return talk


def _alike(fresh: Sequence[Delivery]) -> Sequence[Delivery]:
    """Return those of *fresh* that may share a message with the first.

    What is told of neither incident nor warning would be gone with the first edit.
    """
    first = theme(fresh[0].alert)
    return [each for each in fresh if theme(each.alert) is first]


def _opening(parcel: Parcel) -> Parcel:
    """Return *parcel* as a message to be edited later; in a digest updates are no state."""
    if len(parcel.alerts) == 1:
        return replace(parcel, way=Way.OPEN)
    alerts = {each.alert.incident or each.alert.service: each.alert for each in parcel.deliveries}
    stated = {
        each.alert.incident or each.alert.service: each.alert
        for each in parcel.deliveries
        if each.alert.kind is not AlertKind.UPDATE
    }
    return replace(parcel, way=Way.OPEN, alerts=tuple((alerts | stated).values()))


def _edit(talk: Conversation, deliveries: Sequence[Delivery]) -> Parcel:
    newest = {each.alert.incident: each.alert for each in deliveries}
    alerts = {**talk.newest, **newest}
    return Parcel(tuple(deliveries), tuple(alerts.values()), Way.EDIT, talk.receipt)


def _reply(
    talk: Conversation, news: Sequence[Delivery], alone: Collection[str], *, loud: bool = False
) -> Parcel:
    if any(each.key in alone for each in news):
        news = news[:1]
    newest = {each.alert.incident: each.alert for each in news}
    return Parcel(tuple(news), tuple(newest.values()), Way.REPLY, talk.receipt, loud)
