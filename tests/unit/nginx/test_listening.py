"""Where server blocks listen."""

from __future__ import annotations

import socket

import pytest

from tests.unit.nginx.test_syntax import dump
from watchdog.nginx.listening import Listen, listens
from watchdog.nginx.servers import servers
from watchdog.nginx.syntax import Directive, parse

FOUR, SIX = socket.AF_INET, socket.AF_INET6


def server(lines: str) -> Directive:
    (found,) = servers(parse(dump(f"http {{ server {{ {lines} }} }}")))
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("listen 8080;", (FOUR, "", 8080, False, False)),
        ("listen *:80 default;", (FOUR, "", 80, False, True)),
        ("listen 127.0.0.1;", (FOUR, "127.0.0.1", 80, False, False)),
        ("listen [::]:443 ssl http2;", (SIX, "", 443, True, False)),
        ("listen [::1];", (SIX, "::1", 80, False, False)),
        ("", (FOUR, "", 80, False, False)),
        ("listen 443 quic reuseport; listen 443 ssl;", (FOUR, "", 443, True, False)),
    ],
)
def test_listen_in_each_of_its_forms(line: str, expected: tuple[object, ...]) -> None:
    (listen,) = listens(server(line))
    assert (listen.family, listen.host, listen.port, listen.tls, listen.default) == expected


@pytest.mark.parametrize(
    "line",
    [
        "listen unix:/run/x;",
        "listen 127.0.0.1:$port;",
        "listen;",
        "listen 443 quic;",
        "listen 1234567;",
    ],
)
def test_what_no_request_of_ours_comes_to_is_left_out(line: str) -> None:
    assert listens(server(line)) == []


def test_a_socket_of_ipv6_may_take_ipv4_as_well() -> None:
    assert listens(server("listen [::]:80 ipv6only=off;")) == [
        Listen(SIX, "", 80),
        Listen(FOUR, "", 80),
    ]
