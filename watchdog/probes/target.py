"""An HTTP check's URL, taken apart once: where to connect, and the bytes to send."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

from watchdog import __version__

_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:@!$&'()*+,;=-._~?"  # what may stand in a path or a query as it is; RFC 3986


@dataclass(frozen=True, slots=True)
class Target:
    """Where a GET goes, and what it is called in reasons: never with user, password or query."""

    tls: bool
    host: str
    port: int
    label: str
    request: bytes


def parse_target(url: str, headers: Sequence[tuple[str, str]] = ()) -> Target:
    """Return the target that *url* names; *headers* replace or add to those sent by default.

    Raises ValueError, with words for a person.
    """
    if not url.isprintable() or " " in url:
        raise ValueError(f"cannot use URL {url!r}: it has blanks or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"cannot use URL {url!r}: {error}") from error
    if parts.scheme not in _PORTS:
        raise ValueError(f"cannot use URL {url!r}: it must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError(f"cannot use URL {url!r}: it names no host")
    if port == 0:
        raise ValueError(f"cannot use URL {url!r}: port 0 cannot be connected to")
    host = _ascii_host(parts.hostname, url)
    path = quote(parts.path or "/", _SAFE)
    query = f"?{quote(parts.query, _SAFE)}" if parts.query else ""
    authority = _authority(host, port if port != _PORTS[parts.scheme] else None)
    sent = {
        "Host": authority,
        "User-Agent": f"service-watchdog/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if parts.username is not None:
        sent["Authorization"] = _basic(parts.username, parts.password or "")
    lines = [f"GET {path}{query} HTTP/1.1", *_merged(sent, headers), "Connection: close", "", ""]
    return Target(
        tls=parts.scheme == "https",
        host=host,
        port=port or _PORTS[parts.scheme],
        label=path if path != "/" else f"{parts.scheme}://{authority}/",
        request="\r\n".join(lines).encode("latin-1"),
    )


def _ascii_host(host: str, url: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"cannot use URL {url!r}: {host!r} is no host name") from error


def _authority(host: str, port: int | None) -> str:
    if ":" in host:
        host = f"[{host.partition('%')[0]}]"  # a zone is nobody's business but ours: RFC 6874
    return host if port is None else f"{host}:{port}"


def _basic(user: str, password: str) -> str:
    """Return the credentials for HTTP basic authentication: RFC 7617."""
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return f"Basic {b64encode(pair).decode('ascii')}"


def _merged(sent: dict[str, str], headers: Sequence[tuple[str, str]]) -> list[str]:
    """Return header lines; a configured header takes the place of ours of the same name.

    Not so ``Connection``: a probe on a connection that is kept alive proves nothing.
    """
    for name, value in headers:
        if not name or not name.isascii() or any(c in name for c in " :\r\n\t"):
            raise ValueError(f"cannot send header {name!r}: that is no header name")
        try:
            value.encode("latin-1")
        except UnicodeError as error:
            raise ValueError(f"cannot send header {name}: its value is not Latin-1") from error
        if any(c in value for c in "\r\n\0"):
            raise ValueError(f"cannot send header {name}: its value has a line break")
    configured = {name.lower() for name, _ in headers}
    ours = [f"{name}: {value}" for name, value in sent.items() if name.lower() not in configured]
    theirs = [f"{name}: {value}" for name, value in headers if name.lower() != "connection"]
    return ours + theirs
