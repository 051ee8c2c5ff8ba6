"""How a service is reached through nginx: by which site, under which path and name."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from watchdog.nginx.listening import HTTP, HTTPS, Listen, listens
from watchdog.nginx.passing import Backend, Passage, passages
from watchdog.nginx.servers import names, servers
from watchdog.nginx.syntax import Directive
from watchdog.survey.health import asked

_LOCAL = {"127.0.0.1", "localhost", "::1", "0.0.0.0", "::"}  # noqa: S104 - compared
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Way:
    """One way through nginx."""

    url: str  # on this host
    host: str  # what the Host header has to say; empty: the site is the default one
    tls: bool
    external: str  # the URL for its users; empty: no name is known
    answered: bool = False
    said: str = ""


async def way_to(tree: Directive, host: str, port: int, path: str) -> Way | None:
    """Return how nginx leads to *path* of *host*:*port*: the first way that answers, or any."""
    first: Way | None = None
    for way in ways(tree, host, port, path):
        headers = {"Host": way.host} if way.host else {}
        fine, _, said = await asked(way.url, headers, verify_tls=not way.tls)
        tried = Way(way.url, way.host, way.tls, way.external, fine, said)
        if fine:
            return tried
        first = first or tried
    return first


def ways(tree: Directive, host: str, port: int, path: str) -> Iterator[Way]:
    """Yield each way by which nginx should lead to *path* of *host*:*port*; none is tried."""
    for server in servers(tree):
        paths = [
            public
            for passage in passages(tree, server)
            if any(_is_same(each, host, port) for each in passage.backends)
            if (public := public_path(passage, path)) is not None
        ]
        heard = sorted(listens(server), key=lambda each: each.tls)
        name = next(filter(is_name, names(server)), "")
        best = max(heard, key=lambda each: each.tls, default=None)
        external = _url(best, name, paths[0]) if paths and name and best else ""
        for public in paths[:1]:
            for listen in heard:
                yield Way(_url(listen, _local(listen), public), name, listen.tls, external)


def public_path(passage: Passage, path: str) -> str | None:
    """Return under which path nginx passes on *path* of the service; None if it does not.

    Regular expressions are not worked out: they are tried with the path as it is.
    """
    match passage.modifier:
        case "=":
            return passage.pattern if (passage.uri or passage.pattern) == path else None
        case "~" | "~*":
            flags = re.IGNORECASE if passage.modifier == "~*" else 0
            try:
                return path if re.search(passage.pattern, path, flags) else None
            except re.error:
                return None
        case _:
            pass
    if not passage.uri:
        return path if path.startswith(passage.pattern) else None
    if not path.startswith(passage.uri):
        return None
    return passage.pattern + path[len(passage.uri) :]


def is_name(name: str) -> bool:
    """Tell whether *name* of a server_name is one that users may type."""
    return _NAME.fullmatch(name) is not None and not name.endswith((".localdomain", ".invalid"))


def _is_same(backend: Backend, host: str, port: int) -> bool:
    if backend.port != port:
        return False
    return backend.host == host or (backend.host in _LOCAL and host in _LOCAL)


def _local(listen: Listen) -> str:
    host = listen.host or ("::1" if listen.family == socket.AF_INET6 else "127.0.0.1")
    return f"[{host}]" if ":" in host else host


def _url(listen: Listen, host: str, path: str) -> str:
    port = "" if listen.port == (HTTPS if listen.tls else HTTP) else f":{listen.port}"
    return f"{'https' if listen.tls else 'http'}://{host}{port}{path}"
