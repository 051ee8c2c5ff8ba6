"""Whoever sends without end, or more than was asked for, is read to a bound."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from functools import cache

import pytest

from tests.fuzz.targets import SLOW, TARGETS

SENT = 4 * 1024 * 1024
"""Bytes that are sent: more than anybody here may keep, less than takes long."""

KEPT = 3 * 1024 * 1024
"""Bytes that may be allocated meanwhile, by both sides, for they are in one process."""

ANSWER = b"\xffHTTP/1.1 200 OK\r\n"  # the first byte is the length of the pieces, see peers.py
WHOLE = ANSWER + b"Content-Length: 60000\r\n\r\n"
CHUNKED = ANSWER + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"100\r\n" + bytes(256) + b"\r\n"
REFUSED = b"\xffHTTP/1.1 503 Oh\r\n\r\n"
PACKED = b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(SENT * 16), 1)
BODY = (
    b"POST /api/v1/services/api/restart HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer 0123456789abcdef\r\nContent-Type: application/json\r\n"
)

FLOODS: dict[str, dict[str, tuple[bytes, bytes]]] = {
    "http-probe": {
        "nonsense": (b"\xff", b"x"),
        "a status": (b"\xffHTTP/1.1 200 ", b"O"),
        "headers": (ANSWER, b"Server: x\r\n"),
        "a header": (ANSWER + b"Location: ", b"x"),
        "interim answers": (b"\xff", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n"),
        "a body": (ANSWER + b"\r\n", b"x"),
        "a body that is not valid UTF-8": (ANSWER + b"\r\n", b"\xff"),
        "brackets, in a body that is read whole": (WHOLE, b"["),
        "titles, in a body that is read whole": (WHOLE, b"<title>"),
        "more than the length of the body": (ANSWER + b"Content-Length: 9\r\n\r\n", b"x"),
        "a length": (ANSWER + b"Content-Length: ", b"9"),
        "chunks": (CHUNKED, CHUNK),
        "the length of a chunk": (CHUNKED, b"0"),
        "the name of a chunk": (CHUNKED + b"1;", b"x"),
        "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n"),
        "a refusal": (REFUSED, b"x"),
        "a redirect to a file": (b"\xffHTTP/1.1 302 Y\r\nLocation: file:///dev/zero\r\n\r\n", b"x"),
        "what is packed": (ANSWER + PACKED, b""),
        "answers": (b"\xff", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
    },
    "control-socket": {
        "a line": (b"", b"x"),
        "brackets": (b'{"call":"echo","arguments":', b"["),
        "lines": (b"", b'{"call":"echo"}\n'),
        "what is held": (b'{"call":"lease"}\n', b"x"),
    },
    "web": {
        "a path": (b"GET /", b"x"),
        "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
        "a header": (b"GET / HTTP/1.1\r\nX: ", b"y"),
        "requests": (b"", b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        "a body": (BODY + b"Content-Length: 4194304\r\n\r\n", b"["),
        "chunks": (BODY + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK),
        "chunks for nobody": (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNK),
        "the length of a chunk": (BODY + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        "what is packed": (BODY + b"Content-Length: 4194304\r\n" + PACKED, b""),
    },
}


@cache
def flood(begin: bytes, more: bytes) -> bytes:
    return begin + more * (SENT // len(more)) if more else begin


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, floods in FLOODS.items() for what in floods]
)
def test_what_never_ends_is_read_to_a_bound(name: str, what: str) -> None:
    octets = flood(*FLOODS[name][what])
    TARGETS[name](b"")  # makes what is made once
    tracemalloc.start()
    began = time.process_time()
    try:
        TARGETS[name](octets)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < KEPT
    assert time.process_time() - began < SLOW
