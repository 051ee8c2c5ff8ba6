"""A receiver of webhooks, as strict as one that guards a pager: form, signature and age.

What it thinks of a signature is not ours: it runs the lines that the documentation gives to those
who write one.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from aiohttp import web

from tests.markdown import ROOT, blocks

PAGE = ROOT / "docs/reference/webhook.md"
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # the one of Standard Webhooks' own examples
PATH = "/alerts/canary-4711"
BEARER = "Bearer canary-4711"

Verify = Callable[[Mapping[str, str], bytes, str], bool]


def documented_schema() -> Any:
    """Return the JSON Schema that the documentation shows."""
    return json.loads(blocks(PAGE, "json")[-1].text)


def documented_verification() -> Verify:
    """Return the function that the documentation shows."""
    [block] = blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(compile(block.text, PAGE, "exec"), names)  # noqa: S102 - what a reader would copy
    verify: Verify = names["verify"]
    return verify


@dataclass
class Receiver:
    """Answers ``answers`` in turn, then what the request deserves; keeps what it took."""

    answers: deque[web.Response] = field(default_factory=deque)
    signed: bool = True
    port: int = 0
    taken: list[tuple[Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    seen: list[Mapping[str, str]] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.taken]

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return what was taken as soon as there is so much; TimeoutError if that takes long."""
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.taken) >= count)
        return self.bodies

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        content = await request.read()
        self.seen.append(request.headers)
        if self.answers:
            return self.answers.popleft()
        status = self.judge(request, content)
        if status == 204:
            self.taken.append((request.headers, json.loads(content)))
            async with self.arrived:
                self.arrived.notify_all()
        return web.Response(status=status, text=None if status == 204 else f"no: {request.path}")

    def judge(self, request: web.BaseRequest, content: bytes) -> int:
        """Return the status that the request deserves."""
        if request.path != PATH:
            return 404
        if request.method != "POST":
            return 405
        if request.content_type != "application/json":
            return 415
        if self.signed and not documented_verification()(request.headers, content, SECRET):
            return 401
        validator = jsonschema.Draft202012Validator(documented_schema())
        return 204 if validator.is_valid(json.loads(content)) else 422


@asynccontextmanager
async def receiving(
    *answers: web.Response, signed: bool = True, sock: socket.socket | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver, on the listening socket *sock* if there is one; *answers* come first."""
    receiver = Receiver(deque(answers), signed=signed)
    runner = web.ServerRunner(web.Server(receiver.handle), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, sock or socket.create_server(("127.0.0.1", 0))).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
