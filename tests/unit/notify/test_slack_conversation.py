"""Slack by bot token: edits and replies over real HTTP, and what each refusal of them means."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.host.peers.slack import SlackServer
from tests.unit.notify.alerts import message
from tests.unit.notify.canned import Answer, as_json, canned
from watchdog.errors import (
    DeliveryError,
    MessageGoneError,
    RejectedDeliveryError,
    TemporaryDeliveryError,
)
from watchdog.notify.route import Route
from watchdog.notify.slack import SlackBot
from watchdog.ports import Conversing, Receipt

pytestmark = pytest.mark.adapter

KEY = "0b8f2a6e-6a53-5c0e-8b9a-0d7a4c1f2e3d"
PATIENT = Route(timeout=30)
THERE = Receipt({"channel": "C0123456789", "ts": "1763777580.000001", "to": "#ops"})


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
async def bot(slack: SlackServer) -> AsyncIterator[SlackBot]:
    notifier = SlackBot(SlackServer.TOKEN, "#ops", api_url=slack.api_url, route=PATIENT)
    yield notifier
    await notifier.close()


async def failure(bot: SlackBot, call: str, receipt: Receipt = THERE) -> DeliveryError:
    edit = bot.edit(message("resolved"), receipt)
    reply = bot.reply(message("resolved"), KEY, receipt, loud=False)
    wanted, other = (edit, reply) if call == "edit" else (reply, edit)
    other.close()
    with pytest.raises(DeliveryError) as caught:
        await wanted
    await bot.close()
    return caught.value


def test_the_bot_keeps_conversations(bot: SlackBot) -> None:
    assert isinstance(bot, Conversing)


async def test_a_message_is_edited_in_all_its_parts(slack: SlackServer, bot: SlackBot) -> None:
    receipt = await bot.send(message(), KEY)
    await bot.edit(message("resolved"), receipt)
    [edited] = slack.messages
    assert edited.updates == 1
    assert edited.text.startswith("RESOLVED langchain-api after 6 min")
    assert "RESOLVED" in edited.body["blocks"][0]["text"]["text"]
    assert edited.body["attachments"][0]["fallback"].startswith("RESOLVED")
    assert edited.body["metadata"]["event_payload"]["kind"] == "resolved"
    asked = slack.requests[-1].body
    assert (asked["channel"], asked["parse"], asked["link_names"]) == ("C0123456789", "none", False)
    assert not {"unfurl_links", "client_msg_id"} & asked.keys()


@pytest.mark.parametrize("loud", [True, False])
async def test_a_reply_is_below_the_message_and_in_the_channel_only_if_loud(
    slack: SlackServer, bot: SlackBot, *, loud: bool
) -> None:
    receipt = await bot.send(message(), KEY)
    answered = await bot.reply(message("gave-up"), KEY, receipt, loud=loud)
    root, reply = slack.messages
    assert (reply.thread, reply.ts) == (root.ts, answered.details["ts"])
    assert reply.in_channel is loud
    assert reply.body["client_msg_id"] == KEY
    assert reply.body["unfurl_links"] is False


@pytest.mark.parametrize("call", ["edit", "reply"])
@pytest.mark.parametrize(
    ("answer", "error", "retry_after"),
    [
        (as_json({"ok": False, "error": "message_not_found"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "thread_not_found"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "cant_update_message"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "edit_window_closed"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "channel_not_found"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "is_inactive"}), MessageGoneError, None),
        (as_json({"ok": False, "error": "update_failed"}), TemporaryDeliveryError, None),
        (as_json({"ok": False, "error": "invalid_auth"}), TemporaryDeliveryError, 300.0),
        (as_json({"ok": False, "error": "not_in_channel"}), TemporaryDeliveryError, 300.0),
        (as_json({}, 429, Retry_After="30"), TemporaryDeliveryError, 30.0),
        (as_json({}, 503), TemporaryDeliveryError, None),
        (as_json({"ok": False, "error": "msg_too_long"}), RejectedDeliveryError, None),
    ],
)
async def test_each_refusal_of_an_edit_or_a_reply_is_classified(
    answer: Answer, error: type[DeliveryError], retry_after: float | None, call: str
) -> None:
    async with canned(answer) as server:
        bot = SlackBot("xoxb-token", "#ops", api_url=server.url, route=PATIENT)
        found = await failure(bot, call)
    assert isinstance(found, error)
    assert getattr(found, "retry_after", None) == retry_after


@pytest.mark.parametrize("call", ["edit", "reply"])
async def test_a_form_that_is_refused_is_plain_text_at_once_with_nothing_left_of_the_old(
    call: str,
) -> None:
    refused, taken = as_json({"ok": False, "error": "invalid_blocks"}), as_json({"ok": True})
    async with canned(refused, taken) as server:
        bot = SlackBot("xoxb-token", "#ops", api_url=server.url, route=PATIENT)
        if call == "edit":
            await bot.edit(message(), THERE)
        else:
            await bot.reply(message(), KEY, THERE, loud=True)
        await bot.close()
    full, plain = server.bodies
    assert b'"blocks"' in full
    if call == "edit":
        assert b'"blocks": []' in plain
        assert b'"attachments": []' in plain
    else:
        assert b'"thread_ts"' in plain
        assert b'"reply_broadcast": true' in plain


@pytest.mark.parametrize("call", ["edit", "reply"])
@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(),
        Receipt({"channel": "C0123456789"}),
        Receipt({**THERE.details, "to": "#old"}),
        Receipt({"message_id": "<a@b>"}),
    ],
)
async def test_what_was_posted_elsewhere_is_not_looked_for(
    slack: SlackServer, bot: SlackBot, call: str, receipt: Receipt
) -> None:
    assert isinstance(await failure(bot, call, receipt), MessageGoneError)
    assert slack.requests == []


@pytest.mark.parametrize("call", ["edit", "reply"])
async def test_a_lost_answer_is_temporary(slack: SlackServer, call: str) -> None:
    slack.behave("hang")
    hasty = Route(timeout=0.2)
    bot = SlackBot(SlackServer.TOKEN, "#ops", api_url=slack.api_url, route=hasty)
    found = await failure(bot, call)
    await bot.close()
    assert isinstance(found, TemporaryDeliveryError)
    assert "no answer within 0.2 s" in str(found)


async def test_a_deleted_message_is_gone(slack: SlackServer, bot: SlackBot) -> None:
    receipt = await bot.send(message(), KEY)
    slack.workspace.delete(receipt.details["ts"])
    assert isinstance(await failure(bot, "edit", receipt), MessageGoneError)
