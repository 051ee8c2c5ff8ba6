"""Whose fault it is that nobody was reached. How it is seen: tests/host/test_own_network.py."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.ports import OwnTrouble
from watchdog.probes import own_network
from watchdog.probes.address import Address
from watchdog.probes.own_network import Finding, OwnNetwork, judge
from watchdog.probes.rtnetlink import DELAY, FAILED, INCOMPLETE, PROBE, REACHABLE, STALE, Link
from watchdog.probes.way import FAR, Seen, Way

FINE = Link("eth0", 0x10041)
UNPLUGGED = Link("eth0", 0x1)
BRIDGE = Link("br0", 0x1, "bridge")
PERMANENT, NOARP, NO_ENTRY = 0x80, 0x40, 0

TARGET = Address(socket.AF_INET, "203.0.113.5", 443)
TARGET6 = Address(socket.AF_INET6, "2001:db8:7::5", 443)
GATEWAY = Address(socket.AF_INET, "10.0.0.1", 0)
WAY = Way(3, GATEWAY, TARGET)
NO_ANSWER = "gateway 10.0.0.1 of eth0 does not answer"
NOT_YET = "gateway 10.0.0.1 of eth0 has not answered yet"


def seen(state: int, met: float | None = None, *, link: Link = FINE, at: float = 110.0) -> Seen:
    return Seen(at, link, "10.0.0.1", state, met)


@pytest.mark.parametrize(
    ("what", "finding", "why"),
    [
        # The link decides, whatever was known before.
        (seen(REACHABLE, 105, link=UNPLUGGED), Finding.DOWN, "eth0 has no carrier"),
        # A bridge without carrier: to the world it is a link as any other, to containers it is not.
        (seen(REACHABLE, 105, link=BRIDGE), Finding.DOWN, "br0 has no carrier"),
        (Seen(110, BRIDGE), Finding.UP, ""),
        # A link without gateway, or one that asks no neighbours, tells nothing more.
        (Seen(110, FINE), Finding.UP, ""),
        # A gateway that does not answer, be it that it just has.
        (seen(INCOMPLETE), Finding.DOWN, NO_ANSWER),
        (seen(FAILED), Finding.DOWN, NO_ANSWER),
        (seen(FAILED, 105), Finding.DOWN, NO_ANSWER),
        # One that has answered since the trouble began.
        (seen(REACHABLE, 100), Finding.UP, ""),
        (seen(PROBE, 109), Finding.UP, ""),
        # One that answered before it, and that the kernel will ask again.
        (seen(REACHABLE, 99.9), Finding.OPEN, NOT_YET),
        (seen(DELAY, 20), Finding.OPEN, NOT_YET),
        (seen(PROBE, 20), Finding.OPEN, NOT_YET),
        # One that the kernel will not ask again, or not soon: nothing speaks against it.
        (seen(REACHABLE, 40), Finding.UP, ""),
        (seen(STALE, 99), Finding.UP, ""),
        (seen(PERMANENT), Finding.UP, ""),
        (seen(NOARP), Finding.UP, ""),
        (seen(NO_ENTRY), Finding.UP, ""),
    ],
)
def test_what_is_seen_means(what: Seen, finding: Finding, why: str) -> None:
    assert judge(what, since=100.0) == (finding, why)


class Host:
    """A host whose kernel says what a test wants: the ways to targets, and what is seen of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ways: dict[str, Way | Exception | None] = {}
        self.sees: Callable[[], Seen] = lambda: seen(FAILED)
        self.looks = 0
        self.known: float | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.mono = 110.0
        monkeypatch.setattr(own_network, "way_to", self._way_to)
        monkeypatch.setattr(own_network, "look", self._look)

    def network(self) -> OwnNetwork:
        return OwnNetwork(lambda: self.mono)

    def _way_to(self, _kernel: object, target: Address) -> Way | None:
        way = self.ways.get(target.host, WAY)
        if isinstance(way, Exception):
            raise way
        return way

    async def _look(self, _way: Way, _since: float, met: float | None) -> Seen:
        self.looks += 1
        self.known = met
        await self.gate.wait()
        return self.sees()


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


async def test_a_host_whose_gateway_is_gone_is_down(host: Host) -> None:
    assert await host.network().trouble([TARGET], 100.0) == OwnTrouble(
        f"this host's own network is down: {NO_ANSWER}",
        Circumstance(CircumstanceKind.NETWORK_DOWN, NO_ANSWER),
    )


async def test_what_is_not_known_yet_is_only_likely(host: Host) -> None:
    host.sees = lambda: seen(PROBE, 20)
    assert await host.network().trouble([TARGET], 100.0) == OwnTrouble(NOT_YET)


async def test_one_way_that_is_up_is_enough(host: Host) -> None:
    host.ways[TARGET6.host] = None
    host.sees = lambda: seen(REACHABLE, 105)
    assert await host.network().trouble([TARGET6, TARGET], 100.0) is None


async def test_no_route_is_the_reason_only_if_there_is_no_other(host: Host) -> None:
    host.ways[TARGET6.host] = None
    own = await host.network().trouble([TARGET6, TARGET], 100.0)
    assert own is not None
    assert own.reason.endswith(NO_ANSWER)
    host.ways[TARGET.host] = None
    own = await host.network().trouble([TARGET6, TARGET], 100.0)
    assert own is not None
    assert own.reason == "this host's own network is down: there is no route"


async def test_a_target_that_is_this_host_or_forbidden_is_not_about_the_network(host: Host) -> None:
    host.ways[TARGET.host] = LookupError("local")
    assert await host.network().trouble([TARGET6, TARGET], 100.0) is None


async def test_a_kernel_that_does_not_tell_excuses_nothing(host: Host) -> None:
    host.ways[TARGET.host] = PermissionError("no netlink here")
    assert await host.network().trouble([TARGET], 100.0) is None


async def test_for_a_name_without_an_address_the_default_routes_are_asked(host: Host) -> None:
    host.ways = dict.fromkeys(far.host for far in FAR)
    assert await host.network().trouble([], 100.0) is not None


async def test_a_thousand_services_that_fail_together_look_once(host: Host) -> None:
    network = host.network()
    host.gate.clear()
    asking = [asyncio.ensure_future(network.trouble([TARGET], 100.0)) for _ in range(1000)]
    await asyncio.sleep(0)
    host.gate.set()
    answers = await asyncio.gather(*asking)
    assert len({answer.reason for answer in answers if answer is not None}) == 1
    host.mono = 110.9
    assert await network.trouble([TARGET], 100.0) is not None
    assert host.looks == 1
    host.mono = 111.0
    await network.trouble([TARGET], 100.0)
    assert host.looks == 2


async def test_who_gives_up_takes_nobody_elses_answer_away(host: Host) -> None:
    network = host.network()
    host.gate.clear()
    first, second = (asyncio.ensure_future(network.trouble([TARGET], 100.0)) for _ in "ab")
    await asyncio.sleep(0)
    first.cancel()
    host.gate.set()
    assert await second is not None


async def test_a_look_that_fails_excuses_nothing_and_the_next_looks_again(host: Host) -> None:
    network = host.network()

    def breaks() -> Seen:
        raise OSError(105, "No buffer space available")

    host.sees = breaks
    assert await network.trouble([TARGET], 100.0) is None
    host.sees = lambda: seen(FAILED)
    assert await network.trouble([TARGET], 100.0) is not None


async def test_another_target_reached_since_proves_the_same_way_up(host: Host) -> None:
    host.sees = lambda: seen(PROBE, 20)
    network = host.network()
    other = Address(socket.AF_INET, "203.0.113.6", 80)
    host.mono = 99.0
    network.reached(other)
    host.mono = 110.0
    assert await network.trouble([TARGET], 100.0) == OwnTrouble(NOT_YET)
    network.reached(other)
    network.reached(TARGET6)
    host.ways[TARGET6.host] = LookupError("local")
    assert await network.trouble([TARGET], 100.0) is None
    host.ways[other.host] = Way(4, GATEWAY, other)
    assert await network.trouble([TARGET], 100.0) == OwnTrouble(NOT_YET)


async def test_no_target_reached_just_now_makes_up_for_a_cable(host: Host) -> None:
    host.sees = lambda: seen(REACHABLE, 109, link=UNPLUGGED)
    network = host.network()
    network.reached(TARGET)
    own = await network.trouble([TARGET], 100.0)
    assert own is not None
    assert own.circumstance is not None


async def test_a_look_is_told_what_the_last_one_knew(host: Host) -> None:
    host.sees = lambda: seen(STALE, 105)
    network = host.network()
    await network.trouble([TARGET], 100.0)
    assert host.known is None
    host.mono = 200.0
    await network.trouble([TARGET], 100.0)
    assert host.known == 105
