"""How far a check came: what a probe writes down, and when the network is asked about."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from tests.unit.probes.servers import answer, answering, forever, free_port, listening, serving
from watchdog.core.model import Verdict
from watchdog.core.service import HttpCheck, PortCheck
from watchdog.ports import OwnTrouble
from watchdog.probes import connect, exchange
from watchdog.probes.address import Address
from watchdog.probes.http import make_http_probe
from watchdog.probes.own_network import OwnNetwork
from watchdog.probes.port import make_port_probe
from watchdog.probes.reach import Reach, may_leave_host

OWN = OwnTrouble("this host's own network is down")


class Network:
    """Says that it is down to whoever asks, and keeps what it was asked and told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.since: list[float] = []
        self.met: list[str] = []

    def reached(self, address: Address) -> None:
        self.met.append(str(address))

    async def trouble(self, addresses: Sequence[Address], since: float) -> OwnTrouble | None:
        self.asked.append(tuple(map(str, addresses)))
        self.since.append(since)
        return OWN


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def reach(network: Network) -> Reach:
    return Reach(cast("OwnNetwork", network))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(answering(answer(b"no", "500 Oops"))) as port:
        yield port


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("localhost", False),
        ("LocalHost.", False),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("0x7f000001", False),
        ("10.0.0.5", True),
        ("2001:db8::1", True),
        ("proxy.example", True),
        ("localhost.example", True),
    ],
)
def test_only_loopback_never_needs_the_network(host: str, may: bool) -> None:
    assert may_leave_host(host) is may


async def test_an_answer_of_any_kind_is_no_question(
    network: Network, reach: Reach, port: int
) -> None:
    probe = make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"), reach=reach)
    assert (await probe()).verdict is Verdict.FAIL
    closed = free_port()
    refused = make_http_probe(HttpCheck(f"http://127.0.0.1:{closed}/"), reach=reach)
    assert (await refused()).verdict is Verdict.FAIL
    assert await reach.own_trouble() is None
    assert network.met == [f"127.0.0.1:{port}", f"127.0.0.1:{closed}"]
    assert network.asked == []


@pytest.mark.parametrize("silence", sorted(connect.SILENT_ERRNOS))
@pytest.mark.parametrize("kind", ["http", "port"])
async def test_silence_is_a_question(
    network: Network, reach: Reach, monkeypatch: pytest.MonkeyPatch, silence: int, kind: str
) -> None:
    async def nobody(_: Address) -> socket.socket:
        raise OSError(silence, os.strerror(silence))

    monkeypatch.setattr(connect, "connect", nobody)
    probe = (
        make_http_probe(HttpCheck("http://192.0.2.7:81/"), reach=reach)
        if kind == "http"
        else make_port_probe(PortCheck(81, "192.0.2.7"), None, reach=reach)
    )
    assert (await probe()).verdict is Verdict.FAIL
    assert await reach.own_trouble() is OWN
    assert network.asked == [("192.0.2.7:81",)]


async def test_our_own_full_table_of_files_reaches_nobody(
    network: Network, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Address) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(connect, "connect", full)
    await make_http_probe(HttpCheck("http://192.0.2.7:81/"), reach=reach)()
    assert network.met == []


async def test_a_check_that_runs_out_of_time_after_it_had_reached_somebody_is_a_question(
    network: Network, reach: Reach
) -> None:
    accepted = asyncio.Event()

    async def hang(*_: object) -> None:
        accepted.set()
        await forever()

    async with serving(hang) as port:
        probe = make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"), reach=reach)
        asking = asyncio.ensure_future(probe())
        await accepted.wait()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    assert await reach.own_trouble() is OWN


@pytest.mark.parametrize(("number", "asked"), [(errno.ETIMEDOUT, 1), (errno.ECONNRESET, 0)])
async def test_a_connection_that_breaks_is_one_if_it_broke_in_silence(
    network: Network, reach: Reach, monkeypatch: pytest.MonkeyPatch, number: int, asked: int
) -> None:
    async def breaks(_: socket.socket) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(exchange, "readable", breaks)
    with listening() as port:
        await make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"), reach=reach)()
    assert bool(await reach.own_trouble()) is bool(asked)
    assert len(network.asked) == asked


@pytest.mark.parametrize(("number", "asked"), [(socket.EAI_AGAIN, [()]), (socket.EAI_NONAME, [])])
@pytest.mark.parametrize("kind", ["http", "port"])
async def test_a_name_is_one_if_nobody_could_be_asked_for_it(
    network: Network,
    reach: Reach,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    asked: list[tuple[str, ...]],
    kind: str,
) -> None:
    def no_resolver(*_: object, **__: object) -> object:
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(socket, "getaddrinfo", no_resolver)
    probe = (
        make_http_probe(HttpCheck("http://api.example/"), reach=reach)
        if kind == "http"
        else make_port_probe(PortCheck(80, "api.example"), None, reach=reach)
    )
    await probe()
    await reach.own_trouble()
    assert network.asked == asked


async def test_a_port_of_this_host_is_none(network: Network, reach: Reach) -> None:
    await make_port_probe(PortCheck(free_port(), "127.0.0.1"), None, reach=reach)()
    assert await reach.own_trouble() is None


async def test_the_trouble_began_with_the_first_of_several_silent_askings(
    network: Network, reach: Reach, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    async def nobody(_: Address) -> socket.socket:
        raise OSError(errno.ETIMEDOUT, "")

    probe = make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"), reach=reach)
    for _ in range(2):
        with monkeypatch.context() as silent:
            silent.setattr(connect, "connect", nobody)
            for _ in range(2):
                await probe()
                await reach.own_trouble()
        await probe()
    first, second, third, fourth = network.since
    assert first == second < third == fourth


async def test_without_a_network_nothing_is_asked() -> None:
    reach = Reach()
    reach.begin()
    assert await reach.own_trouble() is None
