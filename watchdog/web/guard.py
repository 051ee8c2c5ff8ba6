"""Who may ask over HTTP, and what a browser may do with the answer."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from watchdog.config import Secret, WebSettings
from watchdog.web.http_api import refused

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

OPEN = frozenset({"/", "/assets/{name}"})
"""Routes that tell nothing of this host: the page before it has asked for anything."""

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

    A token in a header is no cookie: no other page can have the browser send it along (CSRF).
    Without a token a name that is not ours is refused, or any page could be read from under a
    name of its own that it lets point here (DNS rebinding).
    """
    token, read_token = _bytes(settings.token), _bytes(settings.read_token)
    names = OWN_NAMES.union(settings.names)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = _refusal(request) or await _handled(request, handler)
        if not response.prepared:
            response.headers.update(HEADERS)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _refusal(request: web.Request) -> web.Response | None:
        reads = request.method in {"GET", "HEAD"}
        may_read = is_authorized(request, read_token)
        if is_authorized(request, token) or (reads and may_read):
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


def _host(request: web.Request) -> str:
    """Return the name by which the browser came here, without the port."""
    host = request.headers.get("Host", "")
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).strip("[]").lower()


def _is_open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in OPEN
