"""A small web service that behaves as a test says, from one request to the next.

What it finds in its directory decides the next answer; with none of these it is healthy:
    hang     exists: take the request and never answer
    delay    seconds before the answer
    status   the answer's status, 200
    body     the answer's body, a JSON object that says "healthy"

It is an aiohttp service, as most watched ones are; --bare answers alike with nothing but sockets,
and starts ten times as fast.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

from tests.host.peers.record import notify_ready


class Behaviour:
    """What *directory* says to do with the request at hand."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started = time.monotonic()

    @property
    def hang(self) -> bool:
        return (self._directory / "hang").exists()

    @property
    def delay(self) -> float:
        return float(self._said("delay", "0"))

    @property
    def status(self) -> int:
        return int(self._said("status", "200"))

    @property
    def body(self) -> str:
        uptime = round(time.monotonic() - self._started, 3)
        healthy = {"status": "healthy", "message": "fine", "pid": os.getpid(), "uptime": uptime}
        return self._said("body", json.dumps(healthy))

    def _said(self, name: str, default: str) -> str:
        try:
            return (self._directory / name).read_text(encoding="utf-8").strip() or default
        except FileNotFoundError:
            return default


def serve_bare(listening: socket.socket, behaviour: Behaviour) -> None:
    """Answer each connection's one request in a thread of its own."""
    notify_ready()
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_answer, args=(connection, behaviour), daemon=True).start()


def _answer(connection: socket.socket, behaviour: Behaviour) -> None:
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            got = connection.recv(65536)
            if not got:
                return
            request += got
        if behaviour.hang:
            while connection.recv(65536):
                pass
            return
        time.sleep(behaviour.delay)
        status = behaviour.status  # read first: it is written last
        body = behaviour.body.encode()
        head = (
            f"HTTP/1.1 {status} Sample\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode() + body)


def serve_aiohttp(listening: socket.socket, behaviour: Behaviour) -> None:
    # Imported where needed: they take most of a second variant's start.
    import asyncio  # noqa: PLC0415

    from aiohttp import web  # noqa: PLC0415

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        if behaviour.hang:
            await asyncio.Event().wait()
        await asyncio.sleep(behaviour.delay)
        return web.Response(
            status=behaviour.status, text=behaviour.body, content_type="application/json"
        )

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.SockSite(runner, listening).start()
        notify_ready()
        await asyncio.Event().wait()

    asyncio.run(serve())


def main() -> None:
    parser = argparse.ArgumentParser(description="A small web service that behaves as told.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--behaviour", type=Path, default="/run/sample/sample", metavar="DIRECTORY")
    parser.add_argument("--start-delay", type=float, default=0, help="seconds before it listens")
    parser.add_argument("--ignore-term", action="store_true", help="only SIGKILL stops it")
    parser.add_argument("--bare", action="store_true", help="nothing but sockets")
    options = parser.parse_args()
    # Nothing to tidy up: end at once, as if there were no handler.
    signal.signal(signal.SIGTERM, signal.SIG_IGN if options.ignore_term else signal.SIG_DFL)
    time.sleep(options.start_delay)
    listening = socket.create_server((options.host, options.port), backlog=1024)
    serve = serve_bare if options.bare else serve_aiohttp
    serve(listening, Behaviour(options.behaviour))


if __name__ == "__main__":
    main()
