"""The webhook: what arrives over real HTTP, how it is signed, and what each answer means."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import jsonschema
import pytest
from aiohttp import web

from tests.markdown import blocks
from tests.unit.notify.alerts import message
from tests.unit.notify.receiver import (
    BEARER,
    PAGE,
    PATH,
    SECRET,
    documented_schema,
    documented_verification,
    receiving,
)
from tests.unit.notify.serving import serving
from tests.unit.notify.test_snapshots import SNAPSHOTS
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify.repair import REPAIR_PAUSE
from watchdog.notify.route import Route
from watchdog.notify.webhook import Hook, Webhook
from watchdog.notify.webhook_message import signature
from watchdog.ports import Receipt

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
PATIENT = Route(timeout=5.0)  # what is tested here never comes to that
SECRETS = (SECRET, PATH, BEARER)


@pytest.fixture(autouse=True)
def proxies_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxies must not matter."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def hook(url: str, secret: str = SECRET, route: Route = PATIENT) -> Webhook:
    return Webhook(Hook("pager", url, secret, {"Authorization": BEARER}), route=route)


async def failure(notifier: Webhook) -> DeliveryError:
    """Return the error of one sending, after making sure that it gives away nothing."""
    try:
        with pytest.raises(DeliveryError) as caught:
            await notifier.send(message(), KEY)
    finally:
        await notifier.close()
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(secret in shown for secret in SECRETS)
    return caught.value


# --- what arrives -------------------------------------------------------------------------------


async def test_a_receiver_that_checks_form_and_signature_takes_every_kind_of_alert() -> None:
    kinds = ("firing", "gave-up", "resolved", "notice", "host-notice", "test")
    async with receiving() as receiver:
        notifier = hook(receiver.url)
        for number, kind in enumerate(kinds):
            await notifier.send(message(kind), f"key-{number}")
        await notifier.close()
    assert [body["type"] for body in receiver.bodies] == [
        "alert.firing",
        "alert.gave-up",
        "alert.resolved",
        "alert.notice",
        "alert.notice",
        "alert.test",
    ]
    assert [body["id"] for body in receiver.bodies] == [f"key-{n}" for n in range(len(kinds))]


async def test_the_headers_are_those_of_standard_webhooks_and_the_operators_own() -> None:
    async with receiving() as receiver:
        notifier = hook(receiver.url)
        before = int(time.time())
        await notifier.send(message(), KEY)
        await notifier.close()
    [(headers, _)] = receiver.taken
    assert headers["webhook-id"] == KEY
    assert before <= int(headers["webhook-timestamp"]) <= time.time()
    assert headers["webhook-signature"].startswith("v1,")
    assert headers["Authorization"] == BEARER


async def test_without_a_secret_nothing_is_signed() -> None:
    async with receiving(signed=False) as receiver:
        notifier = hook(receiver.url, secret="")
        await notifier.send(message(), KEY)
        await notifier.close()
    [(headers, _)] = receiver.taken
    assert "webhook-signature" not in headers
    assert headers["webhook-id"] == KEY


async def test_a_second_try_has_the_same_id_and_a_signature_of_its_own_time() -> None:
    times = iter([time.time() - 100, time.time()])
    async with receiving(web.Response(status=503)) as receiver:
        told = Hook("pager", receiver.url, SECRET)
        notifier = Webhook(told, route=PATIENT, now=lambda: next(times))
        with pytest.raises(TemporaryDeliveryError):
            await notifier.send(message(), KEY)
        await notifier.send(message(), KEY)
        await notifier.close()
    first, second = receiver.seen
    assert first["webhook-id"] == second["webhook-id"] == KEY
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 100
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_a_wrong_secret_is_told_from_the_right_one() -> None:
    async with receiving() as receiver:
        error = await failure(hook(receiver.url, secret="whsec_" + "A" * 32))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot deliver to webhook pager: it answered 401; check its URL, secret and headers"
    )
    assert receiver.taken == []


# --- the documentation --------------------------------------------------------------------------


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks, its own libraries'."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ({"webhook-id": "another"}, "the id is signed"),
        ({"webhook-timestamp": "1"}, "the time is signed, and five minutes old at most"),
        ({"webhook-signature": "v1,AAAA"}, "the signature is compared"),
        ({"webhook-signature": ""}, "there must be one"),
    ],
)
def test_the_documented_verification_refuses_what_was_tampered_with(
    spoil: dict[str, str], why: str
) -> None:
    verify, body, now = documented_verification(), b'{"a":1}', int(time.time())
    headers = {
        "webhook-id": KEY,
        "webhook-timestamp": str(now),
        "webhook-signature": "v1,old " + signature(SECRET, KEY, now, body),
    }
    assert verify(headers, body, SECRET)
    assert not verify(headers, body + b" ", SECRET)
    assert not verify(headers | spoil, body, SECRET), why


def test_the_documented_verification_refuses_a_replay_of_yesterday() -> None:
    then = int(time.time()) - 86_400
    headers = {
        "webhook-id": KEY,
        "webhook-timestamp": str(then),
        "webhook-signature": signature(SECRET, KEY, then, b"{}"),
    }
    assert not documented_verification()(headers, b"{}", SECRET)


def test_the_documented_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(documented_schema())


@pytest.mark.parametrize("path", sorted(SNAPSHOTS.glob("*/*.webhook.json")), ids=lambda p: p.stem)
def test_what_is_sent_fits_the_documented_schema_and_nothing_is_left_out_of_it(
    path: Path,
) -> None:
    schema = documented_schema()
    body = json.loads(path.read_text())
    jsonschema.Draft202012Validator(schema).validate(body)
    assert set(body) == set(schema["properties"])
    assert set(body["data"]) == set(schema["properties"]["data"]["properties"])


def test_the_documented_example_is_what_is_sent() -> None:
    shown = blocks(PAGE, "json")[0].text
    assert shown == (SNAPSHOTS / "en/firing.webhook.json").read_text()


# --- what an answer means -----------------------------------------------------------------------

# As of now: on a busy machine the test comes minutes later.
SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=1800), usegmt=True)
LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "words", "low", "high"),
    [
        (429, {"Retry-After": "30"}, "it answered 429, which may pass", 30, 30),
        (429, {"Retry-After": SOON}, "it answered 429", 900, 1800),
        (429, {"Retry-After": LONG_AGO}, "it answered 429", 0, 0),
        (429, {"Retry-After": "1e99"}, "it answered 429", 3600, 3600),
        (408, {}, "it answered 408", None, None),
        (500, {}, "it answered 500", None, None),
        (503, {"Retry-After": "12"}, "it answered 503", 12, 12),
        (503, {"Retry-After": "soon"}, "it answered 503", None, None),
        (503, {"Retry-After": f"Sun 06 Nov 1994 0{'9' * 40}"}, "it answered 503", None, None),
        (301, {"Location": "/elsewhere"}, "it redirects (status 301)", 300, 300),
    ],
)
async def test_what_may_pass_is_tried_again_as_late_as_the_receiver_asks(
    status: int, headers: dict[str, str], words: str, low: float | None, high: float | None
) -> None:
    async with receiving(web.Response(status=status, headers=headers)) as receiver:
        error = await failure(hook(receiver.url))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    if low is None or high is None:
        assert error.retry_after is None
    else:
        assert error.retry_after is not None
        assert low <= error.retry_after <= high
    assert len(receiver.seen) == 1


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
async def test_what_the_receiver_refuses_is_given_up_and_its_words_are_not_repeated(
    status: int,
) -> None:
    answer = web.Response(status=status, text=f"Cannot POST {PATH} {BEARER}")
    async with receiving(answer) as receiver:
        error = await failure(hook(receiver.url))
    assert isinstance(error, RejectedDeliveryError)
    assert f"refuses this alert with status {status}" in str(error)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 407, 410, 451])
async def test_what_a_person_can_mend_is_kept_until_they_have(status: int) -> None:
    answer = web.Response(status=status, text=f"Cannot POST {PATH} {BEARER}")
    async with receiving(answer) as receiver:
        error = await failure(hook(receiver.url))
    assert isinstance(error, TemporaryDeliveryError)
    assert error.retry_after == REPAIR_PAUSE
    assert PATH not in str(error)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_success_is_one(status: int) -> None:
    async with receiving(web.Response(status=status)) as receiver:
        notifier = hook(receiver.url)
        await notifier.send(message(), KEY)
        await notifier.close()
    assert len(receiver.seen) == 1


async def test_a_success_whose_body_never_ends_is_one() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nand so on")
        await reader.read()

    async with serving(endless) as port:
        notifier = hook(f"http://127.0.0.1:{port}{PATH}")
        receipt = await notifier.send(message(), KEY)
        await notifier.close()
    assert receipt == Receipt()


async def test_silence_is_temporary_and_may_mean_that_it_arrives_twice() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        error = await failure(hook(f"http://127.0.0.1:{port}{PATH}", route=Route(timeout=0.2)))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot reach webhook pager: no answer within 0.2 s; should it have arrived all the same, "
        "it will arrive twice"
    )


async def test_a_receiver_that_is_down_is_temporary() -> None:
    error = await failure(hook(f"http://127.0.0.1:9{PATH}"))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == "cannot reach webhook pager: cannot connect: Connection refused"


async def test_a_log_at_level_debug_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiving() as receiver:
        notifier = hook(receiver.url)
        await notifier.prepare()
        await notifier.send(message(), KEY)
        await notifier.close()
    # The server in this process writes an access log of its own.
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    assert not any(secret in record.getMessage() for record in ours for secret in SECRETS)
    assert not any(secret in repr(Hook("pager", PATH, SECRET)) for secret in SECRETS)
