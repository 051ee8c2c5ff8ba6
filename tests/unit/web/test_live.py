"""Events to a page: all there is at first, then only what is new, to readers that keep up."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import aiohttp
import pytest
from aiohttp import web

from watchdog.config import Secret, WebSettings
from watchdog.web import live
from watchdog.web.http_server import HttpServer
from watchdog.web.live import Live

pytestmark = pytest.mark.adapter


@dataclass
class Source:
    """Services whose description is what they are marked with."""

    shown: dict[str, object] = field(default_factory=lambda: {"api": ["healthy"]})
    about: dict[str, Any] = field(default_factory=lambda: {"host": "web-1"})

    def marks(self) -> Mapping[str, object]:
        return dict(self.shown)

    def services(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return [{"name": name, "is": self.shown[name]} for name in names]

    def daemon(self) -> Mapping[str, Any]:
        return dict(self.about)


class Events:
    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next(self) -> tuple[str, Any]:
        kind = ""
        while line := (await self._content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            if name == "data":
                return kind, json.loads(value)
        return "end", None

    async def all_at_first(self) -> None:
        """Take what every reader is told of a few services."""
        kinds = [(await self.next())[0] for _ in range(4)]
        assert kinds == ["access", "names", "daemon", "services"]


class Routed(Protocol):
    """What is served."""

    def routes(self) -> list[web.RouteDef]: ...


@asynccontextmanager
async def page(
    told: Routed, settings: WebSettings | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        HttpServer(replace(settings or WebSettings(), port=port), told.routes()),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def test_a_reader_is_told_all_there_is_and_then_what_is_new() -> None:
    source = Source({"api": ["healthy"], "worker": ["healthy"]})
    told = Live(source)
    async with page(told) as client, client.get("/api/v1/events") as response:
        assert response.content_type == "text/event-stream"
        events = Events(response.content)
        assert await events.next() == ("access", {"acts": False})
        assert await events.next() == ("names", ["api", "worker"])
        assert await events.next() == ("daemon", {"host": "web-1"})
        assert await events.next() == (
            "services",
            [{"name": "api", "is": ["healthy"]}, {"name": "worker", "is": ["healthy"]}],
        )
        source.shown["worker"] = ["failing"]
        told.ring()
        assert await events.next() == ("services", [{"name": "worker", "is": ["failing"]}])
        source.about["trouble"] = ["slack: no answer"]
        told.ring()
        assert await events.next() == (
            "daemon",
            {"host": "web-1", "trouble": ["slack: no answer"]},
        )
        del source.shown["api"]
        assert await events.next() == ("names", ["worker"])


async def test_news_that_ring_no_bell_are_seen_all_the_same() -> None:
    source = Source()
    told = Live(source)
    async with page(told) as client, client.get("/api/v1/events") as response:
        events = Events(response.content)
        await events.all_at_first()
        source.shown["api"] = ["healthy", "12 ms"]
        assert await events.next() == ("services", [{"name": "api", "is": ["healthy", "12 ms"]}])


async def test_while_nobody_reads_nothing_is_looked_at() -> None:
    source = Source()
    told = Live(source)
    async with page(told) as client:
        async with client.get("/api/v1/events") as response:
            await Events(response.content).next()
            [looking] = [each for each in asyncio.all_tasks() if each.get_name() == "live page"]
        await asyncio.wait([looking])


async def test_many_services_come_in_parts_and_then_alone() -> None:
    source = Source({f"s{number}": [number] for number in range(120)})
    told = Live(source)
    async with page(told) as client, client.get("/api/v1/events") as response:
        events = Events(response.content)
        assert (await events.next())[0] == "access"
        assert len((await events.next())[1]) == 120
        await events.next()
        parts = [len((await events.next())[1]) for _ in range(3)]
        assert parts == [50, 50, 20]
        source.shown["s7"] = ["failing"]
        told.ring()
        assert await events.next() == ("services", [{"name": "s7", "is": ["failing"]}])


MUCH = 200_000  # bytes


@dataclass
class Growing(Source):
    """A service with news at each look, and with much to say."""

    more: int = 1
    looks: int = 0
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    def marks(self) -> Mapping[str, object]:
        self.looks += self.more
        if self.more:
            self.shown["api"] = [self.looks, "x" * MUCH]
        self.looked.set()
        return super().marks()

    async def wait_for_look(self, number: int) -> None:
        while self.looks < number:
            self.looked.clear()
            await self.looked.wait()


@asynccontextmanager
async def lazy(told: Live) -> AsyncIterator[aiohttp.ClientResponse]:
    """A page that is open and takes nothing but what its socket holds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def little(info: Any) -> socket.socket:
        made = socket.socket(info[0], info[1], info[2])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return made

    connector = aiohttp.TCPConnector(socket_factory=little)
    async with (
        HttpServer(WebSettings(port=port), told.routes()),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as client,
        client.get("/api/v1/events") as response,
    ):
        yield response


async def test_a_reader_that_does_not_keep_up_is_told_how_it_stands_and_not_how_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the daemon holds for it does not grow with what happens."""
    monkeypatch.setattr(live, "PACE", 0)
    monkeypatch.setattr(live, "CALM", 0.001)
    source = Growing()
    async with lazy(Live(source)) as response:
        await source.wait_for_look(100)
        source.more = 0
        rest, received = b"", 0
        while b'"is":[%d,' % source.looks not in rest:
            part = await response.content.readany()
            rest, received = rest[-20:] + part, received + len(part)
        assert received < 100 * MUCH / 2


async def test_a_reader_that_takes_nothing_gives_up_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PACE", 0)
    monkeypatch.setattr(live, "CALM", 0.001)
    monkeypatch.setattr(live, "STUCK", 0.05)
    async with lazy(Live(Growing())):
        [looking] = [each for each in asyncio.all_tasks() if each.get_name() == "live page"]
        await asyncio.wait([looking])


async def test_only_so_many_pages_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "READERS", 1)
    told = Live(Source())
    async with page(told) as client, client.get("/api/v1/events") as first:
        await Events(first.content).next()
        async with client.get("/api/v1/events") as second:
            assert second.status == 503


async def test_nobody_keeps_all_places_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "READERS", 1)
    monkeypatch.setattr(live, "TENURE", 0.0)
    told = Live(Source())
    async with page(told) as client, client.get("/api/v1/events") as first:
        await Events(first.content).all_at_first()
        async with client.get("/api/v1/events") as second:
            await Events(second.content).all_at_first()
            assert await Events(first.content).next() == ("end", None)
            told.ring()


async def test_only_who_has_the_token_that_acts_is_offered_to() -> None:
    settings = WebSettings(token=Secret("a" * 16, None), read_token=Secret("f" * 16, None))
    async with page(Live(Source()), settings) as client:
        for token, acts in (("a" * 16, True), ("f" * 16, False), ("", False)):
            bearer = {"Authorization": f"Bearer {token}"}
            async with client.get("/api/v1/events", headers=bearer) as response:
                assert await Events(response.content).next() == ("access", {"acts": acts})
