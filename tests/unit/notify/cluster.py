"""Alertmanagers that take and refuse what real ones do, as far as their API says (0.25).

Rules: api/v2/openapi.yaml and types.Alert.Validate of github.com/prometheus/alertmanager.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
KNOWN = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}

Posted = dict[str, Any]


def moment(text: str) -> float:
    """Return the UNIX seconds of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


@dataclass
class Member:
    """Answers ``answers`` in turn, then what the request deserves; keeps what it took."""

    answers: deque[web.Response] = field(default_factory=deque)
    authorization: str = ""
    port: int = 0
    posts: list[list[Posted]] = field(default_factory=list)
    seen: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Posted:
        [alert] = self.posts[-1]
        return alert

    @property
    def known(self) -> Mapping[str, Posted]:
        """Return the latest word about each alert, by check and service or name."""
        return {
            json.dumps(alert["labels"], sort_keys=True): alert
            for post in self.posts
            for alert in post
        }

    def active(self, wall: float) -> list[Posted]:
        """Return the alerts that hold at *wall*."""
        return [alert for alert in self.known.values() if moment(alert["endsAt"]) > wall]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        content = await request.read()
        answer = self.answers.popleft() if self.answers else self.judge(request, content)
        async with self.arrived:
            self.seen += 1
            self.arrived.notify_all()
        return answer

    async def wait_for(self, count: int) -> None:
        """Return when so many requests have come."""
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(lambda: self.seen >= count)

    def judge(self, request: web.BaseRequest, content: bytes) -> web.Response:
        if self.authorization and request.headers.get("Authorization") != self.authorization:
            return web.Response(status=401, text="Unauthorized")
        if request.path != "/api/v2/alerts":
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405)
        if request.content_type != "application/json":
            return web.json_response({"code": 415}, status=415)
        alerts = json.loads(content)
        wrong = [words for alert in alerts if (words := problem(alert))]
        if wrong:
            return web.json_response("; ".join(wrong), status=400)
        self.posts.append(alerts)
        return web.Response()


def problem(alert: Posted) -> str:
    """Return what an Alertmanager says against *alert*; empty if nothing."""
    starts, ends = moment(alert["startsAt"]), moment(alert["endsAt"])
    if ends < starts:
        return "start time must be before end time"
    if not alert["labels"]:
        return "at least one label pair required"
    for kind in ("labels", "annotations"):
        for name, value in alert[kind].items():
            if not LABEL.fullmatch(name) or not isinstance(value, str):
                return f"invalid {kind} set: invalid name {name}"
    unknown = alert.keys() - KNOWN
    return f"unknown {unknown}" if unknown else ""


@asynccontextmanager
async def members(count: int = 1, authorization: str = "") -> AsyncIterator[list[Member]]:
    """Run so many members; a stopped one may be brought back with `serving_at`."""
    async with AsyncExitStack() as stack:
        found = [Member(authorization=authorization) for _ in range(count)]
        for member in found:
            await stack.enter_async_context(serving_at(member))
        yield found


@asynccontextmanager
async def serving_at(member: Member) -> AsyncIterator[Member]:
    """Run *member*, at the port where it was if it ran before."""
    runner = web.ServerRunner(web.Server(member.handle), shutdown_timeout=1)
    await runner.setup()
    try:
        sock = socket.create_server(("127.0.0.1", member.port))
        await web.SockSite(runner, sock).start()
        member.port = sock.getsockname()[1]
        yield member
    finally:
        await runner.cleanup()
