"""Whether this host's own network is down: real kernels, cables and routers that fall silent."""

from __future__ import annotations

import asyncio
import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.host.installed import InstalledHost
from tests.host.watched_host import UNIT, WatchedHost
from tests.host.wires import HOST, HOST6, ROUTER, WORLD, WORLD6, Wires
from watchdog.ports import OwnTrouble
from watchdog.probes.address import Address
from watchdog.probes.own_network import OwnNetwork
from watchdog.probes.way import WITHIN

FAR = Address(socket.AF_INET, "203.0.113.5", 80)
FAR6 = Address(socket.AF_INET6, "2001:db8:7::5", 80)
NEIGHBOUR = Address(socket.AF_INET, "192.168.7.77", 80)
BOTH = pytest.mark.parametrize(
    "target", [FAR, FAR6, NEIGHBOUR], ids=["IPv4", "IPv6", "on the link"]
)

A_CHECK = 0.1
"""Seconds that a check has taken when the question comes up."""

NO_CARRIER = "until ip link show {} | grep -q NO-CARRIER; do sleep 0.05; done"
"""A bridge takes up to a second to know that its last port is down."""

BOUND = 1.5
"""Seconds that an answer may take."""


@pytest.fixture
def wires() -> Iterator[Wires]:
    if os.geteuid() != 0:
        pytest.skip("cannot make a network: not root; run the tests with sudo")
    with Wires() as wires:
        yield wires


def ask(wires: Wires, *targets: Address, since: float | None = None) -> OwnTrouble | None:
    """Return what a fresh look in the host's network tells of *targets*, unreached *since*."""
    began = time.monotonic()

    def look() -> OwnTrouble | None:
        return asyncio.run(OwnNetwork().trouble(targets, since or began - A_CHECK))

    own = wires.from_host(look)
    assert time.monotonic() - began < BOUND
    return own


def why(own: OwnTrouble | None) -> str:
    """Return why the network is down, which must be certain."""
    assert own is not None
    assert own.circumstance is not None, own
    return own.circumstance.reason


@BOTH
def test_a_gateway_that_answers_proves_the_network_up(wires: Wires, target: Address) -> None:
    assert ask(wires, target) is None


def test_a_gateway_that_answers_arp_alone_is_enough(wires: Wires) -> None:
    wires.on_router("echo 0 >/proc/sys/net/ipv4/ip_forward")  # nor does it tell of dead datagrams
    wires.on_host("ip neigh flush dev eth0")
    assert ask(wires, FAR) is None


@BOTH
def test_a_pulled_cable_is_the_hosts_own_trouble(wires: Wires, target: Address) -> None:
    wires.pull()
    assert why(ask(wires, target)) == "eth0 has no carrier"
    wires.plug()
    assert ask(wires, target) is None


def test_a_link_that_is_switched_off_leaves_no_route(wires: Wires) -> None:
    wires.on_host("ip link set eth0 down")
    assert why(ask(wires, FAR)) == "there is no route"


def test_without_a_default_route_what_is_on_the_link_is_still_judged(wires: Wires) -> None:
    wires.on_host("ip route del default; ip -6 route del default")
    assert why(ask(wires, FAR)) == "there is no route"
    assert why(ask(wires, FAR6)) == "there is no route"
    assert why(ask(wires)) == "there is no route"
    assert ask(wires, NEIGHBOUR) is None


@pytest.mark.parametrize(
    ("target", "gateway"),
    [(FAR, "192.168.7.1"), (NEIGHBOUR, "192.168.7.1"), (FAR6, "fd07::1")],
)
def test_a_gateway_that_is_gone_is_the_hosts_own_trouble(
    wires: Wires, target: Address, gateway: str
) -> None:
    wires.on_router("ip address flush dev port")
    wires.mute()
    wires.on_host("ip neigh flush dev eth0")
    assert why(ask(wires, target)) == f"gateway {gateway} of eth0 does not answer"
    wires.unmute()
    assert ask(wires, target) is None


def test_a_gateway_that_the_kernel_believes_in_leaves_it_open_until_it_is_asked(
    wires: Wires,
) -> None:
    """The cable of a virtual machine stays plugged in when the network behind it dies."""
    wires.on_host("sysctl -qw net.ipv4.neigh.eth0.base_reachable_time_ms=2000")
    wires.on_host("sysctl -qw net.ipv4.neigh.eth0.delay_first_probe_time=1")
    assert ask(wires, FAR) is None
    wires.mute()
    since = time.monotonic()
    answers: list[OwnTrouble | None] = []
    while not answers or (answers[-1] is not None and answers[-1].circumstance is None):
        answers.append(ask(wires, FAR, since=since))
        assert len(answers) < 10
    *open_, last = answers
    assert open_
    assert {own.reason for own in open_ if own is not None} == {
        "gateway 192.168.7.1 of eth0 has not answered yet"
    }
    assert why(last) == "gateway 192.168.7.1 of eth0 does not answer"


def test_a_gateway_met_since_the_trouble_began_proves_the_network_up(wires: Wires) -> None:
    since = time.monotonic() - A_CHECK
    assert ask(wires, FAR) is None
    wires.mute()
    assert ask(wires, FAR, since=since) is None


def test_a_gateway_that_has_answered_once_since_is_not_waited_for_again(wires: Wires) -> None:
    """Routers answer so often and no oftener."""

    async def ask_twice() -> float:
        network, since = OwnNetwork(), time.monotonic() - A_CHECK
        assert await network.trouble([FAR], since) is None
        network._seen = {way: replace(seen, at=0.0) for way, seen in network._seen.items()}
        began = time.monotonic()
        assert await network.trouble([FAR], since) is None
        return time.monotonic() - began

    assert wires.from_host(lambda: asyncio.run(ask_twice())) < WITHIN / 2


def test_a_name_that_nobody_resolves_is_a_question_of_the_default_routes(wires: Wires) -> None:
    assert ask(wires) is None
    wires.pull()
    assert why(ask(wires)) == "eth0 has no carrier"


def test_one_of_two_families_is_enough(wires: Wires) -> None:
    wires.on_host("ip -6 route del default")
    assert ask(wires, FAR6, FAR) is None
    assert why(ask(wires, FAR6)) == "there is no route"


@pytest.mark.parametrize("host", [HOST, HOST6, "127.0.0.1"])
def test_an_address_of_the_host_itself_needs_no_network(wires: Wires, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wires.pull()
    assert ask(wires, Address(family, host, 80)) is None


@pytest.mark.parametrize("route", ["blackhole", "prohibit"])
def test_what_an_administrator_has_closed_is_no_outage(wires: Wires, route: str) -> None:
    wires.on_host(f"ip route add {route} {FAR.host}/32")
    assert ask(wires, FAR) is None


def test_a_tunnel_that_asks_no_neighbours_proves_nothing(wires: Wires) -> None:
    wires.on_host(
        "ip link add wg0 type veth peer name far; ip link set far up;"
        " ip link set wg0 arp off up;"  # as WireGuard is
        f" ip address add 10.9.9.2/32 dev wg0; ip route add {FAR.host}/32 dev wg0"
    )
    assert ask(wires, FAR) is None
    wires.on_host(f"ip route replace {FAR.host}/32 via 10.9.9.1 dev wg0 onlink")
    assert ask(wires, FAR) is None


def test_a_link_of_two_addresses_has_a_gateway_as_any_other(wires: Wires) -> None:
    wires.on_host(
        "ip address flush dev eth0; ip address add 192.168.7.0/31 dev eth0;"
        " ip route add default via 192.168.7.1"
    )
    assert ask(wires, FAR) is None
    wires.pull()
    assert why(ask(wires, FAR)) == "eth0 has no carrier"


def test_an_ipv4_route_by_an_ipv6_gateway_is_followed(wires: Wires) -> None:
    wires.on_host("ip route del default; ip -4 route add default via inet6 fd07::1 dev eth0")
    assert ask(wires, FAR) is None
    wires.mute()
    wires.on_host("ip neigh flush dev eth0")
    assert why(ask(wires, FAR)) == "gateway fd07::1 of eth0 does not answer"


def test_another_link_says_nothing_of_this_one(wires: Wires) -> None:
    """A backend on a network of its own, whose cable is out, while the internet is fine."""
    wires.on_host(
        "ip link add eth1 type veth peer name far1; ip link set eth1 up;"
        " ip address add 10.1.0.2/24 dev eth1"
    )
    assert why(ask(wires, Address(socket.AF_INET, "10.1.0.5", 80))) == "eth1 has no carrier"
    assert ask(wires, FAR) is None


def test_the_bridge_of_a_dead_container_is_no_outage(wires: Wires) -> None:
    """As docker0 is once the last container has gone: the link has no carrier, and no fault."""
    wires.on_host(
        "ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0;"
        " ip link add veth1 type veth peer name inside; ip link set inside up;"
        " ip link set veth1 master docker0 up; ip link set docker0 up;"
        " ip link delete veth1"
    )
    wires.on_host(NO_CARRIER.format("docker0"))
    assert ask(wires, Address(socket.AF_INET, "172.17.0.2", 80)) is None


def test_a_bridge_that_leads_to_the_world_is_a_link_as_any_other(wires: Wires) -> None:
    wires.on_host(
        "ip link add br0 type bridge; ip address flush dev eth0; ip link set eth0 master br0;"
        f" ip address add {HOST}/24 dev br0; ip link set br0 up;"
        f" ip route add default via {ROUTER}"
    )
    assert ask(wires, FAR) is None
    wires.pull()
    wires.on_host(NO_CARRIER.format("br0"))
    assert why(ask(wires, FAR)) == "br0 has no carrier"
    assert why(ask(wires, NEIGHBOUR)) == "br0 has no carrier"


def test_the_world_can_be_met(wires: Wires) -> None:
    """So that what the other tests call up is up."""
    for host in (WORLD, WORLD6):
        with pytest.raises(ConnectionRefusedError):
            wires.from_host(partial(socket.create_connection, (host, 9), timeout=5))


# --- the daemon, in its sandbox ------------------------------------------------------------------

REMOTE = f'health = {{ url = "http://{WORLD}:8080/health", timeout = "1s" }}\n'


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def server_beyond(wires: Wires) -> Iterator[None]:
    """Answer as healthy beyond the router."""
    server = wires.from_router(lambda: http.server.HTTPServer((WORLD, 8080), Healthy))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def http_is(watching: WatchedHost, verdict: str) -> str:
    """Return the reason once the health check has that verdict; rounds come every two seconds."""

    def has(status: dict[str, Any]) -> bool:
        last = status["checks"][-1]
        return bool(last["check"] == "http" and last["verdict"] == verdict)

    reason: str = watching.wait_for(has)["checks"][-1]["reason"]
    return reason


def test_a_pulled_cable_is_no_incident_and_a_dead_server_is_one(
    installed_host: InstalledHost,
) -> None:
    watching = WatchedHost(installed_host)
    watching.start_sample()
    with Wires(installed_host.pid) as wires:
        with server_beyond(wires):
            watching.watch("max_failures = 2\nrestart_after = { http = 1 }\n", health=REMOTE)
            run = watching.run_id()
            http_is(watching, "pass")
            wires.pull()
            for _ in range(3):
                watching.command("check", "langchain-api", code=3)
                assert http_is(watching, "unknown") == (
                    "this host's own network is down: eth0 has no carrier"
                )
            wires.mute()
            wires.plug()
            wires.on_host("ip neigh flush dev eth0")
            watching.command("check", "langchain-api", code=3)
            assert http_is(watching, "unknown").startswith("this host's own network is down: gate")
            wires.unmute()
            http_is(watching, "pass")
            assert watching.kinds() == []
            assert watching.run_id() == run
            assert watching.status()["failures"] == 0
        # The server alone dies, so that nothing answers there any more.
        wires.on_router(f"ip route add blackhole {WORLD} table 1; ip rule add pref 0 lookup 1")
        watching.wait_for(lambda status: status["incident"] is not None)
        assert "restart" in watching.kinds()
        assert installed_host.unit(UNIT, "ActiveState")["ActiveState"] == "active"
