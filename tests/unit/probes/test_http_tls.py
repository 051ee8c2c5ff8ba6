"""The http check over TLS, with certificates made for the occasion."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.peers.certificate import self_signed
from tests.unit.probes.servers import answer, answering, free_port, serving
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import HttpCheck
from watchdog.probes import exchange
from watchdog.probes.http import _no_session, make_http_probe

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")


@pytest.fixture(name="tls", scope="module")
def fixture_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


@pytest.fixture(name="server_context")
def fixture_server_context(tls: tuple[ssl.SSLContext, Path]) -> ssl.SSLContext:
    return tls[0]


@pytest.fixture(name="_trusted")
def fixture_trusted(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let the host trust the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    exchange._context.cache_clear()
    yield
    exchange._context.cache_clear()


async def ask(
    context: ssl.SSLContext, *, host: str = "127.0.0.1", verify: bool = True
) -> Observation:
    async with serving(answering(answer(b"fine")), context) as port:
        check = HttpCheck(f"https://{host}:{port}/health", verify_tls=verify)
        return await make_http_probe(check)()


@pytest.mark.usefixtures("_trusted")
async def test_a_trusted_certificate_passes(server_context: ssl.SSLContext) -> None:
    observation = await ask(server_context)
    assert observation.verdict is Verdict.PASS, observation.reason


@pytest.mark.usefixtures("_trusted")
async def test_a_large_answer_is_read_to_the_limit(server_context: ssl.SSLContext) -> None:
    async with serving(answering(answer(b"x" * 500_000)), server_context) as port:
        observation = await make_http_probe(HttpCheck(f"https://127.0.0.1:{port}/"))()
    assert observation.verdict is Verdict.PASS, observation.reason


async def test_a_self_signed_certificate_fails_and_no_restart_can_help(
    server_context: ssl.SSLContext,
) -> None:
    observation = await ask(server_context)
    assert (observation.verdict, observation.curable) == (Verdict.FAIL, False)
    assert observation.reason.startswith("the certificate of 127.0.0.1:")
    assert observation.reason.endswith(" is not valid: self-signed certificate")


@pytest.mark.usefixtures("_trusted")
async def test_a_certificate_for_another_name_fails(server_context: ssl.SSLContext) -> None:
    observation = await ask(server_context, host="localhost")
    assert observation.verdict is Verdict.FAIL
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in observation.reason


async def test_any_certificate_passes_if_it_is_not_to_be_verified(
    server_context: ssl.SSLContext,
) -> None:
    assert (await ask(server_context, verify=False)).verdict is Verdict.PASS


def test_an_expired_certificate_may_be_cured_by_a_restart() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    assert _no_session(error, "example.com", 443) == (
        Verdict.FAIL,
        "the certificate of example.com:443 has expired; renew it, and have the service load it",
        True,
    )


async def test_a_server_without_tls_is_told_apart() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"", "400 Bad Request"))
        await reader.read()

    async with serving(serve) as port:
        observation = await make_http_probe(HttpCheck(f"https://127.0.0.1:{port}/"))()
    assert observation.verdict is Verdict.FAIL
    assert observation.reason == (
        f"no TLS session with 127.0.0.1:{port}: it does not speak TLS; is the URL's scheme http?"
    )


async def test_a_closed_port_is_refused_as_without_tls() -> None:
    port = free_port()
    observation = await make_http_probe(HttpCheck(f"https://127.0.0.1:{port}/"))()
    assert observation.reason == f"cannot connect to 127.0.0.1:{port}: Connection refused"


async def test_a_server_with_tls_that_is_asked_without_says_so(
    server_context: ssl.SSLContext,
) -> None:
    async with serving(answering(), server_context) as port:
        observation = await make_http_probe(HttpCheck(f"http://127.0.0.1:{port}/"))()
    assert observation.verdict is Verdict.FAIL
    assert observation.reason.startswith(f"http://127.0.0.1:{port}/: ")
