"""Where requests go from nginx: ``proxy_pass``, and the upstreams that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchdog.nginx.listening import HTTP, HTTPS
from watchdog.nginx.servers import pattern_of
from watchdog.nginx.syntax import Directive


@dataclass(frozen=True, slots=True)
class Backend:
    """Where requests are passed on to."""

    host: str  # empty: a socket of the file system
    port: int
    directive: Directive  # that says so
    path: str = ""  # of the socket


@dataclass(frozen=True, slots=True)
class Passage:
    """A location of which all is passed on."""

    modifier: str  # "", "=", "^~", "~", "~*"
    pattern: str
    backends: tuple[Backend, ...]  # none: known only when asked
    uri: str = ""  # what replaces the pattern; empty: the path stays as it is


def backends(configuration: Directive, place: Directive) -> list[Backend]:
    """Return where *place* (a location, or a server with all of its own) passes requests on to."""
    upstreams = _upstreams(configuration)
    passing = [each for each in place.within("proxy_pass") if each.arguments]
    return [found for each in passing for found in _backends(each, upstreams)]


def passages(configuration: Directive, server: Directive) -> list[Passage]:
    """Return the locations of *server* that pass on what they take, in order."""
    upstreams = _upstreams(configuration)
    found = []
    for place in server.within("location"):
        kind, pattern = pattern_of(place)
        passing = place.first("proxy_pass")
        if passing is not None and passing.arguments and kind != "@":
            found.append(
                Passage(kind, pattern, tuple(_backends(passing, upstreams)), _uri(passing))
            )
    return found


def _upstreams(configuration: Directive) -> Mapping[str, Directive]:
    return {
        each.arguments[0]: each
        for http in configuration.all("http")
        for each in http.all("upstream")
        if each.arguments
    }


def _uri(passing: Directive) -> str:
    url = passing.arguments[0]
    if "$" in url:
        return ""
    rest = url.partition("://")[2]
    if rest.startswith("unix:"):
        return rest[len("unix:") :].partition(":")[2]
    _, slash, path = rest.partition("/")
    return slash + path


def _backends(passing: Directive, upstreams: Mapping[str, Directive]) -> Iterator[Backend]:
    url = passing.arguments[0]
    if "$" in url:
        return  # known only when asked
    scheme, _, rest = url.partition("://")
    if rest.startswith("unix:"):
        yield Backend("", 0, passing, rest[5:].partition(":")[0])
        return
    authority = rest.partition("/")[0]
    upstream = upstreams.get(authority)
    if upstream is None:
        found = _backend(authority, passing, HTTPS if scheme == "https" else HTTP)
        if found:
            yield found
        return
    for server in upstream.all("server"):
        if server.arguments and "down" not in server.arguments:
            found = _backend(server.arguments[0], server, HTTP)
            if found:
                yield found


def _backend(authority: str, directive: Directive, port: int) -> Backend | None:
    if authority.startswith("unix:"):
        return Backend("", 0, directive, authority[5:])
    try:
        parts = urlsplit(f"//{authority}")
        return Backend(parts.hostname or "", parts.port or port, directive)
    except ValueError:
        return None
