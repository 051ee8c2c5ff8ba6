"""An ASGI application such as the templates are for; ``uvicorn tests.host.peers.asgi:app``.

A POST writes its body as a line of $STATE_DIRECTORY/posted, so that one which was done twice can be
counted. ``?delay=0.5`` takes that long; /ws answers what it is told; /big sends a megabyte.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

POSTED = Path(os.environ.get("STATE_DIRECTORY", "/tmp")) / "posted"
START = float(os.environ.get("START_DELAY", "0"))


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request, or one WebSocket."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await _echo(receive, send)
    else:
        await _answer(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.sleep(START)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    delay = parse_qs(scope["query_string"].decode()).get("delay", ["0"])[0]
    if float(delay):
        await asyncio.sleep(float(delay))
    if scope["method"] == "POST":
        with POSTED.open("ab") as file:
            file.write(body + b"\n")
    answer = {"/health": b"healthy", "/big": bytes(1 << 20)}.get(scope["path"], body or b"hello")
    headers = [
        (b"content-length", b"%d" % len(answer)),
        (b"x-asked", f"{scope['method']} {scope['path']}".encode()),
        *((b"x-saw-" + name, value) for name, value in scope["headers"] if b"forwarded" in name),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _echo(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or ""})
