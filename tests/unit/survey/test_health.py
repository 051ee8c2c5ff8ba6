from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from watchdog.survey import health

pytestmark = pytest.mark.adapter


@asynccontextmanager
async def server(answers: dict[str, int], otherwise: int = 404) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = answers.get(request.split()[1].decode(), otherwise)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def test_the_first_path_that_answers_is_the_one() -> None:
    async with server({"/healthz": 200, "/ping": 204, "/status": 302}) as port:
        found = await health.ask("127.0.0.1", port)
    assert (found.path, found.others, found.answers_all) == ("/healthz", ("/ping",), False)


async def test_an_answer_to_everything_is_noticed() -> None:
    async with server({}, otherwise=200) as port:
        found = await health.ask("127.0.0.1", port)
    assert (found.path, found.answers_all) == ("/health", True)


async def test_http_without_a_path_is_told_from_what_is_no_http() -> None:
    async with server({}) as port:
        found = await health.ask("127.0.0.1", port)
    assert (found.path, found.speaks_http) == ("", True)
    assert "404" in found.said

    async def database(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"E\0\0\0\x8fSFATAL\0C08P01\0Minvalid length of startup packet\0\0")
        writer.close()

    async with await asyncio.start_server(database, "127.0.0.1", 0) as listening:
        found = await health.ask("127.0.0.1", listening.sockets[0].getsockname()[1])
    assert (found.path, found.speaks_http) == ("", False)


async def test_what_never_answers_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_WITHIN", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = await health.ask("127.0.0.1", silent.getsockname()[1])
    assert (found.speaks_http, found.said) == (False, "no answer within 0.05 s")


@pytest.mark.parametrize(
    ("unit", "port", "asks"),
    [
        ("api.service", 8000, True),
        ("api.service", 5432, False),
        ("redis-cache.service", 7000, False),
    ],
)
def test_a_database_is_not_asked_for_a_path(unit: str, port: int, asks: bool) -> None:
    assert (not health.not_asked(unit, port)) is asks
