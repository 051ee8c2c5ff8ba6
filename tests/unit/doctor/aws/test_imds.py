from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.host.peers.imds import Imds
from watchdog.doctor.aws.imds import Identity, ImdsError, identity

pytestmark = pytest.mark.adapter


@pytest.fixture
async def imds() -> AsyncIterator[Imds]:
    async with Imds(public="198.51.100.7", role="web").serve() as served:
        yield served


async def asked(imds: Imds, patience: float = 2.0) -> Identity:
    return await identity(("127.0.0.1", imds.port), patience=patience)


async def test_it_tells_the_role_and_the_addresses_of_all_interfaces(
    imds: Imds,
) -> None:
    imds.others = ("198.51.100.8", "198.51.100.9")
    assert await asked(imds) == Identity(
        "i-0123456789abcdef0",
        "eu-central-1",
        "web",
        ("198.51.100.7", "198.51.100.8", "198.51.100.9"),
    )
    assert imds.requests[0] == "PUT /latest/api/token"


async def test_no_public_address_and_no_role_are_none(imds: Imds) -> None:
    imds.public = imds.role = ""
    assert await asked(imds) == Identity("i-0123456789abcdef0", "eu-central-1")


async def test_no_proxy_is_asked(imds: Imds, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await asked(imds)).region == "eu-central-1"


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("off", "turned off for this instance"),
        ("redirect", "no token, but status 302"),
        ("web page", "no instance-id"),
    ],
)
async def test_what_is_no_metadata_service_is_not_believed(imds: Imds, mode: str, why: str) -> None:
    imds.mode = mode
    with pytest.raises(ImdsError, match=why):
        await asked(imds)
    assert not any("secur" in request for request in imds.requests)


@pytest.mark.parametrize(
    "change",
    [
        {"instance": "i-1; rm -rf /"},
        {"instance": ""},
        {"region": "eu-central-1\n--profile x"},
        {"role": "web$(id)"},
        {"public": "198.51.100.7 $(id)"},
        {"public": "1" * 92 + "x"},
    ],
    ids=lambda change: str(change)[:40],
)
async def test_what_would_not_be_safe_in_a_command_is_refused(
    imds: Imds, change: dict[str, str]
) -> None:
    for name, value in change.items():
        setattr(imds, name, value)
    with pytest.raises(ImdsError, match="and no "):
        await asked(imds)


@pytest.mark.parametrize("mode", ["hop limit", "drips"])
async def test_a_token_that_never_arrives_costs_no_more_than_the_patience(
    imds: Imds, mode: str
) -> None:
    imds.mode = mode
    with pytest.raises(ImdsError, match=r"no answer within 0\.2 s"):
        await asked(imds, patience=0.2)


async def test_where_nobody_listens_it_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(ImdsError, match="Connection refused"):
        await identity(("127.0.0.1", port))


async def test_the_peer_is_as_strict_as_the_real_one(imds: Imds) -> None:
    async def status(request: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", imds.port)
        writer.write(f"{request}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        line = (await reader.readline()).decode()
        writer.close()
        return line.split()[1]

    ttl = "X-aws-ec2-metadata-token-ttl-seconds"
    assert await status("PUT /latest/api/token HTTP/1.1") == "400"
    assert await status(f"PUT /latest/api/token HTTP/1.1\r\n{ttl}: 21601") == "400"
    assert await status(f"GET /latest/api/token HTTP/1.1\r\n{ttl}: 60") == "405"
    assert await status("GET /latest/meta-data/instance-id HTTP/1.1") == "401"
    forwarded = f"{ttl}: 60\r\nX-Forwarded-For: 10.0.0.1"
    assert await status(f"PUT /latest/api/token HTTP/1.1\r\n{forwarded}") == "403"
