"""The status page: files that are served as they are."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from importlib import resources

from aiohttp import web

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def routes() -> list[web.RouteDef]:
    """Return where the page and its files are."""
    return [web.get("/", _page), web.get("/assets/{name}", _asset)]


async def _page(request: web.Request) -> web.Response:
    return _served(request, "index.html")


async def _asset(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _names():
        raise web.HTTPNotFound(text=f"there is no {name}")
    return _served(request, name)


def _served(request: web.Request, name: str) -> web.Response:
    """Return a file, or that the browser has it already (RFC 9110 section 13.1.2)."""
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    content, tag = _file(name, packed=packed)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    kind = _TYPES.get(name[name.rfind(".") :]) or mimetypes.guess_type(name)[0]
    return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)


@cache
def _names() -> frozenset[str]:
    """Return what may be asked for: no path of anybody's making gets to the disk."""
    return frozenset(each.name for each in _directory().iterdir() if each.is_file())


@cache
def _file(name: str, *, packed: bool) -> tuple[bytes, str]:
    content = (_directory() / name).read_bytes()
    if packed:
        content = gzip.compress(content, mtime=0)
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _directory() -> resources.abc.Traversable:
    return resources.files("watchdog.web") / "assets"
