"""What is told in one message, of all that is due."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.ports import Delivery
from watchdog.relay.parcel import DIGEST_FROM, Parcel, pack

FIRING, GAVE_UP, RESOLVED = AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED


def due(*alerts: tuple[str, AlertKind]) -> list[Delivery]:
    return [
        Delivery(number, "slack", Alert(kind, f"of {incident}", number, "", incident=incident), key)
        for number, (incident, kind) in enumerate(alerts, 1)
        for key in (f"key-{number}",)
    ]


def told(parcel: Parcel) -> list[tuple[str, AlertKind]]:
    return [(alert.incident, alert.kind) for alert in parcel.alerts]


def keys(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.key for delivery in deliveries]


def test_an_incident_is_told_as_it_stands_now() -> None:
    parcel = pack(due(("a", FIRING), ("a", GAVE_UP), ("a", RESOLVED)))
    assert told(parcel) == [("a", RESOLVED)]
    assert keys(parcel.deliveries) == ["key-1", "key-2", "key-3"]


def test_a_few_incidents_have_a_message_each() -> None:
    parcel = pack(due(("a", FIRING), ("b", FIRING), ("a", RESOLVED), ("c", FIRING)))
    assert told(parcel) == [("a", RESOLVED)]


def test_many_incidents_are_told_in_one_message_each_as_it_stands() -> None:
    parcel = pack(due(("a", FIRING), ("b", FIRING), ("c", FIRING), ("b", RESOLVED), ("d", FIRING)))
    assert told(parcel) == [("a", FIRING), ("b", RESOLVED), ("c", FIRING), ("d", FIRING)]
    assert keys(parcel.deliveries) == [f"key-{number}" for number in range(1, 6)]


def test_an_outage_of_this_hosts_own_network_is_told_once_with_its_end() -> None:
    down, back = (
        Delivery(
            number,
            "slack",
            Alert(AlertKind.NOTICE, "", number, kind.value, circumstance=Circumstance(kind)),
            f"key-{number}",
        )
        for number, kind in enumerate(
            (CircumstanceKind.NETWORK_DOWN, CircumstanceKind.NETWORK_BACK), 10
        )
    )
    storm = due(*((incident, FIRING) for incident in "abcd"))
    parcel = pack([down, *storm, back])
    assert parcel == Parcel((down, back), (back.alert,))
    assert pack([down]) == Parcel((down,), (down.alert,))
    assert pack([down, back], alone=[down.key]) == Parcel((down,), (down.alert,))
    assert pack([*storm, down, back]).deliveries == tuple(storm)


def test_a_test_and_a_notice_of_the_daemon_itself_go_alone() -> None:
    storm = due(*((incident, FIRING) for incident in "abcd"))
    test = Delivery(0, "slack", Alert(AlertKind.TEST, "", 0, "asked for by kim"), "key-0")
    notice = Delivery(0, "slack", Alert(AlertKind.NOTICE, "", 0, "database set aside"), "key-0")
    for own in (test, notice):
        assert pack([own, *storm]) == Parcel((own,), (own.alert,))
        assert own not in pack([*storm, own]).deliveries


def test_services_that_healed_before_they_were_told_of_are_told_together() -> None:
    healed = [
        Delivery(n, "slack", Alert(AlertKind.NOTICE, f"s{n}", n, "killed"), f"key-{n}")
        for n in range(DIGEST_FROM)
    ]
    assert len(pack(healed).alerts) == DIGEST_FROM


def test_what_was_refused_in_company_goes_alone() -> None:
    storm = due(*((incident, FIRING) for incident in "abcde"))
    assert keys(pack(storm, {"key-1"}).deliveries) == ["key-1"]
    assert keys(pack(storm[1:], {"key-1", "key-3"}).deliveries) == ["key-2"]


def test_a_message_keeps_its_key_as_long_as_it_tells_the_same() -> None:
    storm = due(*((incident, FIRING) for incident in "abcde"))
    assert pack(storm).key == pack(storm).key
    assert pack(storm).key != pack(storm[:-1]).key
    assert pack(storm[:1]).key == "key-1"


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefg"), st.sampled_from([FIRING, GAVE_UP, RESOLVED])),
        max_size=40,
    )
)
def test_every_alert_is_told_once_and_each_incident_in_its_order(
    alerts: list[tuple[str, AlertKind]],
) -> None:
    left = due(*alerts)
    done: list[Delivery] = []
    while left:
        parcel = pack(left)
        assert left[0] in parcel.deliveries
        for alert in parcel.alerts:
            own = [
                each.alert for each in parcel.deliveries if each.alert.incident == alert.incident
            ]
            assert alert == own[-1]
        done += parcel.deliveries
        left = [delivery for delivery in left if delivery not in parcel.deliveries]
    assert sorted(keys(done)) == sorted(keys(due(*alerts)))
    for incident in "abcdefg":
        numbers = [each.id for each in done if each.alert.incident == incident]
        assert numbers == sorted(numbers)


def test_what_comes_after_a_refused_alert_of_an_incident_does_not_overtake_it() -> None:
    left = due(("x", FIRING), ("x", GAVE_UP), *((name, FIRING) for name in "abcd"), ("x", RESOLVED))
    order = []
    while left:
        parcel = pack(left, {"key-1", "key-2"})
        order += [number.id for number in parcel.deliveries if number.alert.incident == "x"]
        left = [delivery for delivery in left if delivery not in parcel.deliveries]
    assert order == [1, 2, 7]
