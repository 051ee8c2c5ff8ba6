"""An end goes where its beginning went, whatever has changed in between."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.addressing import AddressBook
from watchdog.core.model import Alert, AlertKind
from watchdog.core.routing import Subscription
from watchdog.core.severity import Severity

PAGER = Subscription("pager", services=("api",))
SMS = Subscription("sms", frozenset())


def alert(kind: AlertKind, incident: str = "k3f9qa") -> Alert:
    return Alert(kind, "api", 0.0, "it broke", incident=incident)


def told(book: AddressBook, kind: AlertKind, incident: str = "k3f9qa") -> Sequence[str]:
    [addressed] = book.address([alert(kind, incident)])
    return addressed.destinations


def test_who_was_told_of_the_beginning_is_told_of_the_end_though_it_takes_it_no_more() -> None:
    book = AddressBook([Subscription("slack"), PAGER])
    assert told(book, AlertKind.FIRING) == ("slack", "pager")
    book.subscriptions = [Subscription("slack"), Subscription("pager", services=("web",))]
    assert told(book, AlertKind.GAVE_UP) == ("slack",)
    assert told(book, AlertKind.RESOLVED) == ("slack", "pager")
    assert told(book, AlertKind.RESOLVED) == ("slack",), "it is forgotten with the incident"


def test_who_was_told_before_the_start_is_told_of_the_end() -> None:
    book = AddressBook([Subscription("slack", frozenset({Severity.INFO})), SMS])
    book.recall({"k3f9qa": {"sms"}, "other1": {"slack"}})
    assert told(book, AlertKind.RESOLVED) == ("sms",)
    assert told(book, AlertKind.RESOLVED, "other1") == ("slack",)


def test_who_was_told_in_place_of_another_is_told_of_the_end() -> None:
    book = AddressBook([Subscription("slack"), SMS])
    assert told(book, AlertKind.FIRING) == ("slack",)
    book.note(alert(AlertKind.FIRING), ["sms"])
    assert told(book, AlertKind.RESOLVED) == ("slack", "sms")


def test_what_is_about_no_incident_is_told_to_nobody_afterwards() -> None:
    book = AddressBook([Subscription("slack"), PAGER])
    assert told(book, AlertKind.NOTICE, "") == ("slack", "pager")
    book.subscriptions = [Subscription("slack")]
    assert told(book, AlertKind.NOTICE, "") == ("slack",)


def test_a_warning_is_closed_once_where_it_was_told() -> None:
    tickets = Subscription("tickets", closes=True)
    book = AddressBook([Subscription("slack"), tickets])
    assert told(book, AlertKind.WARNING_OVER) == (), "it was not told"
    assert told(book, AlertKind.WARNING) == ("slack", "tickets")
    book.subscriptions = [Subscription("slack"), tickets, Subscription("new", closes=True)]
    assert not book.is_over(alert(AlertKind.WARNING))
    assert told(book, AlertKind.WARNING_OVER) == ("tickets",)
    assert told(book, AlertKind.WARNING_OVER) == ()
    assert book.is_over(alert(AlertKind.WARNING))
    assert not book.is_over(alert(AlertKind.FIRING)), "which ends in other ways"
