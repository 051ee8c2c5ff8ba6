"""Who may ask over HTTP, and what a browser may do with the answer."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from watchdog.config import Secret, WebSettings
from watchdog.web.http_api import refused

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

READING = frozenset({"GET", "HEAD"})

OPEN = frozenset({"/", "/assets/{name}"})
"""Routes that tell nothing of this host: the page before it has asked for anything."""

MAY_ACT = web.RequestKey("may_act", bool)
"""Under this a request knows whether who sent it may act, and is to be offered that."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer (https://owasp.org/www-project-secure-headers/)."""


def make_guard(settings: WebSettings, *, is_own: bool) -> Middleware:
    """Return what stands before every request; *is_own*: only this host can connect.

    A scraper gets a token that only reads, for what it can do, whoever steals it there can do.

    A token in a header is no cookie: no other page can have the browser send it along (CSRF). What
    a browser says to come from another page acts on nothing all the same, token or not.
    Without a token a name that is not ours is refused, or any page could be read from under a
    name of its own that it lets point here (DNS rebinding).
    """
    token, read_token = _bytes(settings.token), _bytes(settings.read_token)
    names = OWN_NAMES.union(settings.names)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[MAY_ACT] = is_authorized(request, token)
        no = _misled(request, settings.names) or _refusal(request)
        return no or await _handled(request, handler)

    def _refusal(request: web.Request) -> web.Response | None:
        reads = request.method in READING
        may_read = is_authorized(request, read_token)
        if request[MAY_ACT] or (reads and may_read):
            return None
        if is_own and not settings.path and _host(request) not in names:
            return refused(421, f"no page of that name here; [web] names = {sorted(names)}")
        if reads and (is_own or _is_open(request)):
            return None
        if not reads and not token:
            return refused(403, "cannot act over HTTP: [web] has no token; use the command line")
        if not reads and may_read:
            return refused(403, "cannot act over HTTP: this token only reads")
        response = refused(401, "a token is needed: Authorization: Bearer TOKEN")
        response.headers["WWW-Authenticate"] = 'Bearer realm="service-watchdog"'
        return response

    return guard


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Tell browsers what an answer may do, and that it is not for keeping."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def is_authorized(request: web.Request, token: bytes) -> bool:
    """Tell whether *request* carries the token (RFC 6750 section 2.1)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token)


def _bytes(token: Secret | None) -> bytes:
    return token.reveal().encode() if token is not None else b""


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return refused(error.status, error.text or error.reason)


def _misled(request: web.Request, names: Sequence[str]) -> web.Response | None:
    """Return why what a browser sends for another page is not done."""
    if request.method in READING or not _is_foreign(request, names):
        return None
    return refused(403, "cannot act for another page; open this one itself")


def _is_foreign(request: web.Request, names: Sequence[str]) -> bool:
    """Tell whether the browser says that a page of another origin asks; no browser says nothing.

    Behind a proxy our own name is not known, but then there is TLS, and with it the first of the
    two headers (https://www.w3.org/TR/fetch-metadata/, RFC 6454 section 7).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    given = origin.partition("://")[2].lower()  # "null" is nobody's
    own = request.headers.get("Host", "").lower()
    return not given or (given != own and _without_port(given) not in names)


def _host(request: web.Request) -> str:
    """Return the name by which the browser came here, without the port."""
    return _without_port(request.headers.get("Host", ""))


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).strip("[]").lower()


def _is_open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in OPEN
