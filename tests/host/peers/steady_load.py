"""A load generator: asks one URL without a pause, from several tasks, and counts the answers.

What it has counted so far is in --record, a JSON object; it is written anew ten times a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.host.peers.record import notify_ready

PATIENCE = 5.0
BETWEEN = 0.02  # seconds between two requests of one task: a constant load, not a contest


async def ask(host: str, port: int, path: str) -> str:
    """Return the status of one GET on a connection of its own, or the name of what went wrong."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                line = await reader.readline()
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        return type(error).__name__
    return line.split()[1].decode() if line.startswith(b"HTTP/") else "cut"


async def load(url: str, tasks: int, record: Path) -> None:
    parts, counts = urlsplit(url), Counter[str]()

    async def ask_on() -> None:
        while True:
            counts[await ask(parts.hostname or "", parts.port or 80, parts.path or "/")] += 1
            await asyncio.sleep(BETWEEN)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(ask_on())
        notify_ready()
        while True:
            new = record.with_suffix(".new")
            new.write_text(json.dumps(counts), encoding="utf-8")
            new.replace(record)
            await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask a URL without a pause.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--record", type=Path, default=Path("/run/load.json"))
    options = parser.parse_args()
    asyncio.run(load(options.url, options.tasks, options.record))


if __name__ == "__main__":
    main()
