"""One ping: what travels, what counts as taken, and that the secret stays one."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import watchdog
from tests.host.peers.certificate import self_signed
from tests.host.peers.healthchecks import Healthchecks, checking
from tests.unit.probes.servers import answering, free_port, serving
from watchdog.heartbeat.ping import BODY, PingError, Signal, ping
from watchdog.probes import exchange

pytestmark = pytest.mark.adapter


@pytest.fixture
async def checks() -> AsyncIterator[Healthchecks]:
    async with checking() as checks:
        yield checks


def url(checks: Healthchecks, *, more: str = "") -> str:
    return f"http://127.0.0.1:{checks.port}{checks.PATH}{more}"


async def failure(address: str, timeout: float = 5.0) -> str:  # noqa: ASYNC109
    with pytest.raises(PingError) as caught:
        await ping(address, Signal.SUCCESS, "fine", timeout)
    return str(caught.value)


@pytest.mark.parametrize(
    ("signal", "name"),
    [(Signal.SUCCESS, "success"), (Signal.FAIL, "fail"), (Signal.LOG, "log")],
)
async def test_a_ping_is_taken_as_what_it_says(
    checks: Healthchecks, signal: Signal, name: str
) -> None:
    await ping(url(checks), signal, "web-1: 3 healthy\n두 줄", 5.0)
    [taken] = checks.pings
    assert (taken.signal, taken.body, taken.method) == (name, "web-1: 3 healthy\n두 줄", "POST")
    assert taken.agent == f"service-watchdog/{watchdog.__version__}"
    assert taken.content_type == "text/plain; charset=utf-8"


async def test_the_signal_comes_before_the_query(checks: Healthchecks) -> None:
    await ping(url(checks, more="?create=1"), Signal.FAIL, "", 5.0)
    await ping(url(checks, more="/"), Signal.SUCCESS, "", 5.0)
    assert [(taken.signal, taken.query) for taken in checks.pings] == [
        ("fail", "create=1"),
        ("success", ""),
    ]


async def test_no_more_is_sent_than_is_kept_and_no_character_is_cut_in_two(
    checks: Healthchecks,
) -> None:
    await ping(url(checks), Signal.SUCCESS, "한" * 5000, 5.0)
    assert checks.pings[0].body == "한" * (BODY // 3)


async def test_what_is_no_text_at_all_travels_as_well(checks: Healthchecks) -> None:
    await ping(url(checks), Signal.SUCCESS, "a\udcff\0b", 5.0)
    assert checks.pings[0].body == "a?\0b"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("status 503", "it answered 503"),
        ("status 404", "it answered 404; check the URL, and that the check exists"),
        ("redirect", "it redirects (status 302), which is not followed"),
        ("not found", "it ignored the ping: no such check"),
        ("rate limited", "it ignored the ping: pinged too often"),
    ],
)
async def test_what_is_not_taken_is_told_without_the_secret(
    checks: Healthchecks, mode: str, words: str
) -> None:
    checks.mode = mode
    said = await failure(url(checks))
    assert words in said
    assert checks.CHECK not in said
    assert len(checks.requests) == 1, "no redirect is followed"


async def test_an_answer_that_does_not_come_is_not_waited_for(checks: Healthchecks) -> None:
    checks.mode = "hang"
    assert await failure(url(checks), 0.1) == "no answer within 0.1 s"


async def test_nobody_there_is_told_by_address() -> None:
    port = free_port()
    said = await failure(f"http://127.0.0.1:{port}/ping/secret")
    assert said == f"cannot connect to 127.0.0.1:{port}: Connection refused"


async def test_an_answer_that_is_not_http_is_not_repeated() -> None:
    async with serving(answering(b"/ping/secret is not for you\r\n\r\n")) as port:
        assert await failure(f"http://127.0.0.1:{port}/ping/secret") == "the answer is not HTTP"


async def test_a_name_that_does_not_exist_is_told() -> None:
    assert "cannot resolve no-such-host.invalid" in await failure("http://no-such-host.invalid/x")


async def test_an_address_that_is_none_is_not_repeated() -> None:
    said = await failure("https://ex ample.com/ping/secret")
    assert said == "the configured address is not a URL that can be posted to"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
class TestTls:
    @pytest.fixture(autouse=True)
    def fresh_context(self) -> Iterator[None]:
        """Read the host's authorities anew, before and after."""
        exchange._context.cache_clear()
        yield
        exchange._context.cache_clear()

    async def test_a_trusted_certificate_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, certificate = self_signed(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with checking(context) as checks:
            await ping(f"https://127.0.0.1:{checks.port}{checks.PATH}", Signal.SUCCESS, "", 5.0)
        assert len(checks.pings) == 1

    async def test_a_stranger_is_not_told(self, tmp_path: Path) -> None:
        context, _ = self_signed(tmp_path)
        async with checking(context) as checks:
            said = await failure(f"https://127.0.0.1:{checks.port}{checks.PATH}")
        assert said.startswith("the certificate of 127.0.0.1 is not to be trusted: self")
        assert checks.requests == []

    async def test_who_does_not_speak_tls_is_not_told(self) -> None:
        async with checking() as checks:
            said = await failure(f"https://127.0.0.1:{checks.port}{checks.PATH}")
        assert said.startswith("no TLS session with 127.0.0.1: ")
