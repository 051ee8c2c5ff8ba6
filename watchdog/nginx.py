"""nginx's configuration as ``nginx -T`` prints it: its logs, its sites and where they lead.

Read as far as it can be understood; what cannot is left out. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from posixpath import dirname, isabs, join

_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<mark>[;{}])"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|(?P<word>(?:\\.|\$\{[^}\s]*\}|[^\s;{}\\])+)|.",
    re.DOTALL,
)
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive, and the block that it has."""

    name: str
    arguments: tuple[str, ...] = ()
    block: tuple[Directive, ...] = ()


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a site is reached."""

    host: str  # empty: everywhere
    port: int
    tls: bool = False
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """A part of a site that is passed on."""

    modifier: str  # "", "=", "^~", "~", "~*"
    pattern: str
    passes_to: tuple[tuple[str, int], ...]  # host and port of each server behind it
    uri: str = ""  # what replaces the pattern; empty: the path stays as it is


@dataclass(frozen=True, slots=True)
class Site:
    """A server block."""

    names: tuple[str, ...]
    listens: tuple[Listen, ...]
    locations: tuple[Location, ...]


def parse(text: str) -> Sequence[Directive]:
    """Return the directives of what ``nginx -T`` prints, its includes filled in."""
    pieces = _FILE.split(text)
    names, texts = pieces[1::2], pieces[2::2]
    if not names:
        return tuple(_block(_tokens(text), 0))
    files = {name: tuple(_block(_tokens(body), 0)) for name, body in zip(names, texts, strict=True)}
    return _filled(files[names[0]], files, dirname(names[0]), 0)


def logs(directives: Sequence[Directive]) -> Mapping[str, str]:
    """Return the path of each log, and its kind: "access" or "error"."""
    found: dict[str, str] = {}
    for each in _all(directives):
        kind, _, is_log = each.name.partition("_log")
        if kind not in {"access", "error"} or is_log or not each.arguments:
            continue
        path = each.arguments[0]
        if isabs(path) and "$" not in path and path != "/dev/null":
            found.setdefault(path, kind)
    return found


def sites(directives: Sequence[Directive]) -> Sequence[Site]:
    """Return the sites that speak HTTP."""
    found = []
    for http in directives:
        if http.name != "http":
            continue
        upstreams = {
            each.arguments[0]: tuple(
                address
                for server in each.block
                if server.name == "server" and server.arguments
                if (address := _address(server.arguments[0], 80)) is not None
            )
            for each in http.block
            if each.name == "upstream" and each.arguments
        }
        found += [_site(each, upstreams) for each in http.block if each.name == "server"]
    return found


def _site(server: Directive, upstreams: Mapping[str, tuple[tuple[str, int], ...]]) -> Site:
    names = [name for each in server.block if each.name == "server_name" for name in each.arguments]
    listens = [
        listen
        for each in server.block
        if each.name == "listen" and (listen := _listen(each.arguments)) is not None
    ]
    return Site(
        tuple(names),
        tuple(listens) or (Listen("", 80),),
        tuple(_locations(server.block, upstreams)),
    )


def _locations(
    block: Sequence[Directive], upstreams: Mapping[str, tuple[tuple[str, int], ...]]
) -> Iterator[Location]:
    for each in block:
        if each.name != "location" or not each.arguments:
            continue
        *modifier, pattern = each.arguments[-2:]
        for inner in each.block:
            if inner.name == "proxy_pass" and inner.arguments:
                target, uri = _target(inner.arguments[0], upstreams)
                yield Location(modifier[0] if modifier else "", pattern, target, uri)
        yield from _locations(each.block, upstreams)


def _target(
    passed: str, upstreams: Mapping[str, tuple[tuple[str, int], ...]]
) -> tuple[tuple[tuple[str, int], ...], str]:
    scheme, separator, rest = passed.partition("://")
    if not separator or "$" in passed or rest.startswith("unix:"):
        return (), ""
    host, slash, path = rest.partition("/")
    if host in upstreams:
        return upstreams[host], slash + path
    address = _address(host, 443 if scheme == "https" else 80)
    return ((address,) if address is not None else ()), slash + path


def _address(text: str, port: int) -> tuple[str, int] | None:
    """Return host and port of ``127.0.0.1:8000``, ``[::1]:8000``, ``backend``."""
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?", text)
    if match is None or text.startswith("unix:"):
        return None
    return match[1].strip("[]"), int(match[2] or port)


def _listen(arguments: Sequence[str]) -> Listen | None:
    if not arguments:
        return None
    where = arguments[0]
    if where.isdecimal() and len(where) < 6:  # noqa: PLR2004 - digits of a port
        host, port = "", int(where)
    elif (address := _address(where, 80)) is not None:
        host, port = address
    else:
        return None
    host = "" if host in {"*", "0.0.0.0", "::"} else host  # noqa: S104 - compared
    options = arguments[1:]
    return Listen(host, port, bool({"ssl", "quic"} & {*options}), "default_server" in options)


def _all(directives: Sequence[Directive]) -> Iterator[Directive]:
    for each in directives:
        yield each
        yield from _all(each.block)


def _filled(
    directives: Sequence[Directive],
    files: Mapping[str, tuple[Directive, ...]],
    base: str,
    depth: int,
) -> tuple[Directive, ...]:
    found: list[Directive] = []
    for each in directives:
        if each.name == "include" and each.arguments and depth < _DEEPEST:
            pattern = join(base, each.arguments[0])
            for name in sorted(files):
                if fnmatch(name, pattern) and name.count("/") == pattern.count("/"):
                    found += _filled(files[name], files, base, depth + 1)
        elif each.block:
            block = _filled(each.block, files, base, depth)
            found.append(Directive(each.name, each.arguments, block))
        else:
            found.append(each)
    return tuple(found)


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each word or mark, and whether it is a mark."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is not None:
            yield match[kind], kind == "mark"


def _block(tokens: Iterator[tuple[str, bool]], depth: int) -> Iterator[Directive]:
    words: list[str] = []
    for token, is_mark in tokens:
        if not is_mark:
            words.append(token)
        elif token == "}":  # noqa: S105 - a brace
            return
        else:
            inner: tuple[Directive, ...] = ()
            if token == "{":  # noqa: S105
                if depth > _DEEPEST:
                    return
                inner = tuple(_block(tokens, depth + 1))
            if words:
                yield Directive(words[0], tuple(words[1:]), inner)
            words = []
