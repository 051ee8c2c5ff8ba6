"""Servers that answer anything but what was asked: no alert is lost, no memory is filled."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.unit.notify.alerts import OPENED, message
from tests.unit.notify.serving import serving
from watchdog.errors import TemporaryDeliveryError
from watchdog.notify import http_wire
from watchdog.notify.alertmanager import Alertmanager, Cluster
from watchdog.notify.email import EmailNotifier, Server
from watchdog.notify.route import Route
from watchdog.notify.slack import SlackBot, SlackWebhook
from watchdog.notify.webhook import Hook, Webhook
from watchdog.ports import Notifier

pytestmark = pytest.mark.adapter

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
ROUTE = Route(timeout=5.0)  # what is tested here never comes to that
SOON = Route(timeout=0.2)

RESEND = 60.0

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]

SILLY = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
JSON = "Content-Type: application/json"


def slack_bot(url: str, route: Route = ROUTE) -> Notifier:
    return SlackBot("xoxb-1", "C1", api_url=f"{url}/api/", route=route)


def slack_webhook(url: str, route: Route = ROUTE) -> Notifier:
    return SlackWebhook(f"{url}/services/T/B/x", route=route)


def webhook(url: str, route: Route = ROUTE) -> Notifier:
    return Webhook(Hook("pager", url, "", {}), route=route)


def alertmanager(url: str, route: Route = ROUTE) -> Notifier:
    cluster = Cluster("alertmanager", (url,), RESEND, {}, "", "")
    return Alertmanager(cluster, route=route, now=lambda: OPENED)


SLACK = (slack_bot, slack_webhook)
ALL = (*SLACK, webhook, alertmanager)


def answer(body: bytes = b"", *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def saying(text: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return talk


def without_end(begin: bytes, more: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(more)
            await writer.drain()

    return talk


@asynccontextmanager
async def http(talk: Talk) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await talk(writer)

    async with serving(handle) as port:
        yield f"http://127.0.0.1:{port}"


async def refusal(notifier: Notifier) -> TemporaryDeliveryError:
    """Return why the alert was not taken; it is kept and tried again."""
    try:
        with pytest.raises(TemporaryDeliveryError) as caught:
            await notifier.send(message(), KEY)
    finally:
        await notifier.close()
    return caught.value


# --- HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", SLACK)
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/gzip"])
async def test_an_answer_of_slack_without_end_is_read_to_a_bound(
    make: Callable[[str], Notifier], kind: str
) -> None:
    begin = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode()
    async with http(without_end(begin, bytes(65536))) as url:
        assert "longer than 1 MiB" in str(await refusal(make(url)))


async def test_making_ready_reads_no_answer_without_end() -> None:
    sent = 0

    async def talk(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with http(talk) as url:
        notifier = slack_bot(url)
        await notifier.prepare()
        await notifier.close()
    assert 0 < sent < 16 * http_wire.ANSWER_SIZE  # the rest is in the kernel's buffers


@pytest.mark.parametrize("make", SLACK)
async def test_nothing_that_slack_has_packed_is_unpacked(make: Callable[[str], Notifier]) -> None:
    asked = b""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b'{"ok":true}') + packer.flush()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(packed, JSON, "Content-Encoding: gzip"))
        await writer.drain()
        await reader.read()

    async with serving(handle) as port:
        assert "not Slack's" in str(await refusal(make(f"http://127.0.0.1:{port}")))
    assert b"accept-encoding: identity" in asked.lower()


@pytest.mark.parametrize("make", SLACK)
@pytest.mark.parametrize(
    "said",
    [
        answer(b'{"ok":"false"}', JSON),
        answer(b'{"ok":1}', JSON),
        answer(b'{"ok":null}', JSON),
        answer(b"{}", JSON),
        answer(b"[]", JSON),
        answer(b'"ok"', JSON),
        answer(b"[" * 100_000, JSON),
        answer(b"<html>ok</html>", "Content-Type: text/html"),
        answer(b"\x1f\x8b\x08", "Content-Type: application/gzip"),
        answer(b'{"ok":false}', f"{JSON}; charset=zlib"),
        answer(b"\xff\xfe", JSON),
        answer(),
    ],
)
async def test_only_slacks_own_yes_is_one(make: Callable[[str], Notifier], said: bytes) -> None:
    async with http(saying(said)) as url:
        assert "the answer is not Slack's" in str(await refusal(make(url)))


@pytest.mark.parametrize("make", SLACK)
async def test_what_a_redirect_leads_to_is_no_answer(make: Callable[[str], Notifier]) -> None:
    """A portal's page may say "ok" to anybody."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            moved = answer(b"", "Location: /portal", status=302)
            writer.write(moved if asked[-1].startswith(b"POST") else answer(b"ok"))
            await writer.drain()

    async with serving(handle) as port:
        why = await refusal(make(f"http://127.0.0.1:{port}"))
    assert "it redirects, which is not followed" in str(why)
    assert not any(b"portal" in request for request in asked)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    "talk",
    [
        without_end(b"", bytes(range(256)) * 16),
        without_end(b"HTTP/1.1 200 OK\r\nX: ", bytes(65536)),
        without_end(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
        without_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"f" * 65536),
        saying(b"\x15\x03\x01\x00\x02\x02\x28"),
    ],
    ids=["binary", "endless-header", "endless-headers", "endless-chunk-size", "tls"],
)
async def test_garbage_keeps_the_alert(make: Callable[[str, Route], Notifier], talk: Talk) -> None:
    async with http(talk) as url:
        assert "the connection was lost" in str(await refusal(make(url, ROUTE)))


@pytest.mark.parametrize("make", ALL)
async def test_interim_answers_without_end_are_no_answer(
    make: Callable[[str, Route], Notifier],
) -> None:
    async with http(without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)) as url:
        why = "it sent more than 20 interim answers (1xx) and no other"
        assert why in str(await refusal(make(url, ROUTE)))


async def test_a_few_interim_answers_are_waited_out() -> None:
    async with http(saying(b"HTTP/1.1 102 Processing\r\n\r\n" * 20 + answer(b"ok"))) as url:
        notifier = slack_webhook(url)
        await notifier.send(message(), KEY)
        await notifier.send(message(), KEY)  # each answer is counted by itself
        await notifier.close()


@pytest.mark.parametrize("make", ALL)
async def test_a_byte_now_and_then_is_not_waited_for(
    make: Callable[[str, Route], Notifier],
) -> None:
    async def talk(writer: asyncio.StreamWriter) -> None:
        for byte in answer(b"ok"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)  # slower than all that is waited for

    async with http(talk) as url:
        assert "no answer within 0.2 s" in str(await refusal(make(url, SOON)))


@pytest.mark.parametrize("make", [slack_webhook, webhook, alertmanager])
async def test_a_silly_retry_after_makes_no_alert_arrive_twice(
    make: Callable[[str], Notifier],
) -> None:
    async with http(saying(answer(b"ok", f"Retry-After: {SILLY}"))) as url:
        notifier = make(url)
        await notifier.send(message(), KEY)  # is taken
        await notifier.close()


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        (SILLY, None),
        ("Mon, 01 Jan 2029 00:00:00 +99999999999999", None),
        ("soon", None),
        ("nan", None),
        ("1e999", None),
        ("", None),
        ("-5", 0.0),
        ("1e300", http_wire.RETRY_AFTER_MAX),
        ("Fri, 31 Dec 9999 23:59:59 GMT", http_wire.RETRY_AFTER_MAX),
    ],
)
async def test_a_silly_retry_after_is_no_reason_to_wait_for_ever(
    make: Callable[[str], Notifier], asked: str, understood: float | None
) -> None:
    async with http(saying(answer(b"", f"Retry-After: {asked}", status=429))) as url:
        pause = (await refusal(make(url))).retry_after
    if make is alertmanager:
        assert pause is None or 0 < pause <= RESEND  # it is told again by then
    else:
        assert pause == understood


async def test_who_speaks_no_tls_is_told_from_whose_certificate_is_wrong() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(b"220 mail.example.com ESMTP\r\n")(writer)

    async with serving(handle) as port:
        why = await refusal(webhook(f"https://127.0.0.1:{port}"))
    assert "does not speak TLS as expected" in str(why)


# --- SMTP ---------------------------------------------------------------------------------------


def mail(port: int, timeout: float = 5.0) -> EmailNotifier:
    server = Server("127.0.0.1", port, "none", timeout=timeout)
    return EmailNotifier("a@example.com", sender="w@example.com", server=server)


@asynccontextmanager
async def smtp(replies: dict[bytes, bytes], greeting: bytes = b"220 hi\r\n") -> AsyncIterator[int]:
    """Answer each command with its reply; an empty one closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            reply = replies.get(line[:4].strip().upper(), b"250 ok\r\n")
            if not reply:
                return
            writer.write(reply)
            if reply.startswith(b"354"):
                await reader.readuntil(b"\r\n.\r\n")
                if not (taken := replies.get(b".", b"250 taken\r\n")):
                    return
                writer.write(taken)
            await writer.drain()

    async with serving(handle) as port:
        yield port


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ({b"EHLO": b"hello yourself\r\n", b"HELO": b"what\r\n"}, ""),
        ({b"EHLO": b"\xff\xfe\x00\r\n", b"HELO": b"\x00\r\n"}, ""),
        ({b"EHLO": b"250-" + b"x" * 100_000 + b"\r\n", b"HELO": b"250-" + b"x" * 100_000}, ""),
        ({b"EHLO": b"250-x\r\n" * 200_000}, ""),
        ({b"RCPT": b"999 what\r\n"}, ""),
        ({b"DATA": b"354 go\r\n", b".": b""}, "it will arrive twice"),
        ({b"DATA": b"354 go\r\n", b".": b"451 later\r\n"}, "451 later"),
        ({b"DATA": b"354 go\r\n", b".": b"what?\r\n"}, ""),
        ({b"DATA": b"250 no\r\n"}, ""),
        ({b"MAIL": b""}, "the connection was lost"),
        ({b"MAIL": b"452 full\r\n"}, "452 full"),
        ({b"RCPT": b"450 greylisted\r\n"}, "450 greylisted"),
    ],
)
async def test_a_mail_server_that_answers_nonsense_keeps_the_alert(
    replies: dict[bytes, bytes], why: str
) -> None:
    async with smtp(replies) as port:
        assert why in str(await refusal(mail(port)))


@pytest.mark.parametrize(
    "talk",
    [without_end(b"", bytes(65536)), without_end(b"220-", b"x\r\n220-" * 10_000)],
    ids=["binary", "endless-greeting"],
)
async def test_a_mail_server_that_never_ends_is_read_to_a_bound(talk: Talk) -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(writer)

    async with serving(handle) as port:
        await refusal(mail(port))
