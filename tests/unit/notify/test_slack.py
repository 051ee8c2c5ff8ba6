"""Slack: what arrives there, over real HTTP, and what each of its answers means."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator

import pytest

from tests.host.peers.slack import SlackServer
from tests.unit.notify.alerts import message
from tests.unit.notify.canned import Answer, as_json, as_text, canned
from watchdog.errors import DeliveryError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.notify.route import Route
from watchdog.notify.slack import Slack, SlackBot, SlackWebhook

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
PATIENT, HASTY = Route(timeout=30), Route(timeout=0.2)
SECRETS = (SlackServer.TOKEN, SlackServer.HOOK)


@pytest.fixture(autouse=True)
def proxies_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxies must not matter, to these tests least of all."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


def bot(
    server: SlackServer,
    route: Route = PATIENT,
    token: str = SlackServer.TOKEN,
    channel: str = SlackServer.CHANNEL,
) -> SlackBot:
    return SlackBot(token, channel, api_url=server.api_url, route=route)


async def failure(notifier: Slack) -> DeliveryError:
    """Return the error of one sending, after making sure that it gives away nothing."""
    try:
        with pytest.raises(DeliveryError) as caught:
            await notifier.send(message(), KEY)
    finally:
        await notifier.close()
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(secret in shown for secret in SECRETS)
    return caught.value


@pytest.mark.adapter
def test_importing_the_module_imports_no_client() -> None:
    lines = (
        "import sys, watchdog.notify.slack, watchdog.notify.email",
        "import watchdog.notify.webhook",
        "heavy = {'aiohttp', 'slack_sdk', 'aiosmtplib', 'email'} & sys.modules.keys()",
        "sys.exit(', '.join(heavy) or None)",
    )
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False).returncode == 0


# --- what arrives -------------------------------------------------------------------------------


async def test_the_bot_posts_text_blocks_key_and_incident(slack: SlackServer) -> None:
    notifier = bot(slack)
    receipt = await notifier.send(message(), KEY)
    await notifier.close()
    [posted] = slack.messages
    assert receipt.details == {"channel": SlackServer.CHANNEL_ID, "ts": posted.ts, "to": "#ops"}
    assert posted.text.splitlines()[0] == (
        'FIRING langchain-api: /health answered 500: "database is locked"'
    )
    assert posted.body["client_msg_id"] == KEY
    assert posted.body["metadata"]["event_payload"]["incident"] == "k3f9qa"
    assert [block["type"] for block in posted.body["blocks"]] == ["section"]
    [bar] = posted.body["attachments"]
    assert [block["type"] for block in bar["blocks"]] == ["section"] * 2
    assert bar["fallback"] == posted.text.splitlines()[0]
    assert posted.body["unfurl_links"] is False
    assert posted.body["unfurl_media"] is False
    assert posted.body["parse"] == "none"
    assert posted.body["link_names"] is False


async def test_the_webhook_posts_text_and_blocks(slack: SlackServer) -> None:
    notifier = SlackWebhook(slack.webhook_url, route=PATIENT)
    receipt = await notifier.send(message(), KEY)
    await notifier.close()
    [posted] = slack.messages
    assert receipt.details == {}
    assert posted.via == "webhook"
    assert posted.text.startswith("FIRING langchain-api:")
    assert len(posted.body["blocks"]) == 3


async def test_prepare_connects_and_posts_nothing(slack: SlackServer) -> None:
    notifier = bot(slack)
    await notifier.prepare()
    await notifier.prepare()
    prepared = time.monotonic()
    assert slack.requests == []
    await notifier.send(message(), KEY)
    await notifier.send(message("resolved"), KEY)
    await notifier.close()
    first, second = slack.requests
    # The connection that was opened ahead is the one that is used.
    assert first.arrival.accepted == second.arrival.accepted < prepared


async def test_prepare_fails_in_silence() -> None:
    notifier = SlackBot("token", "#ops", api_url="http://127.0.0.1:9/api/", route=PATIENT)
    await notifier.prepare()
    await notifier.close()


async def test_a_closed_notifier_opens_again(slack: SlackServer) -> None:
    notifier = bot(slack)
    await notifier.close()
    await notifier.send(message(), KEY)
    await notifier.close()
    await notifier.send(message(), KEY)
    await notifier.close()
    assert len(slack.messages) == 2


async def test_a_named_proxy_is_used(slack: SlackServer) -> None:
    through = Route(timeout=30, proxy=slack.url)
    notifier = SlackBot(
        SlackServer.TOKEN, "#ops", api_url="http://slack.invalid/api/", route=through
    )
    await notifier.send(message(), KEY)
    await notifier.close()
    assert len(slack.messages) == 1
    assert "127" not in repr(through)


async def test_the_environment_is_trusted_only_when_told_and_no_proxy_is_honoured(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = Route(timeout=30, trust_env=True)
    assert "proxy does not accept" in str(await failure(bot(slack, trusting)))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    notifier = bot(slack, trusting)
    await notifier.send(message(), KEY)
    await notifier.close()


# --- how it fails -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["bot", "webhook"])
@pytest.mark.parametrize(
    ("mode", "words", "retry_after"),
    [
        ("rate_limit", "Slack limits the rate of messages", 7.0),
        ("error500", "Slack is in trouble (500)", None),
        ("html502", "Slack is in trouble (502)", None),
        ("hang", "no answer within 0.2 s; should it have arrived", None),
        ("drop_before_accepting", "the connection was lost", None),
        ("drop_after_accepting", "the connection was lost", None),
        ("garbage", "the answer is not Slack's", None),
    ],
)
async def test_slacks_troubles_are_temporary(
    slack: SlackServer, way: str, mode: str, words: str, retry_after: float | None
) -> None:
    slack.behave(mode, retry_after=7)
    route = HASTY if mode == "hang" else PATIENT
    hook = slack.webhook_url
    notifier: Slack = bot(slack, route) if way == "bot" else SlackWebhook(hook, route=route)
    error = await failure(notifier)
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after
    # One request: the library's own retries would post twice what was accepted.
    assert len(slack.requests) == 1


@pytest.mark.parametrize(
    ("token", "channel", "words"),
    [
        ("xoxb-wrong", "#ops", "invalid_auth; install the app in the workspace again"),
        ("", "#ops", "not_authed; install the app in the workspace again"),
        (SlackServer.TOKEN, "#nowhere", "channel_not_found; check the channel's name or ID"),
    ],
)
async def test_what_an_operator_can_repair_is_kept_and_tried_slowly(
    slack: SlackServer, token: str, channel: str, words: str
) -> None:
    error = await failure(bot(slack, token=token, channel=channel))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == 300.0
    assert len(slack.requests) == 1


async def test_a_webhook_that_was_removed_can_be_repaired(slack: SlackServer) -> None:
    error = await failure(SlackWebhook(slack.url + "/services/T000/B000/OLD", route=PATIENT))
    assert isinstance(error, TemporaryDeliveryError)
    assert str(error) == (
        "cannot post to Slack webhook: no_service; "
        "make a new incoming webhook and configure its URL"
    )
    assert error.retry_after == 300.0


@pytest.mark.parametrize(
    ("answer", "words", "retry_after"),
    [
        # a person must repair
        (as_json({"ok": False, "error": "account_inactive"}), "bot token", 300.0),
        (as_json({"ok": False, "error": "token_revoked"}), "bot token", 300.0),
        (as_json({"ok": False, "error": "token_expired"}), "bot token", 300.0),
        (
            as_json({"ok": False, "error": "missing_scope", "needed": "chat:write"}),
            "missing_scope (needed: chat:write); add the scope",
            300.0,
        ),
        (as_json({"ok": False, "error": "not_in_channel"}), "invite the app", 300.0),
        (as_json({"ok": False, "error": "is_archived"}), "unarchive", 300.0),
        (as_json({"ok": False, "error": "restricted_action"}), "administrator", 300.0),
        (as_text("not found", 404), "HTTP status 404; check the configured address", 300.0),
        (as_text("<html>login</html>", 403), "HTTP status 403; check", 300.0),
        # unknown, even as plain text
        (as_json({"ok": False, "error": "brand_new_error"}), "brand_new_error", 300.0),
        # Slack's own trouble
        (as_json({"ok": False, "error": "internal_error"}), "trouble (internal_error)", None),
        (as_json({"ok": False, "error": "fatal_error"}), "trouble (fatal_error)", None),
        (as_json({"ok": False, "error": "ratelimited"}), "limits the rate", None),
        (as_json({}, 429, Retry_After="30"), "limits the rate", 30.0),
        (as_json({}, 429, Retry_After="1e99"), "limits the rate", 3600.0),
        (as_json({}, 429, Retry_After="soon"), "limits the rate", None),
        (as_json({}, 429, Retry_After="nan"), "limits the rate", None),
        (as_json({}, 503, Retry_After="12"), "trouble (503)", 12.0),
        # nonsense
        (as_text("<html>welcome to the hotel</html>"), "not Slack's", None),
        (as_text("ok", kind="text/plain"), "not Slack's", None),
        (as_text(b"\xff\xfe\x00", kind="application/json"), "not Slack's", None),
        (as_json(["list"]), "not Slack's", None),
        (as_json({"ok": False, "error": {"not": "a word"}}), "not Slack's", None),
        (as_json(None), "not Slack's", None),
    ],
)
async def test_each_answer_to_the_bot_is_classified(
    answer: Answer, words: str, retry_after: float | None
) -> None:
    async with canned(answer) as server:
        error = await failure(SlackBot("xoxb-token", "#ops", api_url=server.url, route=PATIENT))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after


@pytest.mark.parametrize(
    ("answer", "words", "retry_after"),
    [
        (as_text("channel_is_archived", 410), "unarchive", 300.0),
        (as_text("action_prohibited", 403), "administrator", 300.0),
        (as_text("invalid_token", 403), "new incoming webhook", 300.0),
        (as_text("rollup_error", 500), "trouble (rollup_error)", None),
        (as_text("", 200), "not Slack's", None),
        (as_text(b"\xff\xfe", 200), "not Slack's", None),
        (as_json({"ok": False}), "not Slack's", None),
    ],
)
async def test_each_answer_to_the_webhook_is_classified(
    answer: Answer, words: str, retry_after: float | None
) -> None:
    async with canned(answer) as server:
        error = await failure(SlackWebhook(server.url + SlackServer.HOOK, route=PATIENT))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after


async def test_a_workflows_webhook_answers_in_json() -> None:
    async with canned(as_json({"ok": True})) as server:
        notifier = SlackWebhook(server.url, route=PATIENT)
        await notifier.send(message(), KEY)
        await notifier.close()


@pytest.mark.parametrize(
    "code", ["invalid_blocks", "msg_too_long", "msg_blocks_too_long", "duplicate_message_not_found"]
)
async def test_a_form_that_is_refused_goes_out_as_plain_text_at_once(code: str) -> None:
    ok = as_json({"ok": True, "channel": "C1", "ts": "1.2"})
    async with canned(as_json({"ok": False, "error": code}), ok) as server:
        notifier = SlackBot("xoxb-token", "#ops", api_url=server.url, route=PATIENT)
        receipt = await notifier.send(message(), KEY)
        await notifier.close()
    assert receipt.details == {"channel": "C1", "ts": "1.2", "to": "#ops"}
    full, plain = server.bodies
    assert b'"blocks"' in full
    assert b"blocks" not in plain
    assert b"client_msg_id" not in plain
    assert (
        b'FIRING langchain-api: /health answered 500: \\"database is locked\\" (incident' in plain
    )


async def test_what_is_refused_as_plain_text_too_is_rejected() -> None:
    async with canned(as_json({"ok": False, "error": "invalid_blocks"})) as server:
        error = await failure(SlackBot("xoxb-token", "#ops", api_url=server.url, route=PATIENT))
    assert isinstance(error, RejectedDeliveryError)
    assert "even as plain text (invalid_blocks)" in str(error)
    assert len(server.bodies) == 2


async def test_a_webhook_that_refuses_the_form_gets_plain_text_too() -> None:
    async with canned(as_text("invalid_blocks", 400), as_text("ok")) as server:
        notifier = SlackWebhook(server.url, route=PATIENT)
        await notifier.send(message(), KEY)
        await notifier.close()
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("url", "words", "retry_after"),
    [
        ("http://127.0.0.1:9/services/T000/B000/XXX", "cannot connect: Connection refused", None),
        ("http://slack.invalid/services/T000/B000/XXX", "name cannot be resolved", None),
        ("ftp://slack.com/services/T000/B000/XXX", "not an http or https URL", 300.0),
        ("/services/T000/B000/XXX", "not an http or https URL", 300.0),
    ],
)
async def test_an_address_that_leads_nowhere_is_temporary(
    url: str, words: str, retry_after: float | None
) -> None:
    error = await failure(SlackWebhook(url, route=Route(timeout=5)))
    assert isinstance(error, TemporaryDeliveryError)
    assert words in str(error)
    assert error.retry_after == retry_after


async def test_tls_that_fails_is_temporary(slack: SlackServer) -> None:
    url = slack.webhook_url.replace("http:", "https:")
    error = await failure(SlackWebhook(url, route=PATIENT))
    assert isinstance(error, TemporaryDeliveryError)
    assert "TLS" in str(error)


@pytest.mark.parametrize("way", ["bot", "webhook"])
async def test_a_log_at_level_debug_holds_no_secret(
    slack: SlackServer, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    notifier: Slack = bot(slack) if way == "bot" else SlackWebhook(slack.webhook_url, route=PATIENT)
    await notifier.prepare()
    await notifier.send(message(), KEY)
    await notifier.close()
    # The server in this process writes an access log of its own.
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    assert not any(secret in record.getMessage() for record in ours for secret in SECRETS)
