"""Whose answer it is that a datagram gets; the rest is in tests/host/test_own_network.py."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.probes.address import Address
from watchdog.probes.hail import hail, is_answered, is_from_elsewhere

LOCAL, ICMP, ICMP6 = 1, 2, 3


def error(origin: int, host: str) -> bytes:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host)
    address = struct.pack("=HH", family, 0) + (
        packed + bytes(8) if family == socket.AF_INET else bytes(4) + packed + bytes(4)
    )
    return struct.pack("=IBBBBII", 113, origin, 11, 0, 0, 0, 0) + address


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (error(ICMP, "192.0.2.1"), True),
        (error(ICMP6, "2001:db8::1"), True),
        (error(ICMP, "127.0.0.1"), False),  # this host says that a neighbour is silent
        (error(ICMP6, "::1"), False),
        (error(LOCAL, "192.0.2.1"), False),
        (error(ICMP, "192.0.2.1")[:18], False),
        (error(ICMP, "192.0.2.1")[:20], False),
        (error(ICMP, "192.0.2.1").replace(b"\x02\0\0\0", b"\x01\0\0\0"), False),
        (b"", False),
    ],
)
def test_an_answer_is_an_icmp_message_of_another_host(content: bytes, expected: bool) -> None:
    assert is_from_elsewhere(content) is expected


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(content: bytes) -> None:
    assert is_from_elsewhere(content) in {True, False}


def test_this_hosts_own_word_that_nothing_listens_is_no_answer() -> None:
    with hail(Address(socket.AF_INET, "127.0.0.1", 0)) as sock:
        assert not is_answered(sock)
        assert not is_answered(sock), "the queue has been read"
