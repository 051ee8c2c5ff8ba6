"""Which server block answers a request, and where it goes from there; as nginx decides it.

ngx_http_core_module and nginx.org/en/docs/http/request_processing.html are the sources.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchdog.doctor.nginx.syntax import Directive

HTTP = 80


@dataclass(frozen=True, slots=True)
class Listen:
    """A ``listen``: address (empty: all of the family) and port."""

    family: int
    host: str
    port: int
    tls: bool
    default: bool


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of nginx: the address it comes to, its Host and its path."""

    family: int
    address: str
    port: int
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Backend:
    """Where requests are passed on to."""

    host: str  # empty: a socket of the file system
    port: int
    directive: Directive  # that says so
    path: str = ""  # of the socket


def servers(configuration: Directive) -> list[Directive]:
    """Return the server blocks for HTTP, in order."""
    return [server for http in configuration.all("http") for server in http.all("server")]


def listens(server: Directive) -> list[Listen]:
    """Return where *server* listens; without a word of its own, on port 80."""
    found = [each for line in server.all("listen") if (each := _listen(line.arguments))]
    if not found and server.first("listen") is None:
        found = [Listen(socket.AF_INET, "", HTTP, tls=False, default=False)]
    return found


def names(server: Directive) -> list[str]:
    """Return the names that *server* answers to; without one, the empty name."""
    return [name for line in server.all("server_name") for name in line.arguments] or [""]


def answering(configuration: Directive, request: Request) -> Directive | None:
    """Return the server block that answers *request*; None if none listens there."""
    heard = [
        (server, listen)
        for server in servers(configuration)
        for listen in listens(server)
        if listen.port == request.port and listen.family == request.family
    ]
    # Who listens on that very address takes all that comes to it.
    exact = [pair for pair in heard if pair[1].host == request.address]
    candidates = exact or [pair for pair in heard if not pair[1].host]
    if not candidates:
        return None
    named = _by_name([server for server, _ in candidates], request.host.lower())
    default = next((server for server, listen in candidates if listen.default), None)
    return named or default or candidates[0][0]


def location(server: Directive, path: str) -> Directive:
    """Return the location of *server* that takes *path*; the server itself if none does."""
    return _location(server, path) or server


def backends(configuration: Directive, place: Directive) -> list[Backend]:
    """Return where *place* (a location, or a server with all of its own) passes requests on to."""
    upstreams = {
        each.arguments[0]: each
        for http in configuration.all("http")
        for each in http.all("upstream")
        if each.arguments
    }
    found: list[Backend] = []
    for passing in place.within("proxy_pass"):
        if passing.arguments:
            found += _backends(passing, upstreams)
    return found


def passing_to(configuration: Directive, port: int) -> list[Directive]:
    """Return the servers that pass anything on to *port* of this host."""
    return [
        server
        for server in servers(configuration)
        if any(each.port == port and is_here(each.host) for each in backends(configuration, server))
    ]


def is_here(host: str) -> bool:
    """Tell whether *host*, as a configuration spells it, is this one by its looks."""
    return host in {"localhost", "::1"} or host.startswith("127.") or host == socket.gethostname()


# --- listen --------------------------------------------------------------------------------------


def _listen(arguments: Sequence[str]) -> Listen | None:
    if not arguments or arguments[0].startswith("unix:"):
        return None
    address, *options = arguments
    family, host, port = socket.AF_INET, address, str(HTTP)
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?", address)
    if bracketed:
        family, host, port = socket.AF_INET6, bracketed[1], bracketed[2] or port
    elif address.isdigit():
        host, port = "", address
    elif ":" in address:
        host, _, port = address.rpartition(":")
    if host in {"*", "0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        host = ""
    if not port.isdigit():
        return None
    default = "default_server" in options or "default" in options
    return Listen(family, host, int(port), "ssl" in options, default)


# --- server_name ---------------------------------------------------------------------------------


def _by_name(candidates: Sequence[Directive], host: str) -> Directive | None:
    """Return the one whose name matches best: exact, *.long, long.*, first regular expression."""
    best: tuple[int, int] | None = None
    chosen = None
    for order, server in enumerate(candidates):
        for name in names(server):
            rank = _rank(name.lower() if not name.startswith("~") else name, host)
            if rank is None:
                continue
            if rank[0] == _REGEX:
                rank = (_REGEX, -order)
            if best is None or rank > best:
                best, chosen = rank, server
    return chosen


_REGEX, _SUFFIXED, _PREFIXED, _EXACT = range(4)


def _rank(name: str, host: str) -> tuple[int, int] | None:
    if name == host:
        return _EXACT, 0
    if name.startswith("~"):
        return (_REGEX, 0) if _search(name[1:], host) else None
    if name.startswith(("*.", ".")):
        tail = name.lstrip("*")
        if host.endswith(tail) or (name.startswith(".") and host == tail[1:]):
            return _PREFIXED, len(tail)
    elif name.endswith(".*") and host.startswith(name[:-1]):
        return _SUFFIXED, len(name)
    return None


# --- location ------------------------------------------------------------------------------------


def _location(block: Directive, path: str) -> Directive | None:
    prefix: Directive | None = None
    longest, final = -1, False
    expressions: list[tuple[str, Directive]] = []
    for each in block.all("location"):
        modifier, pattern = _modifier(each.arguments)
        if modifier == "=" and path == pattern:
            return each
        if modifier in {"~", "~*"}:
            expressions.append((f"(?i){pattern}" if modifier == "~*" else pattern, each))
        elif modifier in {"", "^~"} and path.startswith(pattern) and len(pattern) > longest:
            prefix, longest, final = each, len(pattern), modifier == "^~"
    inner = _location(prefix, path) if prefix is not None else None
    if inner is not None:
        return inner
    if not final:
        for pattern, each in expressions:
            if _search(pattern, path):
                return _location(each, path) or each
    return prefix


def _modifier(arguments: Sequence[str]) -> tuple[str, str]:
    match arguments:
        case [("=" | "~" | "~*" | "^~") as modifier, pattern]:
            return modifier, pattern
        case [joined] if glued := re.match(r"(=|~\*|\^~|~)(.+)", joined, re.DOTALL):
            return glued[1], glued[2]
        case [pattern]:
            return ("@", pattern) if pattern.startswith("@") else ("", pattern)
        case _:
            return "@", ""


def _search(pattern: str, text: str) -> bool:
    try:
        return re.search(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern), text) is not None
    except re.error:
        return False  # PCRE knows more than we do


# --- proxy_pass ----------------------------------------------------------------------------------


def _backends(passing: Directive, upstreams: dict[str, Directive]) -> Iterator[Backend]:
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
        found = _backend(authority, passing, 443 if scheme == "https" else HTTP)
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
