"""What nginx complains of, and what it logs; the lines are nginx's own."""

from __future__ import annotations

import pytest

from watchdog.nginx.complaint import complaint
from watchdog.nginx.error_log import KINDS, troubles

SECOND = """\
2026/11/23 08:23:18 [warn] 9#9: conflicting server name
2026/11/23 08:23:18 [emerg] 9#9: host not found in upstream "a" in /x:1
"""
ABOUT = ', client: 1.2.3.4, server: shop, request: "GET /health HTTP/1.1", '
UPSTREAM = f'{ABOUT}upstream: "http://127.0.0.1:8000/health", host: "shop.example"'
UNIX = f'{ABOUT}upstream: "http://unix:/run/app.sock:/health", host: "shop.example"'

LINES = {
    "refused": f"connect() failed (111: Connection refused) while connecting to upstream{UPSTREAM}",
    "unreachable": f"connect() failed (113: No route to host) while connecting{UPSTREAM}",
    "forbidden": f"connect() to 127.0.0.1:8000 failed (13: Permission denied) while{UPSTREAM}",
    "socket-forbidden": f"connect() to unix:/run/app.sock failed (13: Permission denied){UNIX}",
    "socket-missing": f"connect() to unix:/run/app.sock failed (2: No such file or){UNIX}",
    "timeout-connecting": "upstream timed out (110: Connection timed out) while connecting to "
    f"upstream{UPSTREAM}",
    "timeout": "upstream timed out (110: Connection timed out) while reading response header from "
    f"upstream{UPSTREAM}",
    "no-live-upstreams": f"no live upstreams while connecting to upstream{UPSTREAM}",
    "closed": f"upstream prematurely closed connection while reading response header{UPSTREAM}",
    "big-header": f"upstream sent too big header while reading response header{UPSTREAM}",
    "handshake": "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version "
    f"number) while SSL handshaking to upstream{UPSTREAM}",
    "invalid": f"upstream sent no valid HTTP/1.0 header while reading response{UPSTREAM}",
    "name": f"no resolver defined to resolve shop.internal{ABOUT}",
    "limited": f'limiting requests, excess: 0.998 by zone "one"{ABOUT}',
    "connections": f"768 worker_connections are not enough while connecting{UPSTREAM}",
}


def test_every_kind_has_a_line_here() -> None:
    assert LINES.keys() == {name for name, _ in KINDS}


@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_the_log_tells_its_kind(kind: str) -> None:
    (found,) = troubles([f"2026/11/23 08:23:18 [error] 3098#3098: *1 {LINES[kind]}"])
    assert found.kind == kind
    assert found.request == "GET /health HTTP/1.1"


def test_the_upstream_is_named_as_it_was_tried() -> None:
    tcp, unix, neither = troubles([LINES["refused"], LINES["socket-missing"], LINES["limited"]])
    assert (tcp.upstream, tcp.host) == ("127.0.0.1:8000", "shop.example")
    assert unix.upstream == "unix:/run/app.sock"
    assert neither.upstream == ""


def test_other_lines_are_left_out() -> None:
    assert troubles(["", "signal process started", "\x00\xff", "a" * 100_000]) == []


@pytest.mark.parametrize(
    ("said", "words", "place", "subject"),
    [
        (
            'nginx: [emerg] unknown directive "a" in /etc/nginx/x:7\nnginx: configuration file …',
            'unknown directive "a" in /etc/nginx/x:7',
            "/etc/nginx/x:7",
            "a",
        ),
        (
            SECOND,
            'host not found in upstream "a" in /x:1',
            "/x:1",
            "a",
        ),
        ('nginx: [emerg] cannot load certificate "/a"', 'cannot load certificate "/a"', "", "/a"),
        ("Segmentation fault\n", "Segmentation fault", "", ""),
        ("", "it does not say why", "", ""),
    ],
)
def test_the_first_complaint_is_read(said: str, words: str, place: str, subject: str) -> None:
    found = complaint(said)
    assert (found.words, found.place, found.subject) == (words, place, subject)


def test_a_line_that_no_file_has_is_no_place() -> None:
    found = complaint(f'nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:{"3" * 5000}')
    assert (found.subject, found.place) == ("x", "")
