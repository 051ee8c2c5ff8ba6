from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.life import DEAD, HOLD, HTTP, PASS, PORT, STRANGER, UNKNOWN
from watchdog.core.chain import dependencies, first_cause, start_order
from watchdog.core.model import (
    Observation,
    Phase,
    State,
    Verdict,
)
from watchdog.core.service import (
    Service,
    UnitControl,
)


def service(name: str, *needed: str) -> Service:
    return Service(name, UnitControl(f"{name}.service"), depends_on=needed)


def test_services_start_after_what_they_depend_on() -> None:
    services = [service("nginx", "api"), service("api", "db", "cache"), service("db")]
    order = start_order([*services, service("cache")])
    assert sorted(order) == ["api", "cache", "db", "nginx"]
    assert order.index("db") < order.index("api") < order.index("nginx")
    assert order.index("cache") < order.index("api")


def test_services_that_need_nothing_start_in_the_order_of_the_configuration() -> None:
    assert start_order([service("c"), service("a"), service("b")]) == ("c", "a", "b")
    assert start_order([]) == ()


@pytest.mark.parametrize(
    ("services", "cycle"),
    [
        ([service("a", "a")], {"a -> a"}),
        ([service("a", "b"), service("b", "a")], {"a -> b -> a", "b -> a -> b"}),
        (
            [service("a", "b"), service("b", "c"), service("c", "a"), service("d")],
            {"a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"},
        ),
    ],
)
def test_a_circle_is_refused_and_read_in_the_direction_of_need(
    services: list[Service], cycle: set[str]
) -> None:
    with pytest.raises(ValueError, match=" -> ") as refusal:
        start_order(services)
    assert str(refusal.value) in cycle


NEEDS = {"nginx": ("api", "auth"), "api": ("db",), "auth": ("db", "ldap"), "db": ()}


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("nginx", ("api", "auth", "db", "ldap")),  # nearest first, each once
        ("auth", ("db", "ldap")),
        ("db", ()),
        ("ldap", ()),  # not configured to need anything
    ],
)
def test_what_a_service_depends_on_is_found_through_others(
    name: str, needed: tuple[str, ...]
) -> None:
    assert dependencies(name, NEEDS) == needed


def test_a_circle_among_dependencies_does_not_go_round_for_ever() -> None:
    assert dependencies("a", {"a": ["b"], "b": ["a"]}) == ("b", "a")


@pytest.mark.parametrize(
    ("phase", "verdict"),
    [
        (Phase.HEALTHY, Verdict.FAIL),
        (Phase.PENDING, Verdict.FAIL),  # nothing is known of it
        (Phase.SUSPECT, Verdict.HOLD),
        (Phase.HELD, Verdict.HOLD),  # deployed, or stopped on purpose: a 502 is to be expected
        (Phase.WAITING, Verdict.HOLD),
        (Phase.RESTARTING, Verdict.HOLD),
        (Phase.RECOVERING, Verdict.HOLD),
        (Phase.FAILING, Verdict.HOLD),
        (Phase.GAVE_UP, Verdict.HOLD),
        (Phase.MAINTENANCE, Verdict.HOLD),
    ],
)
def test_a_failure_waits_for_a_needed_service_in_trouble(phase: Phase, verdict: Verdict) -> None:
    seen = first_cause(HTTP, ["api"], {"api": State("api", phase)})
    assert seen.verdict is verdict
    if verdict is Verdict.HOLD:
        assert seen.reason == f"waits for api, which is {phase.value}; {HTTP.reason}"
        assert replace(seen, verdict=HTTP.verdict, reason=HTTP.reason) == HTTP


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (HTTP, Verdict.HOLD),
        (PORT, Verdict.HOLD),
        (DEAD, Verdict.FAIL),  # a process that is gone is its own trouble
        (STRANGER, Verdict.FAIL),  # and so is a stranger on the port
        (PASS, Verdict.PASS),
        (HOLD, Verdict.HOLD),
        (UNKNOWN, Verdict.UNKNOWN),
    ],
)
def test_only_a_failure_that_others_can_cause_is_blamed_on_them(
    seen: Observation, verdict: Verdict
) -> None:
    answer = first_cause(seen, ["api"], {"api": State("api", Phase.GAVE_UP)})
    assert answer.verdict is verdict
    assert (answer == seen) is (verdict is seen.verdict)


def test_the_nearest_service_in_trouble_is_named() -> None:
    states = {
        "auth": State("auth", Phase.HEALTHY),
        "api": State("api", Phase.HELD),
        "db": State("db", Phase.GAVE_UP),
    }
    assert "waits for api," in first_cause(HTTP, ["auth", "api", "db"], states).reason


@pytest.mark.parametrize("needed", [[], ["gone"]])
def test_without_a_needed_service_in_sight_a_failure_is_ones_own(needed: list[str]) -> None:
    assert first_cause(HTTP, needed, {"api": State("api", Phase.GAVE_UP)}) == HTTP
