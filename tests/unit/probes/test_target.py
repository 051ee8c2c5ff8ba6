"""A URL becomes an address, a label without secrets, and the bytes of a request."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog import __version__
from watchdog.probes.target import parse_target


def request_lines(url: str, *headers: tuple[str, str]) -> list[str]:
    head, _, rest = parse_target(url, headers).request.decode("latin-1").partition("\r\n\r\n")
    assert rest == ""
    return head.split("\r\n")


def test_the_whole_request() -> None:
    assert request_lines("http://127.0.0.1:8000/health?full=1") == [
        "GET /health?full=1 HTTP/1.1",
        "Host: 127.0.0.1:8000",
        f"User-Agent: service-watchdog/{__version__}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]


@pytest.mark.parametrize(
    ("url", "host", "port", "authority"),
    [
        ("http://example.com/", "example.com", 80, "example.com"),
        ("http://example.com:80/", "example.com", 80, "example.com"),
        ("https://Example.com", "example.com", 443, "example.com"),
        ("https://example.com:80/", "example.com", 80, "example.com:80"),
        ("http://[::1]:8000/", "::1", 8000, "[::1]:8000"),
        ("http://[fe80::1%25eth0]/", "fe80::1%25eth0", 80, "[fe80::1]"),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
    ],
)
def test_host_and_port_are_those_of_the_url(url: str, host: str, port: int, authority: str) -> None:
    target = parse_target(url)
    assert (target.host, target.port) == (host, port)
    assert f"Host: {authority}" in request_lines(url)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("http://127.0.0.1:8000/health", "/health"),
        ("http://user:secret@127.0.0.1/health?token=secret#part", "/health"),
        ("http://user:secret@127.0.0.1:8000?token=secret", "http://127.0.0.1:8000/"),
    ],
)
def test_a_label_tells_no_secrets(url: str, label: str) -> None:
    assert parse_target(url).label == label


def test_user_and_password_are_sent_as_basic_authentication() -> None:
    assert "Authorization: Basic YWxpY2U6cEBzcw==" in request_lines("http://alice:p%40ss@h/")


def test_what_is_not_ascii_is_sent_percent_encoded() -> None:
    assert request_lines("http://h/gesund%20heit/ü?q=ü")[0] == (
        "GET /gesund%20heit/%C3%BC?q=%C3%BC HTTP/1.1"
    )


def test_a_configured_header_takes_the_place_of_ours() -> None:
    lines = request_lines("http://h/", ("host", "www.example.com"), ("X-Probe", "1"))
    assert "host: www.example.com" in lines
    assert "X-Probe: 1" in lines
    assert "Host: h" not in lines


def test_no_header_keeps_the_connection_alive() -> None:
    lines = request_lines("http://h/", ("connection", "keep-alive"))
    assert [line for line in lines if line.lower().startswith("connection")] == [
        "Connection: close"
    ]


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ftp://h/", "must begin with http"),
        ("h:80/health", "must begin with http"),
        ("http:///health", "names no host"),
        ("http://h:99999/", "out of range"),
        ("http://h:0/", "port 0"),
        ("http://[::1/", "Invalid IPv6"),
        ("http://h/a b", "blanks"),
        ("http://h/a\r\nX: 1", "control characters"),
        ("http://" + "ü" * 100 + "/", "no host name"),
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_target(url)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("X", "1\r\nY: 2", "line break"),
        ("X\r\nY", "1", "no header name"),
        ("", "1", "no header name"),
        ("X Y", "1", "no header name"),
        ("X", "→", "not Latin-1"),
    ],
)
def test_a_header_that_would_break_the_request_is_refused(
    name: str, value: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_target("http://h/", [(name, value)])


@given(st.one_of(st.text(), st.text().map("http://{}".format), st.text().map("http://h/{}".format)))
def test_any_text_is_a_request_of_one_line_or_refused(url: str) -> None:
    with contextlib.suppress(ValueError):
        lines = request_lines(url)
        assert len(lines) == 6 + any(line.startswith("Authorization") for line in lines)
        assert lines[0].isprintable()
