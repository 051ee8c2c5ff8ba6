from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.config import Config, load
from watchdog.ports import Listener
from watchdog.probes.sock_diag import SockDiag
from watchdog.survey.held import Held, State, held, sockets
from watchdog.survey.ownership import Ownership
from watchdog.survey.wanted import Wanted, wanted


@pytest.fixture
def diag() -> Iterator[SockDiag]:
    asked = SockDiag()
    yield asked
    asked.close()


def rows(diag: SockDiag, *ports: Wanted, owns: bool | None = True) -> list[Held]:
    found = sockets(diag, (each.port for each in ports))
    return held(diag, ports, found, lambda *_: owns)


@pytest.mark.parametrize(
    ("family", "host", "families", "reach"),
    [
        (socket.AF_INET, "127.0.0.1", "IPv4", "loopback only"),
        (socket.AF_INET, "0.0.0.0", "IPv4", "everywhere"),
        (socket.AF_INET6, "::1", "IPv6", "loopback only"),
        (socket.AF_INET6, "::", "IPv6", "everywhere"),
    ],
)
def test_a_row_tells_from_where_a_socket_takes_what(
    diag: SockDiag, family: socket.AddressFamily, host: str, families: str, reach: str
) -> None:
    with socket.create_server((host, 0), family=family) as listening:
        [row] = rows(diag, Wanted("api", host, listening.getsockname()[1]))
    assert (row.address, row.families, row.reach) == (host, families, reach)
    assert row.state is State.EXPECTED


def test_a_socket_of_both_families_takes_what_is_for_ipv4(diag: SockDiag) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        [row] = rows(diag, Wanted("api", "127.0.0.1", listening.getsockname()[1]))
    assert (row.families, row.state) == ("IPv4+IPv6", State.EXPECTED)


def test_the_right_one_at_the_wrong_address_is_not_there(diag: SockDiag) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        found = rows(diag, Wanted("api", "127.0.0.1", listening.getsockname()[1]))
    assert [(row.state, row.address) for row in found] == [
        (State.ELSEWHERE, "127.0.0.2"),
        (State.NOTHING, "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    ("owns", "state"), [(False, State.STRANGER), (None, State.UNKNOWN), (True, State.EXPECTED)]
)
def test_whose_it_is_decides(diag: SockDiag, owns: bool | None, state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        [row] = rows(diag, Wanted("api", "127.0.0.1", port), owns=owns)
        [any_owner] = rows(diag, Wanted("api", "127.0.0.1", port, any_owner=True), owns=owns)
    assert row.state is state
    assert any_owner.is_fine


def test_what_nobody_needs_is_told_of_only_if_somebody_listens(diag: SockDiag) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert len(rows(diag, Wanted("nginx", "", port, needed=False))) == 1
    assert rows(diag, Wanted("nginx", "", port, needed=False)) == []
    [row] = rows(diag, Wanted("nginx", "", port))
    assert (row.state, row.address) == (State.NOTHING, "any address")


def config_of(path: Path, text: str) -> Config:
    path.write_text(f'[daemon]\nruntime_dir = "{path.parent}"\n{text}')
    return load(path, for_daemon=False)


def test_the_ports_of_the_proxy_come_once_under_its_own_name(tmp_path: Path) -> None:
    config = config_of(
        tmp_path / "c.toml",
        '[[service]]\nname = "a"\nunit = "a"\nport = 8000\nproxied = "http://127.0.0.1/a"\n'
        '[[service]]\nname = "b"\nunit = "b"\nhealth = "http://localhost:8001/h"\n'
        'external = "https://b.example.com/h"\n'
        '[[service]]\nname = "web"\nunit = "nginx"\nport = 80\n',
    )
    found = {(each.service, each.port): each for each in wanted(config, config.services)}
    assert found == {
        ("a", 8000): Wanted("a", "127.0.0.1", 8000, "a.service"),
        ("b", 8001): Wanted("b", "localhost", 8001, any_owner=True),
        ("web", 80): Wanted("web", "127.0.0.1", 80, "nginx.service"),
        ("web", 443): Wanted("web", "", 443, "nginx.service"),
    }


def test_a_unit_owns_what_it_or_its_socket_unit_has_made(tmp_path: Path) -> None:
    config = config_of(
        tmp_path / "c.toml",
        '[[service]]\nname = "a"\nunit = "a"\nport = 8000\n'
        '[[service]]\nname = "b"\nunit = "b"\nport = 8001\n'
        '[[service]]\nname = "c"\ncontrol = { start = ["x"], stop = ["x"], status = ["x"] }\n',
    )
    ownership = Ownership(config, {"b.service": ["b.socket"]})
    listener = Listener("127.0.0.1", 8000, 1, 1)
    a, b = (Wanted(name, "127.0.0.1", 8000, f"{name}.service") for name in "ab")
    assert ownership.owns(a, listener, "a.service") is True
    assert ownership.owns(a, listener, "other.service") is False
    assert ownership.owns(a, listener, "init.scope") is False
    assert ownership.owns(a, listener, "") is None
    assert ownership.owns(b, listener, "init.scope") is True
    assert ownership.owns(b, listener, "b.socket") is True
    assert ownership.owns(Wanted("c", "127.0.0.1", 1), listener, "any.service") is True
