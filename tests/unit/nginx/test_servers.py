"""Which server block and which location answers; nginx.org's own examples among them."""

from __future__ import annotations

import socket

import pytest

from tests.unit.nginx.test_syntax import dump
from watchdog.nginx.servers import Request, answering, location, servers
from watchdog.nginx.syntax import Directive, parse

FOUR, SIX = socket.AF_INET, socket.AF_INET6


def http(text: str) -> Directive:
    return parse(dump(f"http {{ {text} }}"))


def who(text: str, host: str, *, port: int = 80, address: str = "127.0.0.1") -> str | None:
    """Return the mark (``set $me X``) of the block that answers."""
    family = SIX if ":" in address else FOUR
    server = answering(http(text), Request(family, address, port, host, "/"))
    mark = server.first("set") if server else None
    return mark.arguments[1] if mark else None


NAMES = """
server { listen 80; set $me first; }
server { listen 80 default_server; server_name other; set $me default; }
server { listen 80; server_name shop.example; set $me exact; }
server { listen 80; server_name *.example; set $me star; }
server { listen 80; server_name *.shop.example; set $me longstar; }
server { listen 80; server_name shop.*; set $me tail; }
server { listen 80; server_name ~^(?<tenant>[a-z]+)\\d+\\.test$; set $me regex; }
server { listen 80; server_name .dot.org; set $me dot; }
"""


@pytest.mark.parametrize(
    ("host", "mark"),
    [
        ("shop.example", "exact"),
        ("SHOP.example", "exact"),
        ("a.shop.example", "longstar"),
        ("a.example", "star"),
        ("shop.org", "tail"),
        ("abc1.test", "regex"),
        ("dot.org", "dot"),
        ("www.dot.org", "dot"),
        ("nobody", "default"),
        ("", "first"),
    ],
)
def test_names_are_matched_as_nginx_ranks_them(host: str, mark: str) -> None:
    assert who(NAMES, host) == mark


def test_without_a_default_the_first_that_listens_there_answers() -> None:
    text = "server { listen 81; set $me a; } server { listen 80; set $me b; }"
    assert who(text, "x") == "b"
    assert who(text, "x", port=82) is None


def test_who_listens_on_the_very_address_takes_all_that_comes_to_it() -> None:
    text = (
        "server { listen 80; server_name x; set $me all; }"
        "server { listen 10.0.0.5:80; set $me one; }"
    )
    assert who(text, "x", address="10.0.0.5") == "one"
    assert who(text, "x", address="10.0.0.6") == "all"


def test_ipv6_is_a_matter_of_its_own() -> None:
    text = "server { listen 80; set $me four; } server { listen [::]:80; set $me six; }"
    assert who(text, "x", address="::1") == "six"
    assert who(text, "x") == "four"


def test_one_socket_may_be_for_both_families() -> None:
    text = "server { listen [::]:80 ipv6only=off; set $me both; }"
    assert who(text, "x", address="::1") == who(text, "x") == "both"


LOCATIONS = """
server {
    location = / { set $me A; }
    location / { set $me B; }
    location /documents/ { set $me C; location /documents/deep { set $me D; } }
    location ^~ /images/ { set $me E; }
    location ~* \\.(gif|jpg)$ { set $me F; }
    location ~(unbalanced { set $me never; }
    location @named { set $me never; }
}
"""


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("/", "A"),
        ("/index.html", "B"),
        ("/documents/a.html", "C"),
        ("/documents/deep/a", "D"),
        ("/images/1.gif", "E"),
        ("/documents/1.JPG", "F"),
    ],
)
def test_locations_are_chosen_as_the_documentation_of_nginx_has_it(path: str, mark: str) -> None:
    found = location(servers(http(LOCATIONS))[0], path).first("set")
    assert found is not None
    assert found.arguments[1] == mark


def test_a_path_that_no_location_takes_is_the_servers_own() -> None:
    (server,) = servers(http("server { location /a { } }"))
    assert location(server, "/b") is server
