"""Places are few, and nobody keeps the others out of them, nor through an old certificate."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from tests.host.peers.certificate import self_signed
from tests.unit.probes.servers import free_port
from watchdog.config import Secret, WebSettings
from watchdog.errors import WebError
from watchdog.web import door
from watchdog.web.http_server import HttpServer

pytestmark = pytest.mark.adapter

with_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")

FAST, SLOW = b"/fast", b"/slow"


class Caller:
    """One who has come to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def ask(self, path: bytes) -> None:
        self._writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async def is_answered(self) -> bool:
        """Wait for an answer, or for the end of the connection."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return False
        assert head.startswith(b"HTTP/1.1 204")
        return True

    async def gets(self, path: bytes) -> bool:
        self.ask(path)
        return await self.is_answered()

    @property
    def certificate(self) -> bytes:
        found = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert isinstance(found, bytes)
        return found

    def leave(self) -> None:
        self._writer.transport.abort()


class House:
    """A server of two requests, one of which waits for ``done``."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = replace(settings, port=free_port())
        self.done, self.asked = asyncio.Event(), asyncio.Semaphore(0)
        self.server = HttpServer(
            self.settings, [web.get("/fast", self._fast), web.get("/slow", self._slow)]
        )
        self._callers: list[Caller] = []

    async def _fast(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _slow(self, _: web.Request) -> web.Response:
        self.asked.release()
        await self.done.wait()
        return web.Response(status=204)

    async def caller(self, trusted: ssl.SSLContext | None = None) -> Caller:
        name = "localhost" if trusted else None
        opened = await asyncio.open_connection(
            "127.0.0.1", self.settings.port, ssl=trusted, server_hostname=name
        )
        self._callers.append(Caller(*opened))
        return self._callers[-1]

    async def slow_caller(self) -> Caller:
        """Return one whose request is under way."""
        caller = await self.caller()
        caller.ask(SLOW)
        await self.asked.acquire()
        return caller

    def close(self) -> None:
        for caller in self._callers:
            caller.leave()


Open = Callable[[], Awaitable[House]]


@asynccontextmanager
async def house(settings: WebSettings | None = None) -> AsyncIterator[House]:
    opened = House(settings or WebSettings())
    async with opened.server, asyncio.timeout(10):
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def _few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "CONNECTIONS", 3)


async def test_who_was_idle_for_longest_makes_room() -> None:
    async with house() as opened:
        first, second, third = [await opened.caller() for _ in range(3)]
        assert await first.gets(FAST)
        assert await (await opened.caller()).gets(FAST)
        assert not await second.gets(FAST)
        assert await first.gets(FAST)
        assert await third.gets(FAST)


async def test_who_holds_every_place_and_more_keeps_nobody_out() -> None:
    async with house() as opened:
        held = [await opened.caller() for _ in range(20)]
        assert await (await opened.caller()).gets(FAST)
        assert [await each.gets(FAST) for each in held].count(True) == 2


async def test_a_request_is_not_cut_short_while_somebody_asks_for_nothing() -> None:
    async with house() as opened:
        slow = [await opened.slow_caller() for _ in range(2)]
        idle = await opened.caller()
        assert await (await opened.caller()).gets(FAST)
        assert not await idle.gets(FAST)
        opened.done.set()
        assert [await each.is_answered() for each in slow] == [True, True]


async def test_with_requests_under_way_everywhere_the_oldest_makes_room() -> None:
    async with house() as opened:
        first, second, third = [await opened.slow_caller() for _ in range(3)]
        assert await (await opened.caller()).gets(FAST)
        assert not await first.is_answered()
        opened.done.set()
        assert await second.is_answered()
        assert await third.is_answered()


async def test_who_has_gone_has_no_place() -> None:
    async with house() as opened:
        gone = [await opened.caller() for _ in range(2)]
        stays = await opened.caller()
        for each in gone:
            each.leave()
        assert all([await (await opened.caller()).gets(FAST) for _ in range(2)])
        assert await stays.gets(FAST)


# --- TLS ------------------------------------------------------------------------------------------


def with_certificate(directory: Path) -> tuple[WebSettings, ssl.SSLContext, bytes]:
    """Return settings with a new certificate, who trusts it, and itself."""
    _, certificate = self_signed(directory, "DNS:localhost")
    settings = WebSettings(
        token=Secret("0123456789abcdef", None),
        certificate=str(certificate),
        key_file=str(directory / "key.pem"),
    )
    pem = certificate.read_text(encoding="ascii")
    return settings, ssl.create_default_context(cadata=pem), ssl.PEM_cert_to_DER_cert(pem)


@with_openssl
async def test_who_is_silent_before_tls_makes_room_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(door, "CONNECTIONS", 1)
    settings, trusted, _ = with_certificate(tmp_path)
    async with house(settings) as opened:
        silent = await opened.caller()
        assert await (await opened.caller(trusted)).gets(FAST)
        assert not await silent.is_answered()


@with_openssl
async def test_who_is_silent_before_tls_is_let_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(door, "HANDSHAKE", 0.2)
    settings, _, _ = with_certificate(tmp_path)
    async with house(settings) as opened:
        assert not await (await opened.caller()).is_answered()


def sessions() -> int:
    """Count the TLS sessions that there are, those included that only the collector could free."""
    return sum(isinstance(each, SSLProtocol) for each in gc.get_objects())


@with_openssl
async def test_who_hangs_up_before_tls_leaves_nothing_to_be_collected(tmp_path: Path) -> None:
    settings, trusted, _ = with_certificate(tmp_path)
    async with house(settings) as opened:
        stays = await opened.caller(trusted)
        gc.collect()
        gc.disable()
        try:
            before = sessions()
            for _ in range(4):
                (await opened.caller()).leave()
                assert all([await stays.gets(FAST) for _ in range(5)])
            assert sessions() == before
        finally:
            gc.enable()


@with_openssl
async def test_a_new_certificate_is_for_those_who_come_then(tmp_path: Path) -> None:
    settings, trusted, old = with_certificate(tmp_path)
    async with house(settings) as opened:
        before = await opened.caller(trusted)
        _, trusted, new = with_certificate(tmp_path)
        opened.server.renew()
        after = await opened.caller(trusted)
        assert (before.certificate, after.certificate) == (old, new)
        assert await before.gets(FAST)


@with_openssl
async def test_a_bad_certificate_leaves_the_old_one_and_is_named(tmp_path: Path) -> None:
    settings, trusted, old = with_certificate(tmp_path)
    key = tmp_path / "key.pem"
    async with house(settings) as opened:
        other = tmp_path / "other"
        other.mkdir()
        with_certificate(other)
        (other / "key.pem").replace(key)  # of another certificate: half of a renewal
        with pytest.raises(WebError) as caught:
            opened.server.renew()
        assert str(caught.value) == (
            f"cannot renew the certificate of 127.0.0.1:{opened.settings.port}: cannot take "
            f"{settings.certificate} and {key}: the key is not that of the certificate; "
            "the old one stays"
        )
        assert (await opened.caller(trusted)).certificate == old
