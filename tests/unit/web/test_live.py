"""Events to a page: all there is at first, then only what is new, to readers that keep up."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import pytest
from aiohttp import web

from watchdog.config import WebSettings
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


class Routed(Protocol):
    """What is served."""

    def routes(self) -> list[web.RouteDef]: ...


@asynccontextmanager
async def page(told: Routed) -> AsyncIterator[aiohttp.ClientSession]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with (
        HttpServer(WebSettings(port=port), told.routes()),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def test_a_reader_is_told_all_there_is_and_then_what_is_new() -> None:
    source = Source({"api": ["healthy"], "worker": ["healthy"]})
    told = Live(source)
    async with page(told) as client, client.get("/api/v1/events") as response:
        assert response.content_type == "text/event-stream"
        events = Events(response.content)
        assert await events.next() == (
            "services",
            [{"name": "api", "is": ["healthy"]}, {"name": "worker", "is": ["healthy"]}],
        )
        assert await events.next() == ("daemon", {"host": "web-1"})
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
        assert await events.next() == ("gone", ["api"])


async def test_news_that_ring_no_bell_are_seen_all_the_same() -> None:
    source = Source()
    told = Live(source)
    async with page(told) as client, client.get("/api/v1/events") as response:
        events = Events(response.content)
        await events.next()
        await events.next()
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


async def test_a_reader_that_falls_behind_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEHIND", 2)
    source = Source()
    told = Live(source)
    async with told._reading() as news:
        told._tell(b"one more than it holds")
        assert await news.get() is None


async def test_only_so_many_pages_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "READERS", 1)
    told = Live(Source())
    async with page(told) as client, client.get("/api/v1/events") as first:
        await Events(first.content).next()
        async with client.get("/api/v1/events") as second:
            assert second.status == 503
