"""Which server block and which location answers; nginx.org's own examples among them."""

from __future__ import annotations

import socket

import pytest

from tests.unit.doctor.test_nginx_syntax import dump
from watchdog.doctor.nginx.servers import (
    Request,
    answering,
    backends,
    listens,
    location,
    passing_to,
    servers,
)
from watchdog.doctor.nginx.syntax import Directive, parse

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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("listen 8080;", (FOUR, "", 8080, False, False)),
        ("listen *:80 default;", (FOUR, "", 80, False, True)),
        ("listen 127.0.0.1;", (FOUR, "127.0.0.1", 80, False, False)),
        ("listen [::]:443 ssl http2;", (SIX, "", 443, True, False)),
        ("listen [::1];", (SIX, "::1", 80, False, False)),
        ("", (FOUR, "", 80, False, False)),
    ],
)
def test_listen_in_each_of_its_forms(line: str, expected: tuple[object, ...]) -> None:
    (listen,) = listens(servers(http(f"server {{ {line} }}"))[0])
    assert (listen.family, listen.host, listen.port, listen.tls, listen.default) == expected


@pytest.mark.parametrize("line", ["listen unix:/run/x;", "listen 127.0.0.1:$port;", "listen;"])
def test_what_no_request_of_ours_comes_to_is_left_out(line: str) -> None:
    assert listens(servers(http(f"server {{ {line} }}"))[0]) == []


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


def test_where_requests_are_passed_on_to() -> None:
    tree = http(
        "upstream app { server 127.0.0.1:8000; server 10.0.0.9 down; server unix:/run/a; }"
        "server { location / { proxy_pass http://app; } location /b { proxy_pass https://b/x; } "
        "location /c { proxy_pass http://unix:/run/c:/uri; } location /d { proxy_pass $there; } "
        "location /e { proxy_pass http://[::1]:9000; } location /f { proxy_pass http://a:b; } }"
    )
    found = [(each.host, each.port, each.path) for each in backends(tree, servers(tree)[0])]
    assert found == [
        ("127.0.0.1", 8000, ""),
        ("", 0, "/run/a"),
        ("b", 443, ""),
        ("", 0, "/run/c"),
        ("::1", 9000, ""),
    ]
    assert passing_to(tree, 8000) == passing_to(tree, 9000) == servers(tree)
    assert passing_to(tree, 443) == []  # of another host
