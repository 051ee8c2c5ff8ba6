"""A load generator: requests at a constant rate, whatever the answers; prints what became of them.

Half of the requests come over a connection of their own, half over kept ones; half are GET, half
POST, each with a body of its own that must come back. It ends at SIGTERM, or after --seconds, when
the last answer is there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

PATIENCE = 30.0
FIRST = 20
"""Requests until it says that it is under way."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    """What was sent, and what came back."""

    host: str
    port: int
    path: str
    name: str
    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    posted: list[str] = field(default_factory=list)  # bodies that were answered
    slowest: float = 0.0
    kept: list[Connection] = field(default_factory=list)

    async def ask(self, number: int) -> None:
        """Send one request and take down how it ended."""
        method, fresh = ("GET", "POST")[number % 2], number % 4 < 2
        self.sent[method] += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await self._exchange(method, f"n{number}", fresh=fresh)
        except (OSError, TimeoutError, EOFError, ValueError, IndexError) as error:
            self.failed[f"{method} {type(error).__name__}"] += 1
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        wanted = f"n{number}" if method == "POST" else "hello"
        if status != 200:
            self.failed[f"{method} {status}"] += 1
        elif body != wanted:
            self.failed[f"{method} wrong body"] += 1
        elif method == "POST":
            self.posted.append(body)

    async def _exchange(self, method: str, text: str, *, fresh: bool) -> tuple[int, str]:
        connection = self.kept.pop() if self.kept and not fresh else None
        reader, writer = connection or await asyncio.open_connection(self.host, self.port)
        try:
            body = text if method == "POST" else ""
            writer.write(
                f"{method} {self.path} HTTP/1.1\r\nHost: {self.name}\r\n"
                f"Content-Length: {len(body)}\r\n"
                f"Connection: {'close' if fresh else 'keep-alive'}\r\n\r\n{body}".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split()[0])
            answer = (await reader.readexactly(length)).decode("latin-1")
        except BaseException:
            writer.close()
            raise
        if fresh or "connection: close" in head:
            writer.close()
        else:
            self.kept.append((reader, writer))
        return int(head.split()[1]), answer


async def run(load: Load, rate: float, seconds: float) -> None:
    """Send until the time is over or somebody ends it, then wait for the answers."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    began, number = time.monotonic(), 0
    async with asyncio.TaskGroup() as tasks:
        while not over.is_set() and time.monotonic() - began < seconds:
            tasks.create_task(load.ask(number))
            number += 1
            if number == FIRST:
                print("under way", flush=True)
            pause = began + number / rate - time.monotonic()
            if pause > 0:
                try:
                    async with asyncio.timeout(pause):
                        await over.wait()
                except TimeoutError:
                    continue
            else:
                await asyncio.sleep(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--path", default="/")
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--name", default="localhost")
    options = parser.parse_args()
    load = Load(options.host, options.port, options.path, options.name)
    asyncio.run(run(load, options.rate, options.seconds))
    told = {
        "sent": load.sent,
        "failed": load.failed,
        "posted": load.posted,
        "slowest": round(load.slowest, 3),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
