"""Many small web services in one process, some of which hang when a test says so.

/run/many/hanging holds how many of them, from the first on, take requests and never answer.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from tests.host.peers.record import notify_ready

HANGING = Path("/run/many/hanging")
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n"
    b'Connection: close\r\n\r\n{"status":"healthy"}'
)


class Service(asyncio.Protocol):
    """Answers the one request of a connection."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        hanging = int(HANGING.read_text(encoding="ascii")) if HANGING.exists() else 0
        if self._transport is not None and self._number >= hanging:
            self._transport.write(ANSWER)
            self._transport.close()


async def serve(first: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    for number in range(count):
        await loop.create_server(
            lambda number=number: Service(number),  # type: ignore[misc]
            "127.0.0.1",
            first + number,
        )
    notify_ready()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Many small web services.")
    parser.add_argument("--first", type=int, default=20000, help="the first port")
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    asyncio.run(serve(options.first, options.count))


if __name__ == "__main__":
    main()
