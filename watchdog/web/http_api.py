"""The JSON API: the calls of the control socket, by HTTP.

Reading is GET, acting is POST with a token. One set of calls serves terminals and pages, so that
they cannot say different things.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from watchdog.errors import WatchdogError
from watchdog.web.control_socket import Call

VERSION = "v1"
"""Grows when what is there changes its meaning; more may be there at any time."""

LONGEST = 64 * 1024
"""Bytes that the body of a request may have."""

_ACTIONS = ("check", "restart", "pause", "resume", "silence", "unsilence", "ack")
"""Calls about one service, which POST makes."""

_STATUS = {1: 409, 2: 400, 3: 503, 4: 409}
"""Of HTTP, by exit code."""

_NUMBERS = {"days": int, "limit": int, "since": float}


class Api:
    """Answers requests with what *calls* say."""

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Return where what is answered."""
        root = f"/api/{VERSION}"
        return [
            web.get(f"{root}/status", self._status),
            web.get(f"{root}/services/{{name}}", self._status),
            web.get(f"{root}/services/{{name}}/latency", self._latency),
            web.get(f"{root}/services/{{name}}/latency/day", self._trend),
            web.get(f"{root}/services/{{name}}/availability", self._availability),
            web.get(f"{root}/incidents", self._incidents),
            web.get(f"{root}/incidents/{{id}}", self._incidents),
            web.post(f"{root}/services/{{name}}/{{call:{'|'.join(_ACTIONS)}}}", self._act),
            web.post(f"{root}/test-alert", self._test),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "")
        return await self._answer(request, "status", {"name": name})

    async def _latency(self, request: web.Request) -> web.Response:
        return await self._answer(request, "latency", dict(request.match_info))

    async def _trend(self, request: web.Request) -> web.Response:
        return await self._answer(request, "latency-day", dict(request.match_info))

    async def _availability(self, request: web.Request) -> web.Response:
        return await self._answer(request, "availability", _query(request))

    async def _incidents(self, request: web.Request) -> web.Response:
        return await self._answer(request, "incidents", _query(request))

    async def _act(self, request: web.Request) -> web.Response:
        call, name = request.match_info["call"], request.match_info["name"]
        return await self._answer(request, call, {**await _body(request), "name": name})

    async def _test(self, request: web.Request) -> web.Response:
        return await self._answer(request, "test-alert", await _body(request))

    async def _answer(
        self, request: web.Request, call: str, arguments: Mapping[str, Any]
    ) -> web.Response:
        try:
            # What was asked for is done, also if whoever asked does not wait for the answer.
            asked = self._calls[call](arguments, f"web {request.remote or 'socket'}")
            result = await asyncio.shield(asked)
        except WatchdogError as error:
            code = int(getattr(error, "code", 3))
            return refused(_STATUS.get(code, 503), str(error), code)
        except msgspec.ValidationError as error:
            return refused(400, f"cannot {call}: bad arguments: {error}")
        return json_response(result)


def _query(request: web.Request) -> dict[str, Any]:
    """Return the arguments that the address of *request* carries."""
    arguments: dict[str, Any] = dict(request.query)
    for name, kind in _NUMBERS.items():
        try:
            arguments |= {name: kind(arguments[name])} if name in arguments else {}
        except ValueError:
            raise web.HTTPBadRequest(text=f"cannot read the request: {name} is no number") from None
    return arguments | dict(request.match_info)


async def _body(request: web.Request) -> dict[str, Any]:
    """Return the arguments that *request* carries."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="expected Content-Type: application/json")
    try:
        body = msgspec.json.decode(await request.read() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"cannot read the request: {error}") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="cannot read the request: expected an object")
    return body


def json_response(result: Any, status: int = 200) -> web.Response:
    """Return *result* as a response."""
    body = msgspec.json.encode(result, enc_hook=str)
    return web.Response(body=body, status=status, content_type="application/json")


def refused(status: int, error: str, code: int = 2) -> web.Response:
    """Return why there is no result, as the control socket says it."""
    return json_response({"error": error, "code": code}, status)
