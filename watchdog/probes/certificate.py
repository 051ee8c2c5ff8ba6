"""From when to when a certificate is valid: X.509 (RFC 5280, section 4.1) in DER.

The standard library tells it only of a certificate that was verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0
_WHOLE = len("YYYYMMDDHHMMSSZ")
_TWO = re.compile("..")
_BEFORE_VALIDITY = 3  # serial number, signature algorithm, issuer


class Validity(NamedTuple):
    """From when to when (UNIX seconds)."""

    begins: float
    ends: float


def validity(certificate: bytes) -> Validity:
    """Return from when to when *certificate* (DER) is valid. Raises ValueError."""
    try:
        (whole,) = _parts(certificate, _SEQUENCE)
        fields = _elements(next(_parts(whole, _SEQUENCE)))
        tag, _ = next(fields)
        skipped = _BEFORE_VALIDITY if tag == _VERSION else _BEFORE_VALIDITY - 1
        for _ in range(skipped):
            next(fields)
        tag, content = next(fields)
        begins, ends = (_moment(*element) for element in _elements(content))
    except (StopIteration, IndexError, ValueError) as error:
        raise ValueError("not a certificate") from error
    if tag != _SEQUENCE:
        raise ValueError("not a certificate")
    return Validity(begins, ends)


def _parts(data: bytes, wanted: int) -> Iterator[bytes]:
    for tag, content in _elements(data):
        if tag != wanted:
            raise ValueError("another element than expected")
        yield content


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of *data*. Raises ValueError, IndexError."""
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[place : place + count], "big")
            place += count
        content = data[place : place + length]
        if len(content) < length:
            raise ValueError("cut short")
        yield tag, content
        place += length


def _moment(tag: int, content: bytes) -> float:
    """Return a Time as UNIX seconds; RFC 5280 allows of each kind one form, in UTC."""
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        century = "19" if int(text[:2]) >= 50 else "20"  # noqa: PLR2004 - RFC 5280, 4.1.2.5.1
        text = century + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    digits = text[:-1]
    if len(text) != _WHOLE or not digits.isdigit() or text[-1] != "Z":
        raise ValueError("not a time")
    # By hand: strptime would bring a megabyte of locales and calendars into the daemon.
    year, (month, day, hour, minute, second) = int(digits[:4]), map(int, _TWO.findall(digits[4:]))
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
