"""Targets that are spoken to over a real socket; each server lives as long as the process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tempfile
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from watchdog.config import Secret, WebSettings
from watchdog.core.model import Observation
from watchdog.core.service import Comparison, Condition, HttpCheck
from watchdog.probes.http import make_http_probe
from watchdog.web import http_server
from watchdog.web.control_socket import Call, ControlSocket, Line
from watchdog.web.http_api import Api
from watchdog.web.http_server import HttpServer

PATIENCE = 5.0
"""Seconds in which everything must be over."""

PIECES = 1024
"""An answer comes in so many, at most."""

HASTE = 0.5
"""Seconds to send it all in: who reads no answers is not read from any more, and goes."""

PIECE = 16 * 1024
"""Bytes that are sent at once, at most: what waits here must not look like memory of theirs."""

TOKEN = "0123456789abcdef"
CALLS = (
    *("ack", "availability", "check", "echo", "incidents", "latency", "pause", "restart", "resume"),
    *("silence", "status", "test-alert", "unsilence"),
)
GOOD = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Stage:
    """An event loop with what is spoken to; what goes wrong in a task of its own is kept."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    troubles: list[str] = field(default_factory=list)
    octets: bytes = b""

    def __post_init__(self) -> None:
        self.loop.set_exception_handler(lambda _, said: self.troubles.append(repr(said)))
        directory = Path(tempfile.mkdtemp(prefix="service-watchdog-fuzz-"))
        self.control = directory / "control.sock"
        self.web = directory / "web.sock"
        self.port = self.run(self._open())

    def run(self, work: Awaitable[Any]) -> Any:
        """Return what *work* returns; nothing else may have gone wrong."""
        done = self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))
        assert not self.troubles, self.troubles
        return done

    async def _open(self) -> int:
        async def echo(arguments: Mapping[str, Any], caller: str) -> Any:
            return {"caller": caller, **arguments}

        async def hold(_: Mapping[str, Any], __: str, line: Line) -> Any:
            await line.say("held")
            return await line.hear()

        calls: dict[str, Call] = dict.fromkeys(CALLS, echo)
        await ControlSocket(self.control, calls, {"lease": hold}).__aenter__()
        settings = WebSettings(path=str(self.web), token=Secret(TOKEN, None))
        self._web_server = HttpServer(settings, Api(calls).routes())  # it lives as long as we do
        await self._web_server.__aenter__()
        http_server.log.addHandler(_Troubles(self.troubles))
        http_server.log.propagate = False
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer in pieces whose length the first byte says; it is not we who are to take long."""
        pieces = self.octets[:1] or b"\0"
        length = max(pieces[0] * 64 + 1, len(self.octets) // PIECES)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for start in range(1, len(self.octets), length):
                writer.write(self.octets[start : start + length])
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()


class _Troubles(logging.Handler):
    """Keeps what aiohttp logs as an error of ours."""

    def __init__(self, troubles: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._troubles = troubles

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None:
            self._troubles.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


def http_probe(octets: bytes) -> None:
    """Be the server that a health check asks."""
    stage = _stage()
    stage.octets = octets
    check = HttpCheck(
        f"http://127.0.0.1:{stage.port}/health",
        timeout=2.0,
        expect=(Condition(("status",), Comparison.EQ, "healthy"),),
    )
    seen = stage.run(make_http_probe(check)())
    assert isinstance(seen, Observation)
    assert len(seen.reason) < 2000


def control_socket(octets: bytes) -> None:
    """Say something to the control socket, and ask something that makes sense after it."""
    stage = _stage()
    replies = stage.run(_exchange(stage.control, octets))
    for reply in replies.splitlines():
        assert isinstance(json.loads(reply), dict)
    good = json.loads(stage.run(_exchange(stage.control, b'{"call": "echo"}\n')))
    assert "caller" in good["result"]


def web_server(octets: bytes) -> None:
    """Say something to the web server, and ask something that makes sense after it."""
    stage = _stage()
    stage.run(_exchange(stage.web, octets))
    assert stage.run(_exchange(stage.web, GOOD, ends=False)).startswith(b"HTTP/1.1 200 ")


async def _exchange(path: Path, octets: bytes, *, ends: bool = True) -> bytes:
    """Return what is answered to *octets*, which come in pieces, and then nothing more."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            async with asyncio.timeout(HASTE):
                await _send(writer, octets)
            if ends:
                writer.write_eof()
        return await reader.read()
    except OSError:  # of a timeout, too
        return b""
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, octets: bytes) -> None:
    length = min(len(octets) // 2 + 1, PIECE)
    for start in range(0, len(octets), length):
        writer.write(octets[start : start + length])
        await writer.drain()
        await asyncio.sleep(0)


@cache
def _stage() -> Stage:
    return Stage()
