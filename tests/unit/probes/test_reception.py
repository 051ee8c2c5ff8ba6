"""Answers come in pieces of any size, whole, broken or without end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.probes.servers import answer
from watchdog.probes.reception import INTERIM, LIMIT, Reception

GOOD = range(200, 300)
CLOSE = b""
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FOUR_BYTES = "the connection was closed early: answered 200, but only 4 bytes of the body came"

ANSWERS = {
    "length": answer(b"healthy"),
    "chunked": CHUNKED + b"4\r\nheal\r\n3\r\nthy\r\n0\r\n\r\n",
    "interim": b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n" + answer(b"healthy"),
    "many interim": b"HTTP/1.1 102 Processing\r\n\r\n" * INTERIM + answer(b"healthy"),
    "more": answer(b"healthy") + b"garbage",
    "second": answer(b"healthy") + answer(b"no", "500 Oh"),
}  # fmt: skip


def receive(*chunks: bytes) -> Reception:
    reception = Reception(GOOD)
    for chunk in chunks:
        reception.feed(chunk)
    return reception


@pytest.mark.parametrize("name", ANSWERS)
@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_an_answer_is_the_same_however_it_is_cut(name: str, cuts: list[int]) -> None:
    whole = ANSWERS[name]
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    reception = receive(*(whole[start:end] for start, end in pairwise(edges)))
    assert (reception.status, bytes(reception.body)) == (200, b"healthy")
    assert (reception.finished, reception.trouble, reception.is_truncated) == (True, "", False)


def test_without_a_length_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    reception = receive(b"HTTP/1.0 200 OK\r\n\r\nheal", b"thy")
    assert not reception.finished
    reception.feed(CLOSE)
    assert (reception.finished, bytes(reception.body), reception.trouble) == (True, b"healthy", "")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_is_complete_with_its_headers(status: str) -> None:
    assert receive(f"HTTP/1.1 {status}\r\n\r\n".encode()).finished


def test_switching_protocols_is_an_answer() -> None:
    reception = receive(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\0\1"
    )
    assert (reception.status, reception.finished, reception.is_refused) == (101, True, True)


@pytest.mark.parametrize(
    ("chunks", "trouble"),
    [
        ([CLOSE], "the connection was closed early: connected, and nothing was answered"),
        (
            [b"HTTP/1.1 200 OK\r\nContent", CLOSE],
            "the connection was closed early: the headers were not complete",
        ),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nheal", CLOSE],
            FOUR_BYTES,
        ),
        (
            [CHUNKED + b"4\r\nheal\r\n", CLOSE],
            FOUR_BYTES,
        ),
        (
            [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE],
            "the connection was closed early: the headers were not complete",
        ),
        (
            [b"SSH-2.0-OpenSSH_9.2\r\n"],
            'the answer is not HTTP: Expected HTTP/, RTSP/ or ICE/: "SSH-2.0-OpenSSH_9.2"',
        ),
        (
            [b"\x15\x03\x01\x00\x02\x02\x46"],
            "it speaks TLS: the URL must begin with https://",
        ),
        (
            [b"HTTP/1.1 200 OK\r\n", b"no colon\r\n\r\n"],
            "the headers are malformed: Invalid header token",
        ),
        (
            [CHUNKED, b"zz\r\n"],
            "the body is malformed: Invalid character in chunk size",
        ),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * LIMIT], "its headers are longer than 64 KiB"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * LIMIT], "its headers are longer than 64 KiB"),
        (
            [b"HTTP/1.1 100 Continue\r\n\r\n" * 4000],
            "it sent 21 interim answers (1xx) and no other",
        ),
        (
            [b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n"] * 4000,
            "it sent 21 interim answers (1xx) and no other",
        ),
        (
            [b"HTTP/1.1 103 Hints\r\nLink: " + b"a" * LIMIT + b"\r\n\r\n"],
            "its headers are longer than 64 KiB",
        ),
    ],
)  # fmt: skip
def test_a_broken_answer_is_described(chunks: list[bytes], trouble: str) -> None:
    reception = receive(*chunks)
    assert (reception.finished, reception.trouble) == (True, trouble)


def test_a_broken_connection_is_described_with_how_far_it_came() -> None:
    reception = receive(b"HTTP/1.1 200")
    reception.fail(ConnectionResetError(104, "Connection reset by peer"))
    assert reception.trouble == (
        "the connection broke: Connection reset by peer; the headers were not complete"
    )
    assert reception.finished


def test_a_body_without_end_is_read_up_to_the_limit() -> None:
    reception = receive(b"HTTP/1.1 200 OK\r\n\r\n", *([b"x" * 1000] * 100))
    assert (reception.finished, reception.is_truncated) == (True, True)
    assert len(reception.body) < LIMIT + 1000


def test_of_a_refused_answer_no_more_is_read_than_can_be_quoted() -> None:
    reception = receive(b"HTTP/1.1 503 Oh\r\nContent-Length: 9999\r\n\r\n")
    assert (reception.is_refused, reception.finished) == (True, False)
    reception.feed(b"x" * 1024)
    assert reception.finished


def test_headers_are_those_of_the_last_answer() -> None:
    reception = receive(
        b"HTTP/1.1 103 Early Hints\r\nLocation: /no\r\nContent-Encoding: gzip\r\n\r\n",
        answer(b"", "302 Found", b"location: /yes"),
    )
    assert (reception.location, reception.is_plain) == (b"/yes", True)


def test_an_encoding_nobody_asked_for_is_noticed() -> None:
    assert not receive(answer(b"\x1f\x8b", "200 OK", b"Content-Encoding: gzip")).is_plain
    assert receive(answer(b"ok", "200 OK", b"Content-Encoding: identity")).is_plain


PIECES = [
    b"HTTP/1.1 ", b"200 OK", b"503", b"100", b"101 Switching", b"\r\n", b"\r\n\r\n",
    b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: upgrade\r\nUpgrade: h2c",
    b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n",
]  # fmt: skip


@given(
    st.lists(st.one_of(st.binary(min_size=1, max_size=60), st.sampled_from(PIECES)), max_size=12),
    st.booleans(),
)
def test_any_bytes_and_then_the_end_are_an_answer_or_a_trouble(
    chunks: list[bytes], broken: bool
) -> None:
    reception = receive(*chunks)
    assert reception.progress.isprintable()
    reception.fail(OSError(5, "Input/output error")) if broken else reception.feed(CLOSE)
    assert reception.finished
    assert reception.status or reception.trouble
    assert reception.trouble.isprintable()
