"""What a server may answer without harm: too much, packed, and without end."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from tests.unit.probes.servers import answer, answering, serving
from watchdog.notify.http_wire import ANSWER_SIZE, open_session
from watchdog.notify.route import Route

pytestmark = pytest.mark.adapter


async def test_a_packed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50 * ANSWER_SIZE))
    packed = answer(bomb, "200 OK", b"Content-Encoding: gzip")
    async with serving(answering(packed)) as port, open_session(Route(timeout=5)) as session:
        response = await session.post(f"http://127.0.0.1:{port}/")
        assert await response.read() == await response.read() == bomb


async def test_an_answer_without_end_is_given_up_at_its_limit() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with serving(flood) as port, open_session(Route(timeout=5)) as session:
        response = await session.post(f"http://127.0.0.1:{port}/")
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert sent < 20 * ANSWER_SIZE  # what the sockets' buffers took is in it
