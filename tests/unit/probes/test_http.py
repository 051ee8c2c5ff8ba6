"""The http check against servers that behave, and servers that do not."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.probes.servers import (
    Serve,
    answer,
    answering,
    forever,
    free_port,
    listening,
    serving,
)
from watchdog import __version__
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import (
    Comparison,
    Condition,
    HttpCheck,
)
from watchdog.probes import exchange
from watchdog.probes.http import make_http_probe

HEALTHY = Condition(("status",), Comparison.EQ, "healthy")


async def ask(serve: Serve, path: str = "/health", **more: object) -> Observation:
    """Ask a server that behaves like *serve*."""
    async with serving(serve) as port:
        check = HttpCheck(f"http://127.0.0.1:{port}{path}", **more)  # type: ignore[arg-type]
        observation = await make_http_probe(check)()
    assert observation.check == "http"
    return timeless(observation)


def timeless(observation: Observation) -> Observation:
    """Leave out how long it took."""
    reason = re.sub(r"(?<=after )[0-9.]+(?= s)", "…", observation.reason)
    return replace(observation, reason=reason)


def assert_fails(observation: Observation, reason: str) -> None:
    assert (observation.verdict, observation.reason) == (Verdict.FAIL, reason)


class TestStatus:
    async def test_200_passes(self) -> None:
        observation = await ask(answering(answer(b"fine")))
        assert observation.verdict is Verdict.PASS
        assert observation.reason == "/health answered 200 after … s"

    @pytest.mark.parametrize("status", ["204 No Content", "206 Partial Content"])
    async def test_every_2xx_passes(self, status: str) -> None:
        assert (await ask(answering(answer(b"", status)))).verdict is Verdict.PASS

    async def test_another_fails_with_the_first_line_of_the_body(self) -> None:
        observation = await ask(answering(answer(b"db down\nat line 7", "503 Oh")))
        assert_fails(observation, '/health answered 503 after … s: "db down"')
        assert observation.curable

    async def test_only_the_configured_ones_pass(self) -> None:
        assert (await ask(answering(answer(b"", "401 No")), status=(401, 403))).verdict is (
            Verdict.PASS
        )
        assert_fails(
            await ask(answering(answer(b"")), status=(401,)), "/health answered 200 after … s"
        )

    async def test_an_interim_answer_is_not_the_answer(self) -> None:
        observation = await ask(
            answering(b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"oh", "500 Oh"))
        )
        assert_fails(observation, '/health answered 500 after … s: "oh"')

    async def test_a_redirect_is_told_and_not_followed(self) -> None:
        observation = await ask(
            answering(answer(b"", "302 Found", b"Location: file:///etc/passwd"))
        )
        assert_fails(
            observation,
            '/health answered 302 with a redirect to "file:///etc/passwd", which is not followed,'
            " after … s",
        )


class TestRequest:
    async def test_is_a_plain_get_on_a_connection_of_its_own(self) -> None:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer(b"", "200 OK", b"Connection: keep-alive"))
            assert await reader.read() == b""  # the other side closes, whatever we say

        async with serving(serve) as port:
            probe = make_http_probe(
                HttpCheck(f"http://127.0.0.1:{port}/health?a=b", headers=(("X-Probe", "1"),))
            )
            await probe()
            await probe()
        assert (
            heads
            == [
                (
                    f"GET /health?a=b HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                    f"User-Agent: service-watchdog/{__version__}\r\nAccept: */*\r\n"
                    "Accept-Encoding: identity\r\nX-Probe: 1\r\nConnection: close\r\n\r\n"
                ).encode()
            ]
            * 2
        )

    async def test_larger_than_the_socket_takes_at_once_is_sent_whole(self) -> None:
        sizes: list[int] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += await reader.read(1 << 20)
            sizes.append(len(request))
            writer.write(answer(b""))

        observation = await ask(serve, headers=(("X", "y" * 20_000_000),))
        assert observation.verdict is Verdict.PASS
        assert sizes[0] > 20_000_000

    def test_that_cannot_be_sent_is_refused_when_the_probe_is_made(self) -> None:
        with pytest.raises(ValueError, match="must begin with http"):
            make_http_probe(HttpCheck("unix:/run/x.sock"))


class TestConditions:
    async def test_met_pass(self) -> None:
        observation = await ask(answering(answer(b'{"status":"healthy"}')), expect=(HEALTHY,))
        assert observation.verdict is Verdict.PASS

    async def test_not_met_fail_with_what_was_found(self) -> None:
        observation = await ask(answering(answer(b'{"status":"unhealthy"}')), expect=(HEALTHY,))
        assert_fails(observation, '/health: status is "unhealthy", expected == "healthy"')

    async def test_on_an_answer_that_is_too_long_cannot_be_met(self) -> None:
        observation = await ask(answering(answer(b" " * 100_000)), expect=(HEALTHY,))
        assert_fails(
            observation,
            '/health: the answer is longer than 64 KiB; expected status == "healthy"',
        )

    async def test_on_an_answer_that_is_compressed_cannot_be_met(self) -> None:
        bomb = answer(b"\x1f\x8b\x08", "200 OK", b"Content-Encoding: gzip")
        assert_fails(
            await ask(answering(bomb), expect=(HEALTHY,)),
            "/health: the answer is encoded as gzip, though we accept no encoding",
        )


class TestLatency:
    async def test_beyond_what_is_allowed_fails(self) -> None:
        observation = await ask(answering(answer(b"")), max_latency=0.0)
        assert observation.verdict is Verdict.FAIL
        assert observation.reason.endswith("; at most 0 s are allowed")

    async def test_within_what_is_allowed_passes(self) -> None:
        assert (await ask(answering(answer(b"")), max_latency=60.0)).verdict is Verdict.PASS


class TestMisbehaviour:
    async def test_closing_without_a_word(self) -> None:
        assert_fails(
            await ask(answering()),
            "/health: the connection was closed early: connected, and nothing was answered",
        )

    async def test_resetting_the_connection(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        assert_fails(
            await ask(serve),
            "/health: the connection broke: Connection reset by peer;"
            " connected, and nothing was answered",
        )

    async def test_speaking_something_else(self) -> None:
        observation = await ask(answering(b"220 mail.example.com ESMTP\r\n"))
        assert observation.verdict is Verdict.FAIL
        assert observation.reason.startswith("/health: the answer is not HTTP: ")
        assert observation.reason.endswith('"220 mail.example.com ESMTP"')

    async def test_a_body_in_bad_utf_8(self) -> None:
        observation = await ask(answering(answer(b"\xff\xfe down", "500 Oh")))
        assert_fails(observation, '/health answered 500 after … s: "\ufffd\ufffd down"')

    async def test_a_body_without_end_passes_by_its_status(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()

        assert (await ask(serve)).verdict is Verdict.PASS

    async def test_a_drip_is_taken_drop_by_drop(self) -> None:
        drops = [bytes([byte]) for byte in answer(b'{"status":"healthy"}')]
        assert (await ask(answering(*drops), expect=(HEALTHY,))).verdict is Verdict.PASS

    async def test_a_refused_answer_that_never_ends_is_quoted_as_far_as_it_came(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 503 Oh\r\nContent-Length: 99\r\n\r\ndb do")
            await forever()

        monkeypatch.setattr(exchange, "_QUOTE_WITHIN", 0.1)
        observation = await ask(serve)
        assert observation.verdict is Verdict.FAIL
        assert observation.reason.startswith("/health answered 503 after ")
        assert observation.reason.endswith(': "db do"')

    @given(st.binary(min_size=1, max_size=200))
    @settings(
        deadline=None, max_examples=30, suppress_health_check=[HealthCheck.differing_executors]
    )
    def test_any_bytes_give_a_verdict(self, garbage: bytes) -> None:
        observation = asyncio.run(ask(answering(garbage)))
        assert observation.verdict is Verdict.FAIL
        assert observation.reason.isprintable()


class TestGivingUp:
    """The caller's deadline cancels the probe; the note says how far it had come."""

    async def note(self, sent: bytes, scheme: str = "http") -> str:
        gone = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(sent)
            await writer.drain()
            for _ in range(10):  # turns of the loop, in which the probe reads what was sent
                await asyncio.sleep(0)
            scope.reschedule(asyncio.get_running_loop().time())
            await reader.read()
            gone.set()

        async with serving(serve) as port:
            probe = make_http_probe(HttpCheck(f"{scheme}://127.0.0.1:{port}/health"))
            with pytest.raises(TimeoutError) as expired:
                async with asyncio.timeout(None) as scope:
                    await probe()
            await gone.wait()  # the connection was closed at once
        assert expired.value.__context__ is not None
        (note,) = expired.value.__context__.__notes__
        return str(note)

    async def test_before_an_answer(self) -> None:
        assert await self.note(b"") == "connected, and nothing was answered"

    async def test_in_the_headers(self) -> None:
        assert await self.note(b"HTTP/1.1 200 OK\r\n") == "the headers were not complete"

    async def test_in_the_body(self) -> None:
        assert await self.note(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nheal") == (
            "answered 200, but only 4 bytes of the body came"
        )

    async def test_in_the_tls_handshake(self) -> None:
        assert (await self.note(b"", "https")).startswith("the TLS handshake with 127.0.0.1:")

    async def test_before_the_connection_is_made(self) -> None:
        with listening(backlog=0) as port, socket.create_connection(("127.0.0.1", port)):
            probe = make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/health"))
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await probe()
            task.uncancel()
        assert cancelled.value.__notes__ == [f"no connection to 127.0.0.1:{port}"]


class TestConnection:
    async def test_refused_fails(self) -> None:
        port = free_port()
        observation = await make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"))()
        assert_fails(observation, f"cannot connect to 127.0.0.1:{port}: Connection refused")

    async def test_to_localhost_tries_both_addresses(self) -> None:
        async with serving(answering(answer(b""))) as port:
            check = HttpCheck(f"http://localhost:{port}/health")
            assert (await make_http_probe(check)()).verdict is Verdict.PASS
        assert_fails(
            await make_http_probe(check)(),
            f"cannot connect to [::1]:{port}: Connection refused,"
            f" 127.0.0.1:{port}: Connection refused",
        )

    async def test_impossible_by_our_own_trouble_is_no_evidence(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: int) -> socket.socket:
            raise OSError(errno.ENOBUFS, "No buffer space available")

        with monkeypatch.context() as patched:
            patched.setattr(socket, "socket", refuse)
            observation = await make_http_probe(HttpCheck("http://127.0.0.1:1/"))()
        assert observation.verdict is Verdict.UNKNOWN
        assert observation.reason == "cannot connect to 127.0.0.1:1: No buffer space available"

    @pytest.mark.parametrize(
        ("code", "verdict"),
        [(socket.EAI_NONAME, Verdict.FAIL), (socket.EAI_AGAIN, Verdict.UNKNOWN)],
    )
    async def test_to_a_name_without_an_address_is_not_the_services_to_cure(
        self, code: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def getaddrinfo(*_: object, **__: object) -> None:
            raise socket.gaierror(code, "no such luck")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        observation = await make_http_probe(HttpCheck("http://nowhere.example/"))()
        assert (observation.verdict, observation.curable) == (verdict, False)
        assert observation.reason == "cannot resolve nowhere.example: no such luck"


class TestFailingAnswers:
    async def kept(self, serve: Serve, **more: object) -> list[Sequence[str]]:
        """Return what was handed over for evidence."""
        told: list[Sequence[str]] = []
        async with serving(serve) as port:
            check = HttpCheck(f"http://127.0.0.1:{port}/", **more)  # type: ignore[arg-type]
            await make_http_probe(check, told.append)()
        assert told.pop(0) == ()  # the one before is forgotten as soon as it asks
        return told

    async def test_are_kept_with_status_headers_of_interest_and_first_bytes(self) -> None:
        body = b"<h1>502 Bad Gateway</h1>\n\nnginx" + b"!" * 1000
        headers = "Server: nginx/1.22\r\nSet-Cookie: id=7\r\nRetry-After: 5\r\n"
        head = f"HTTP/1.1 502 Bad Gateway\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        [lines] = await self.kept(answering(head.encode() + body))
        assert lines[:6] == [
            "status 502 Bad Gateway",
            "server: nginx/1.22",
            "retry-after: 5",
            "content-length: 1031",
            "<h1>502 Bad Gateway</h1>",
            "nginx" + "!" * 154 + "…",
        ]
        assert lines[6:] == ["…"]

    async def test_that_are_not_plain_are_not_quoted(self) -> None:
        packed = b"HTTP/1.1 599 X\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
        assert await self.kept(answering(packed)) == [["status 599", "content-length: 3"]]

    async def test_are_forgotten_once_one_has_passed(self) -> None:
        assert await self.kept(answering(answer(b"fine"))) == [()]

    async def test_that_did_not_come_are_nothing(self) -> None:
        assert await self.kept(answering(b"")) == [()]


async def test_an_answer_of_an_earlier_run_is_not_kept_where_this_one_gives_none() -> None:
    kept: list[Sequence[str]] = []
    async with serving(answering(answer(b"broken", "500 Internal Server Error"))) as port:
        probe = make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"), kept.append)
        await probe()
    assert kept[-1]
    refused = await probe()
    assert refused.verdict is Verdict.FAIL
    assert kept[-1] == ()
