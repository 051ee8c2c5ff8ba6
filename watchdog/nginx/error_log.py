"""The error log of nginx: what its lines about upstreams mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FIELD = re.compile(r', (client|server|request|upstream|host): (?:"([^"]*)"|([^,]*))')
_ADDRESS = re.compile(r"^[a-z]+://(unix:[^:]+|[^/]+)")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line of the log that tells why a request was not answered as it should."""

    kind: str  # of KINDS
    line: str
    upstream: str  # host:port or unix:/path, if it names one
    request: str  # GET /health HTTP/1.1
    host: str


KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("socket-forbidden", re.compile(r"connect\(\) to unix:\S+ failed \(13:")),
    ("socket-missing", re.compile(r"connect\(\) to unix:\S+ failed \((?:2|111):")),
    ("forbidden", re.compile(r"connect\(\) (?:to \S+ )?failed \(13:")),
    ("refused", re.compile(r"connect\(\) failed \(111:")),
    ("unreachable", re.compile(r"connect\(\) failed \((?:101|113):")),
    ("no-live-upstreams", re.compile(r"no live upstreams")),
    ("timeout-connecting", re.compile(r"upstream timed out .* while connecting to upstream")),
    ("timeout", re.compile(r"upstream timed out")),
    ("big-header", re.compile(r"upstream sent too big header")),
    (
        "handshake",
        re.compile(r"SSL_do_handshake\(\) failed|peer closed connection in SSL handshake"),
    ),
    ("closed", re.compile(r"upstream prematurely closed|recv\(\) failed \(104:.*upstream")),
    ("invalid", re.compile(r"upstream sent (?:invalid|no valid|unsupported)")),
    ("name", re.compile(r"could not be resolved|no resolver defined")),
    ("limited", re.compile(r"limiting (?:requests|connections)")),
    ("connections", re.compile(r"worker_connections are not enough|Too many open files")),
)
"""What a line tells, the more telling first."""


def troubles(lines: Iterable[str]) -> list[Trouble]:
    """Return what *lines* tell, in order; what says nothing of a request is left out."""
    found = []
    for line in lines:
        kind = next((name for name, pattern in KINDS if pattern.search(line)), "")
        if kind:
            fields = {name: quoted or plain for name, quoted, plain in _FIELD.findall(line)}
            address = _ADDRESS.match(fields.get("upstream", ""))
            found.append(
                Trouble(
                    kind,
                    line,
                    address[1] if address else "",
                    fields.get("request", ""),
                    fields.get("host", ""),
                )
            )
    return found
