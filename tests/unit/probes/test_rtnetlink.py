"""What the kernel tells of routes, links and neighbours, and what it never would."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.probes import netlink
from watchdog.probes.address import Address
from watchdog.probes.netlink import attribute, request
from watchdog.probes.rtnetlink import (
    Link,
    Neighbour,
    Route,
    Rtnetlink,
    neighbour_news,
    parse_link,
    parse_neighbour,
    parse_news,
    parse_route,
)

GATEWAY = Address(socket.AF_INET, "10.0.0.1", 0)
UP, RUNNING, LOWER_UP, NOARP = 0x1, 0x40, 0x10000, 0x80
OIF = attribute(4, struct.pack("=I", 3))


def route(*attributes: bytes, family: int = socket.AF_INET, kind: int = 1) -> bytes:
    return struct.pack("=8BI", family, 0, 0, 0, 0, 0, 0, kind, 0) + b"".join(attributes)


def link(*attributes: bytes, flags: int = UP | RUNNING | LOWER_UP) -> bytes:
    return struct.pack("=BxHiII", 0, 1, 3, flags, 0) + b"".join(attributes)


def neighbour(*attributes: bytes, state: int = 2, family: int = socket.AF_INET) -> bytes:
    return struct.pack("=BxxxiHBB", family, 3, state, 0, 1) + b"".join(attributes)


def cacheinfo(confirmed: int) -> bytes:
    return attribute(3, struct.pack("=4I", confirmed * os.sysconf("SC_CLK_TCK"), 0, 0, 0))


class TestRoute:
    def test_leads_by_a_gateway(self) -> None:
        found = parse_route(route(attribute(5, bytes([10, 0, 0, 1])), OIF))
        assert found == Route(3, GATEWAY)

    def test_leads_straight_to_what_is_on_the_link(self) -> None:
        assert parse_route(route(OIF)) == Route(3)

    def test_a_link_local_gateway_is_of_its_link(self) -> None:
        packed = socket.inet_pton(socket.AF_INET6, "fe80::1")
        found = parse_route(route(attribute(5, packed), OIF, family=socket.AF_INET6))
        assert found == Route(3, Address(socket.AF_INET6, "fe80::1", 0, 3))

    def test_of_ipv4_may_lead_by_a_gateway_of_ipv6(self) -> None:
        via = struct.pack("=H", socket.AF_INET6) + socket.inet_pton(socket.AF_INET6, "fe80::1")
        found = parse_route(route(attribute(18, via), OIF))
        assert found.gateway == Address(socket.AF_INET6, "fe80::1", 0, 3)

    @pytest.mark.parametrize("kind", [2, 3, 5, 6, 7, 8])
    def test_that_leads_nowhere_else_is_none_of_the_network(self, kind: int) -> None:
        with pytest.raises(LookupError):
            parse_route(route(OIF, kind=kind))

    @pytest.mark.parametrize(
        "payload",
        [
            b"short",
            route(),
            route(attribute(4, b"abc")),
            route(attribute(5, b"abc"), OIF),
            route(attribute(18, b"x"), OIF),
            route(OIF, b"\x02\x00\x05\x00"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, payload: bytes) -> None:
        with pytest.raises(ValueError, match=r"too few|no interface|are no|does not fit"):
            parse_route(payload)


class TestLink:
    @pytest.mark.parametrize(
        ("flags", "trouble"),
        [
            (UP | LOWER_UP | RUNNING, ""),
            (0, "eth0 is switched off"),
            (RUNNING | LOWER_UP, "eth0 is switched off"),
            (UP, "eth0 has no carrier"),
            (UP | LOWER_UP, "eth0 is not ready"),
        ],
    )
    def test_says_what_is_wrong_with_it(self, flags: int, trouble: str) -> None:
        assert Link("eth0", flags).trouble == trouble

    def test_has_a_name_and_may_ask_no_neighbours(self) -> None:
        found = parse_link(link(attribute(3, b"wg0\0"), flags=UP | NOARP))
        assert found == Link("wg0", UP | NOARP)
        assert not found.asks_neighbours
        assert parse_link(link()) == Link("interface 3", UP | RUNNING | LOWER_UP)

    def test_may_be_a_bridge(self) -> None:
        info = attribute(18, attribute(1, b"bridge\0") + attribute(2, b"..."))
        assert parse_link(link(attribute(3, b"docker0\0"), info)).is_bridge
        assert not parse_link(link(attribute(18, attribute(1, b"vlan\0")))).is_bridge
        assert not parse_link(link(attribute(18, b""))).is_bridge

    def test_is_refused_if_it_is_cut_short(self) -> None:
        with pytest.raises(ValueError, match="too few"):
            parse_link(b"short")


class TestNeighbour:
    def test_was_confirmed_so_long_ago(self) -> None:
        found = parse_neighbour(neighbour(attribute(1, bytes([10, 0, 0, 1])), cacheinfo(7)))
        assert found == Neighbour(3, socket.AF_INET, "10.0.0.1", 2, 7.01)

    @pytest.mark.parametrize("state", [0x00, 0x01, 0x20, 0x40, 0x80])
    def test_that_does_not_answer_was_never_confirmed(self, state: int) -> None:
        assert parse_neighbour(neighbour(cacheinfo(7), state=state)).confirmed is None

    def test_of_a_bridge_has_no_address(self) -> None:
        assert parse_neighbour(neighbour(attribute(1, bytes(6)), family=7)).host == ""

    def test_news_come_several_at_a_time_and_an_end_is_none(self) -> None:
        came = [request(28, 0, 0, neighbour(state=state)) for state in (2, 32)]
        gone = request(29, 0, 0, neighbour())
        found = list(parse_news(came[0] + gone + came[1]))
        assert [each.state for each in found] == [2, 32]


@pytest.mark.parametrize("parse", [parse_route, parse_link, parse_neighbour])
@given(garbage=st.binary(max_size=120))
def test_any_payload_is_understood_or_refused(
    parse: Callable[[bytes], object], garbage: bytes
) -> None:
    with contextlib.suppress(ValueError, LookupError):
        parse(garbage)


@given(
    kind=st.sampled_from([2, 3, 16, 24, 28, 29]),
    fixed=st.sampled_from([route(), link(), neighbour()]),
    attributes=st.lists(
        st.builds(attribute, st.integers(0, 40) | st.just(0x8005), st.binary(max_size=24))
    ),
    rest=st.binary(max_size=20),
)
def test_any_message_is_understood_or_refused(
    kind: int, fixed: bytes, attributes: list[bytes], rest: bytes
) -> None:
    payload = fixed + b"".join(attributes) + rest
    with contextlib.suppress(ValueError):
        list(parse_news(request(kind, 0, 0, payload) + rest))
    for parse in (parse_route, parse_link, parse_neighbour):
        with contextlib.suppress(ValueError, LookupError):
            parse(payload)


class TestThisKernel:
    """Loopback is a link that every host has."""

    @pytest.fixture
    def kernel(self) -> Iterator[Rtnetlink]:
        with Rtnetlink() as kernel:
            yield kernel

    def test_knows_its_loopback(self, kernel: Rtnetlink) -> None:
        found = kernel.link(socket.if_nametoindex("lo"))
        assert found.name == "lo"

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8"])
    def test_sends_nothing_to_itself_by_any_link(self, kernel: Rtnetlink, host: str) -> None:
        with pytest.raises(LookupError):
            kernel.route(Address(socket.AF_INET, host, 80))

    def test_has_no_neighbour_that_nobody_asked_for(self, kernel: Rtnetlink) -> None:
        assert kernel.neighbour(socket.if_nametoindex("lo"), GATEWAY) is None

    def test_says_what_it_does_not_have(self, kernel: Rtnetlink) -> None:
        with pytest.raises(OSError, match="No such device") as raised:
            kernel.link(2**30)
        assert raised.value.errno == errno.ENODEV

    def test_lets_anybody_hear_the_news(self) -> None:
        with neighbour_news() as news, pytest.raises(BlockingIOError):
            news.recv(netlink.BUFFER)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"\x01", "cut short"),
        (request(3, 0, 1, b""), "the answer is another one"),
        (request(28, 0, 1, neighbour()), "the answer is another one"),
        (request(2, 0, 1, struct.pack("=i", 7)), "no error code"),
        (request(2, 0, 1, struct.pack("=i", -errno.EPERM)), "not permitted"),
    ],
)
def test_an_answer_that_is_none_is_an_error(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, complaint: str
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        theirs.send(answer)
        monkeypatch.setattr(socket, "socket", lambda *_: ours)
        with Rtnetlink() as kernel, pytest.raises(OSError, match=complaint):
            kernel.link(1)
