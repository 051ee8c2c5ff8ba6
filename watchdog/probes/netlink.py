"""Messages of netlink(7), taken apart and put together. No I/O.

No bytes that a kernel could send make anything here fail but with OSError or ValueError.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

NOOP, ERROR, DONE = 1, 2, 3
REQUEST, MULTI, DUMP = 0x1, 0x2, 0x300
BUFFER = 65536
"""Bytes to receive at once; a part of a dump is never larger than 32 KiB."""

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port id
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ERROR = struct.Struct("=i")
_KIND = 0x3FFF  # the other two bits of an attribute's type are flags
_MOST_ERRNOS = 4095  # MAX_ERRNO of linux/err.h


class Message(NamedTuple):
    """One message; ``sequence`` is that of the request that it answers, or 0."""

    kind: int
    flags: int
    sequence: int
    payload: bytes


def request(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """Return a request as it is sent."""
    return _HEADER.pack(_HEADER.size + len(payload), kind, REQUEST | flags, sequence, 0) + payload


def attribute(kind: int, content: bytes) -> bytes:
    """Return an attribute, padded."""
    length = _ATTRIBUTE.size + len(content)
    return _ATTRIBUTE.pack(length, kind) + content + bytes(_aligned(length) - length)


def messages(datagram: bytes) -> Iterator[Message]:
    """Yield each message of *datagram*. Raises ValueError."""
    offset = 0
    while offset < len(datagram):
        if offset + _HEADER.size > len(datagram):
            raise ValueError("a message header is cut short")
        length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            raise ValueError(f"a message of {length} bytes does not fit")
        payload = datagram[offset + _HEADER.size : offset + length]
        yield Message(kind, flags, sequence, payload)
        offset += _aligned(length)


def attributes(payload: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each attribute from *offset* on. Raises ValueError."""
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size or offset + length > len(payload):
            raise ValueError(f"an attribute of {length} bytes does not fit")
        yield kind & _KIND, payload[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def raise_error(message: Message) -> None:
    """Raise what the kernel reports; a DONE of older kernels may come without a code."""
    if len(message.payload) < _ERROR.size:
        if message.kind == ERROR:
            raise ValueError("an error message is cut short")
        return
    (code,) = _ERROR.unpack_from(message.payload)
    if not -_MOST_ERRNOS <= code <= 0:
        raise ValueError(f"{code} is no error code")
    if code:
        raise OSError(-code, os.strerror(-code))


def _aligned(length: int) -> int:
    return (length + 3) & ~3
