"""How a service is reached through nginx: by which site, under which path and name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchdog.nginx import Listen, Location, Site
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


async def way_to(sites: Sequence[Site], host: str, port: int, path: str) -> Way | None:
    """Return how nginx leads to *path* of *host*:*port*: the first way that answers, or any."""
    first: Way | None = None
    for way in _ways(sites, host, port, path):
        headers = {"Host": way.host} if way.host else {}
        fine, _, said = await asked(way.url, headers, verify_tls=not way.tls)
        tried = Way(way.url, way.host, way.tls, way.external, fine, said)
        if fine:
            return tried
        first = first or tried
    return first


def _ways(sites: Sequence[Site], host: str, port: int, path: str) -> Iterator[Way]:
    for site in sites:
        paths = [
            public
            for location in site.locations
            if any(_is_same(each, host, port) for each in location.passes_to)
            if (public := public_path(location, path)) is not None
        ]
        name = next((each for each in site.names if is_name(each)), "")
        external = _external(site, name, paths[0]) if paths and name else ""
        for public in paths[:1]:
            for listen in sorted(site.listens, key=lambda each: each.tls):
                yield Way(_url(listen, public), name, listen.tls, external)


def public_path(location: Location, path: str) -> str | None:
    """Return under which path nginx passes on *path* of the service; None if it does not.

    Regular expressions are not worked out: they are tried with the path as it is.
    """
    match location.modifier:
        case "=":
            return location.pattern if (location.uri or location.pattern) == path else None
        case "~" | "~*":
            flags = re.IGNORECASE if location.modifier == "~*" else 0
            try:
                return path if re.search(location.pattern, path, flags) else None
            except re.error:
                return None
        case _:
            pass
    if not location.uri:
        return path if path.startswith(location.pattern) else None
    if not path.startswith(location.uri):
        return None
    return location.pattern + path[len(location.uri) :]


def is_name(name: str) -> bool:
    """Tell whether *name* of a server_name is one that users may type."""
    return _NAME.fullmatch(name) is not None and not name.endswith((".localdomain", ".invalid"))


def _is_same(address: tuple[str, int], host: str, port: int) -> bool:
    if address[1] != port:
        return False
    return address[0] == host or (address[0] in _LOCAL and host in _LOCAL)


def _url(listen: Listen, path: str) -> str:
    scheme = "https" if listen.tls else "http"
    host = listen.host or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    usual = 443 if listen.tls else 80
    return f"{scheme}://{shown}{'' if listen.port == usual else f':{listen.port}'}{path}"


def _external(site: Site, name: str, path: str) -> str:
    listen = max(site.listens, key=lambda each: each.tls)
    usual = 443 if listen.tls else 80
    port = "" if listen.port == usual else f":{listen.port}"
    return f"{'https' if listen.tls else 'http'}://{name}{port}{path}"
