"""Where a server block listens; as ngx_http_core_module reads its ``listen`` lines."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from watchdog.nginx.syntax import Directive

HTTP, HTTPS = 80, 443


@dataclass(frozen=True, slots=True)
class Listen:
    """A ``listen``: address (empty: all of the family) and port."""

    family: int
    host: str
    port: int
    tls: bool = False
    default: bool = False


def listens(server: Directive) -> list[Listen]:
    """Return where *server* takes TCP connections; without a word of its own, on port 80."""
    lines = list(server.all("listen"))
    if not lines:
        return [Listen(socket.AF_INET, "", HTTP)]
    return [found for line in lines for found in _listens(line.arguments)]


def _listens(arguments: Sequence[str]) -> Iterator[Listen]:
    # HTTP/3 has the same port of UDP.
    if not arguments or arguments[0].startswith("unix:") or "quic" in arguments:
        return
    address, *options = arguments
    family, host, port = socket.AF_INET, address, str(HTTP)
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?", address)
    if bracketed:
        family, host, port = socket.AF_INET6, bracketed[1], bracketed[2] or port
    elif address.isdecimal():
        host, port = "", address
    elif ":" in address:
        host, _, port = address.rpartition(":")
    if host in {"*", "0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        host = ""
    if not port.isdecimal() or len(port) > len("65535"):
        return
    default = "default_server" in options or "default" in options
    found = Listen(family, host, int(port), "ssl" in options, default)
    yield found
    if family == socket.AF_INET6 and not host and "ipv6only=off" in options:
        yield replace(found, family=socket.AF_INET)
