"""Who is told what: one table, and what follows from it."""

from __future__ import annotations

import pytest

from watchdog.core.model import Alert, AlertKind
from watchdog.core.routing import Subscription, addressees, is_glob, matches, takes
from watchdog.core.severity import ALL, Severity, severity

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO

EVERYTHING = Subscription("slack")
PAGER = Subscription("pager", frozenset({CRITICAL}))
WEB_TEAM = Subscription("web-team", ALL, ("web-*", "nginx"))
WEB_PAGER = Subscription("web-pager", frozenset({CRITICAL}), ("web-*",))
FALLBACK = Subscription("sms", frozenset())
ALL_OF_THEM = (EVERYTHING, PAGER, WEB_TEAM, WEB_PAGER, FALLBACK)


def alert(kind: AlertKind, service: str = "web-1") -> Alert:
    incident = "" if kind in {AlertKind.NOTICE, AlertKind.TEST} else "k3f9qa"
    return Alert(kind, service, 0.0, "it broke", incident=incident)


@pytest.mark.parametrize(
    ("kind", "matters"),
    [
        (AlertKind.FIRING, CRITICAL),
        (AlertKind.UPDATE, CRITICAL),
        (AlertKind.REMINDER, CRITICAL),
        (AlertKind.GAVE_UP, CRITICAL),
        (AlertKind.RESOLVED, CRITICAL),
        (AlertKind.WARNING, WARNING),
        (AlertKind.WARNING_OVER, WARNING),
        (AlertKind.NOTICE, INFO),
        (AlertKind.TEST, INFO),
    ],
)
def test_how_much_an_alert_matters_is_told_by_its_kind(kind: AlertKind, matters: Severity) -> None:
    assert severity(alert(kind)) is matters


def test_every_kind_of_alert_has_a_severity() -> None:
    assert {severity(alert(kind)) for kind in AlertKind} <= ALL


@pytest.mark.parametrize(
    ("kind", "service", "told", "expected"),
    [
        # What matters, of which service: everybody who takes both.
        (AlertKind.FIRING, "web-1", (), ("slack", "pager", "web-team", "web-pager")),
        (AlertKind.FIRING, "nginx", (), ("slack", "pager", "web-team")),
        (AlertKind.FIRING, "api", (), ("slack", "pager")),
        (AlertKind.REMINDER, "api", (), ("slack", "pager")),
        (AlertKind.GAVE_UP, "api", (), ("slack", "pager")),
        (AlertKind.NOTICE, "web-1", (), ("slack", "web-team")),
        (AlertKind.NOTICE, "api", (), ("slack",)),
        # About the daemon itself: services do not count.
        (AlertKind.NOTICE, "", (), ("slack", "web-team")),
        # An end goes to who takes it, and to who was told of the beginning, in the same order.
        (AlertKind.RESOLVED, "api", (), ("slack", "pager")),
        (AlertKind.RESOLVED, "api", {"slack", "sms"}, ("slack", "pager", "sms")),
        (AlertKind.RESOLVED, "api", {"web-team"}, ("slack", "pager", "web-team")),
        # Whoever is not configured any more cannot be told.
        (AlertKind.RESOLVED, "api", {"gone"}, ("slack", "pager")),
        # Only its end follows the beginning.
        (AlertKind.REMINDER, "api", {"sms"}, ("slack", "pager")),
        (AlertKind.GAVE_UP, "api", {"sms"}, ("slack", "pager")),
    ],
)
def test_an_alert_goes_to_those_who_take_it(
    kind: AlertKind, service: str, told: set[str], expected: tuple[str, ...]
) -> None:
    assert addressees(alert(kind, service), ALL_OF_THEM, told) == expected


def test_an_update_goes_only_where_there_is_a_conversation_and_it_matters() -> None:
    talking = Subscription("talk", frozenset({CRITICAL}), converses=True)
    quiet = Subscription("quiet", frozenset({INFO}), converses=True)
    everybody = (*ALL_OF_THEM, talking, quiet)
    assert addressees(alert(AlertKind.UPDATE), everybody, {"slack", "quiet"}) == ("talk",)


def test_the_end_of_a_warning_goes_only_where_it_was_told_and_can_be_closed() -> None:
    tickets = Subscription("tickets", closes=True)
    former = Subscription("former", frozenset(), ("other",), closes=True)
    everybody = (*ALL_OF_THEM, tickets, former)
    end = alert(AlertKind.WARNING_OVER)
    assert addressees(end, everybody) == ()
    assert addressees(end, everybody, {"slack", "tickets", "former"}) == ("tickets", "former")


@pytest.mark.parametrize("kind", AlertKind)
def test_a_fallback_alone_takes_nothing_by_itself(kind: AlertKind) -> None:
    assert addressees(alert(kind), [FALLBACK]) == ()


def test_without_anybody_nobody_is_told() -> None:
    assert addressees(alert(AlertKind.FIRING), []) == ()


@pytest.mark.parametrize(
    ("pattern", "service", "expected"),
    [
        ("web-*", "web-1", True),
        ("web-*", "web-", True),
        ("web-*", "my-web-1", False),
        ("web-?", "web-1", True),
        ("web-?", "web-10", False),
        ("web-[12]", "web-2", True),
        ("web-[!12]", "web-2", False),
        ("api", "api", True),
        ("api", "API", False),
        ("api", "api-2", False),
        ("a.c", "abc", False),
        ("*", "anything", True),
        ("web-[", "web-[", True),
    ],
)
def test_a_glob_stands_for_the_names_that_it_matches_whole(
    pattern: str, service: str, expected: bool
) -> None:
    assert matches(pattern, service) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"), [("web-*", True), ("web-?", True), ("w[12]", True), ("web-1", False)]
)
def test_what_may_stand_for_several_names_is_a_glob(pattern: str, expected: bool) -> None:
    assert is_glob(pattern) is expected


def test_who_takes_a_service_takes_it_only_as_far_as_it_matters() -> None:
    assert takes(WEB_PAGER, CRITICAL, "web-1")
    assert not takes(WEB_PAGER, WARNING, "web-1")
    assert not takes(WEB_PAGER, CRITICAL, "api")
    assert takes(WEB_PAGER, CRITICAL, "")
