"""A server that answers every request with the bytes that a test chose, and keeps what it got."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.notify.serving import serving

Answer = tuple[int, Mapping[str, str], bytes]


def as_json(body: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/json", **named}, json.dumps(body).encode()


def as_text(body: str | bytes, status: int = 200, kind: str = "text/html") -> Answer:
    return status, {"Content-Type": kind}, body.encode() if isinstance(body, str) else body


@dataclass
class CannedServer:
    """``answers`` in turn, the last one for ever."""

    answers: list[Answer]
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length:")[2].split("\r\n")[0]
            self.bodies.append(await reader.readexactly(int(length or 0)))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            status, headers, body = answer
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()


@asynccontextmanager
async def canned(*answers: Answer) -> AsyncIterator[CannedServer]:
    canned_server = CannedServer(list(answers))
    async with serving(canned_server.serve) as canned_server.port:
        yield canned_server
