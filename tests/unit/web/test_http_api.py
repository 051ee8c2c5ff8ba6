"""The API over HTTP: who may ask, what is answered, and what a browser is told to keep out."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from watchdog.config import Secret, WebSettings
from watchdog.errors import WebError
from watchdog.web import http_server
from watchdog.web.control_socket import Call, RefusalError
from watchdog.web.http_api import LONGEST, Api
from watchdog.web.http_server import HttpServer

pytestmark = pytest.mark.adapter

TOKEN = "0123456789abcdef"
SMUGGLED = (
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Calls(dict[str, Call]):
    """The daemon's calls, as far as the API goes: what they were given, and an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, Mapping[str, Any], str]] = []

    def __missing__(self, name: str) -> Call:
        async def call(arguments: Mapping[str, Any], caller: str) -> Any:
            self.made.append((name, arguments, caller))
            if arguments.get("name") == "nobody":
                raise RefusalError("cannot find service 'nobody'")
            if arguments.get("name") == "busy":
                raise RefusalError("cannot restart busy: a restart is under way already", 4)
            return {"call": name, **arguments}

        return call


@asynccontextmanager
async def serving(
    calls: Calls, settings: WebSettings | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = replace(settings or WebSettings(), port=port)
    async with (
        HttpServer(settings, Api(calls).routes()),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


WITH_TOKEN = WebSettings(token=Secret(TOKEN, None))


async def answer(
    client: aiohttp.ClientSession, method: str, path: str, **options: Any
) -> tuple[int, Any]:
    async with client.request(method, path, **options) as response:
        return response.status, json.loads(await response.read())


async def test_this_host_reads_without_a_token() -> None:
    calls = Calls()
    async with serving(calls) as client:
        assert await answer(client, "GET", "/api/v1/status") == (
            200,
            {"call": "status", "name": ""},
        )
        await answer(client, "GET", "/api/v1/services/api")
        await answer(client, "GET", "/api/v1/incidents?service=api&limit=5&since=12.5")
        await answer(client, "GET", "/api/v1/incidents/k3f9qa")
    assert [(name, arguments) for name, arguments, _ in calls.made[1:]] == [
        ("status", {"name": "api"}),
        ("incidents", {"service": "api", "limit": 5, "since": 12.5}),
        ("incidents", {"id": "k3f9qa"}),
    ]


async def test_nobody_acts_where_there_is_no_token() -> None:
    calls = Calls()
    async with serving(calls) as client:
        status, said = await answer(client, "POST", "/api/v1/services/api/restart", json={})
    assert status == 403
    assert "no token; use the command line" in said["error"]
    assert calls.made == []


async def test_who_has_the_token_acts_and_is_named_by_address() -> None:
    calls = Calls()
    async with serving(calls, WITH_TOKEN) as client:
        path = "/api/v1/services/api/pause"
        status, _ = await answer(
            client, "POST", path, json={"seconds": 60, "reason": "x"}, headers=BEARER
        )
    assert status == 200
    assert calls.made == [("pause", {"seconds": 60, "reason": "x", "name": "api"}, "web 127.0.0.1")]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", f"Basic {TOKEN}", f"Bearer {TOKEN}x"],
)
async def test_a_wrong_token_acts_on_nothing(header: str) -> None:
    calls = Calls()
    async with serving(calls, WITH_TOKEN) as client:
        path = "/api/v1/services/api/restart"
        status, said = await answer(
            client, "POST", path, json={}, headers={"Authorization": header}
        )
    assert (status, said["error"]) == (401, "a token is needed: Authorization: Bearer TOKEN")
    assert calls.made == []


async def test_a_form_of_another_page_acts_on_nothing() -> None:
    """A browser sends what forms can say without asking; never a header of their own."""
    calls = Calls()
    async with serving(calls, WITH_TOKEN) as client:
        path = "/api/v1/services/api/restart"
        plain = await answer(client, "POST", path, data={"reason": "x"})
        with_token = await answer(client, "POST", path, data={"reason": "x"}, headers=BEARER)
    assert plain[0] == 401
    assert with_token == (415, {"error": "expected Content-Type: application/json", "code": 2})
    assert calls.made == []


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},  # another port is another page
        {"Origin": "http://["},
        {"Origin": "null"},
    ],
)
async def test_what_a_browser_sends_for_another_page_acts_on_nothing(said: dict[str, str]) -> None:
    calls = Calls()
    async with serving(calls, WITH_TOKEN) as client:
        path = "/api/v1/services/api/restart"
        status, answered = await answer(client, "POST", path, json={}, headers=BEARER | said)
    assert (status, answered["error"]) == (403, "cannot act for another page; open this one itself")
    assert calls.made == []


async def test_what_it_sends_for_our_own_page_does() -> None:
    settings = replace(WITH_TOKEN, names=("status.example.com",))
    async with serving(Calls(), settings) as client:
        url = client._base_url
        assert url is not None
        for said in (
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"},
            {"Origin": str(url.origin())},
            {"Origin": "https://status.example.com"},
        ):
            path = "/api/v1/services/api/ack"
            assert (await answer(client, "POST", path, json={}, headers=BEARER | said))[0] == 200


async def test_a_name_that_another_page_has_made_point_here_reads_nothing() -> None:
    calls = Calls()
    async with serving(calls) as client:
        evil = await answer(client, "GET", "/api/v1/status", headers={"Host": "evil.example:9099"})
        own = await answer(client, "GET", "/api/v1/status", headers={"Host": "localhost:9099"})
    assert evil[0] == 421
    assert own[0] == 200


async def test_a_name_in_the_configuration_is_ours() -> None:
    settings = WebSettings(names=("status.example.com",))
    async with serving(Calls(), settings) as client:
        headers = {"Host": "Status.Example.com"}
        assert (await answer(client, "GET", "/api/v1/status", headers=headers))[0] == 200


async def test_a_token_that_only_reads_acts_on_nothing() -> None:
    calls, read = Calls(), {"Authorization": "Bearer fedcba9876543210"}
    restart = "/api/v1/services/api/restart"
    reading = Secret("fedcba9876543210", None)
    with_both = WebSettings("0.0.0.0", token=Secret(TOKEN, None), read_token=reading, insecure=True)
    async with serving(calls, with_both) as client:
        assert (await answer(client, "GET", "/api/v1/status"))[0] == 401
        assert (await answer(client, "GET", "/api/v1/status", headers=read))[0] == 200
        assert (await answer(client, "GET", "/api/v1/status", headers=BEARER))[0] == 200
        assert await answer(client, "POST", restart, json={}, headers=read) == (
            403,
            {"error": "cannot act over HTTP: this token only reads", "code": 2},
        )
        assert (await answer(client, "POST", restart, json={}))[0] == 401
        assert (await answer(client, "POST", restart, json={}, headers=BEARER))[0] == 200
    alone = WebSettings("0.0.0.0", read_token=reading, insecure=True)
    async with serving(calls, alone) as client:
        assert (await answer(client, "GET", "/api/v1/status"))[0] == 401
        assert (await answer(client, "GET", "/api/v1/status", headers=read))[0] == 200
        assert (await answer(client, "POST", restart, json={}, headers=read))[0] == 403
    assert [name for name, _, _ in calls.made].count("restart") == 1


async def test_other_hosts_read_with_the_token_alone() -> None:
    settings = WebSettings(host="0.0.0.0", token=Secret(TOKEN, None), insecure=True)
    async with serving(Calls(), settings) as client:
        assert (await answer(client, "GET", "/api/v1/status"))[0] == 401
        assert (await answer(client, "GET", "/api/v1/status", headers=BEARER))[0] == 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nobody", (400, {"error": "cannot find service 'nobody'", "code": 2})),
        (
            "busy",
            (409, {"error": "cannot restart busy: a restart is under way already", "code": 4}),
        ),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_control_socket(
    name: str, expected: tuple[int, Any]
) -> None:
    async with serving(Calls(), WITH_TOKEN) as client:
        path = f"/api/v1/services/{name}/restart"
        assert await answer(client, "POST", path, json={}, headers=BEARER) == expected


async def test_nonsense_is_refused_and_named() -> None:
    async with serving(Calls(), WITH_TOKEN) as client:
        path = "/api/v1/services/api/restart"
        headers = {**BEARER, "Content-Type": "application/json"}

        async def post(body: bytes) -> tuple[int, Any]:
            return await answer(client, "POST", path, data=body, headers=headers)

        assert (await post(b"\xff"))[0] == 400
        assert (await post(b'{"a":' * 5000))[0] == 400
        assert (await post(b"[1]")) == (
            400,
            {"error": "cannot read the request: expected an object", "code": 2},
        )
        assert (await post(b'{"reason":"' + b"x" * LONGEST + b'"}'))[0] == 413
        assert (await answer(client, "GET", "/api/v1/incidents?limit=many"))[0] == 400
        assert (await answer(client, "GET", "/api/v2/status"))[0] == 404
        assert (await answer(client, "GET", path))[0] == 405
        assert (
            await answer(client, "POST", "/api/v1/services/api/forget", json={}, headers=BEARER)
        )[0] == 404


async def test_every_answer_keeps_foreign_content_out() -> None:
    async with (
        serving(Calls()) as client,
        client.get("/api/v1/status") as good,
        client.get("/nowhere") as bad,
    ):
        for response in (good, bad):
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"


async def test_a_socket_is_for_the_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    settings = WebSettings(host="", port=0, path=str(path))
    async with (
        HttpServer(settings, Api(Calls()).routes()),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client,
    ):
        assert path.stat().st_mode & 0o777 == 0o660
        assert (await answer(client, "GET", "http://any/api/v1/status"))[0] == 200
    assert not path.exists()


async def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WebError) as caught:
            async with HttpServer(WebSettings(port=port), []):
                pass
    assert str(caught.value).startswith(f"cannot serve 127.0.0.1:{port}: ")
    assert str(caught.value).endswith("; the watch goes on without")


async def test_a_certificate_that_cannot_be_taken_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("none", encoding="ascii")
    for path in (broken, tmp_path / "missing.pem"):
        settings = replace(WITH_TOKEN, certificate=str(path), key_file="/key.pem")
        with pytest.raises(WebError, match=f"cannot take {path} and /key.pem: "):
            async with HttpServer(settings, []):
                pass


async def test_what_no_request_is_is_refused_and_nobody_reads_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for request in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        # One of the two would be wrong about where the next request begins (RFC 9112, 6.1).
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n" + SMUGGLED,
    ):
        async with serving(Calls()) as client:
            told = await spoken(client, request)
        assert re.match(rb"HTTP/1\.[01] 4", told), request
        assert told.count(b"HTTP/1.") == 1, request
    assert caplog.records == []


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: local"], ids=["nothing", "half"])
async def test_who_asks_for_nothing_makes_room(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(http_server, "QUIET", 0.05)
    async with serving(Calls()) as client, asyncio.timeout(5):
        assert await spoken(client, said) == b""


async def spoken(client: aiohttp.ClientSession, request: bytes) -> bytes:
    """Return all that is answered to the bytes of *request*."""
    where = client._base_url
    assert where is not None
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()
