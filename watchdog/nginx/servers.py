"""Which server block and which location answer a request, as nginx decides it.

ngx_http_core_module and nginx.org/en/docs/http/request_processing.html are the sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watchdog.nginx.listening import listens
from watchdog.nginx.syntax import Directive


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of nginx: the address it comes to, its Host and its path."""

    family: int
    address: str
    port: int
    host: str
    path: str


def servers(configuration: Directive) -> list[Directive]:
    """Return the server blocks for HTTP, in order."""
    return [server for http in configuration.all("http") for server in http.all("server")]


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
        kind, pattern = pattern_of(each)
        if kind == "=" and path == pattern:
            return each
        if kind in {"~", "~*"}:
            expressions.append((f"(?i){pattern}" if kind == "~*" else pattern, each))
        elif kind in {"", "^~"} and path.startswith(pattern) and len(pattern) > longest:
            prefix, longest, final = each, len(pattern), kind == "^~"
    inner = _location(prefix, path) if prefix is not None else None
    if inner is not None:
        return inner
    if not final:
        for pattern, each in expressions:
            if _search(pattern, path):
                return _location(each, path) or each
    return prefix


def pattern_of(place: Directive) -> tuple[str, str]:
    """Return modifier and pattern of a location; "@" is asked for by nobody from outside."""
    match place.arguments:
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
