"""Proves the peers: they speak as the real ones do, and misbehave as they are told to."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiosmtplib
import pytest

from tests.host.host import Host
from tests.host.peers.slack import Mode, SlackServer
from tests.host.peers.slack_socket import NoPressError
from tests.host.peers.smtp import Behaviour, SmtpServer
from tests.host.peers.smtp import Mode as SmtpMode


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {SlackServer.TOKEN}"}
    ) as session:
        yield session


class Api:
    """Calls the Web API, and keeps the last response."""

    def __init__(self, client: aiohttp.ClientSession, slack: SlackServer) -> None:
        self._client = client
        self._slack = slack
        self.status = 0
        self.headers: dict[str, str] = {}

    async def __call__(self, method: str, **body: Any) -> dict[str, Any]:
        async with self._client.post(self._slack.api_url + method, json=body) as reply:
            self.status = reply.status
            self.headers = dict(reply.headers)
            answer = await reply.json()
            assert isinstance(answer, dict)
            return answer

    async def post(self, **body: Any) -> dict[str, Any]:
        return await self("chat.postMessage", **{"channel": "#ops", "text": "hello", **body})


@pytest.fixture
def api(client: aiohttp.ClientSession, slack: SlackServer) -> Api:
    return Api(client, slack)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


# ------------------------------------------------------------------- slack


@pytest.mark.parametrize("channel", ["#ops", "ops", "C0123456789"])
async def test_slack_posts_to_a_channel_by_name_or_id_and_answers_its_id(
    channel: str, slack: SlackServer, api: Api
) -> None:
    before = time.monotonic()
    answer = await api.post(channel=channel, text="it broke")
    assert answer["ok"] is True
    assert answer["channel"] == "C0123456789"
    [message] = slack.messages
    assert (message.ts, message.text) == (answer["ts"], "it broke")
    [request] = slack.requests
    assert (request.method, request.outcome) == ("chat.postMessage", "ok")
    arrival = request.arrival
    assert before <= arrival.accepted <= arrival.monotonic <= time.monotonic()
    assert time.time() - arrival.at < 60


async def test_slack_edits_only_what_the_app_itself_has_posted_and_is_still_there(
    slack: SlackServer, api: Api, client: aiohttp.ClientSession
) -> None:
    async with client.post(slack.webhook_url, json={"text": "by the hook"}) as reply:
        assert reply.status == 200
    [hooked] = slack.messages
    at = {"channel": hooked.channel, "text": "mine"}
    assert (await api("chat.update", **at, ts=hooked.ts))["error"] == "cant_update_message"
    posted = await api.post()
    slack.workspace.delete(posted["ts"])
    assert (await api("chat.update", **at, ts=posted["ts"]))["error"] == "message_not_found"
    assert (await api.post(thread_ts=posted["ts"]))["error"] == "thread_not_found"
    assert [message.text for message in slack.messages if message.in_channel] == ["by the hook"]


async def test_slack_keeps_what_an_edit_does_not_name_and_leaves_a_reply_where_it_is(
    slack: SlackServer, api: Api
) -> None:
    root = await api.post(blocks=[section("before")])
    reply = await api.post(thread_ts=root["ts"], reply_broadcast=True)
    for answer in (root, reply):
        at = {"channel": answer["channel"], "ts": answer["ts"]}
        assert (await api("chat.update", **at, text="after"))["ok"] is True
    first, second = slack.messages
    assert first.body["blocks"] == [section("before")]
    assert (second.thread, second.in_channel) == (root["ts"], True)
    assert (await api.post(thread_ts=reply["ts"]))["error"] == "thread_not_found"


async def test_slack_limits_edits_by_the_minute(slack: SlackServer, api: Api) -> None:
    slack.workspace.edits_per_minute = 2
    posted = await api.post()
    at = {"channel": posted["channel"], "ts": posted["ts"], "text": "again"}
    assert [(await api("chat.update", **at))["ok"] for _ in range(3)] == [True, True, False]
    assert (api.status, api.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize(
    ("attachment", "error"),
    [
        ({"color": "#d72b3f", "blocks": [section("hello")]}, None),
        ({"color": "good", "text": "hello"}, None),
        ({"color": "crimson", "text": "hello"}, "invalid_attachments"),
        ({"color": "#d72b3f"}, "invalid_attachments"),
        ({"fallback": 7, "text": "hello"}, "invalid_attachments"),
        ({"blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"blocks": [section("x" * 2_900)] * 5}, "msg_blocks_too_long"),
    ],
)
async def test_slack_looks_into_attachments(
    api: Api, attachment: dict[str, Any], error: str | None
) -> None:
    answer = await api.post(attachments=[attachment])
    assert answer.get("error") == error


async def test_slack_updates_a_message_and_answers_in_its_thread(
    slack: SlackServer, api: Api
) -> None:
    posted = await api.post()
    at = {"channel": posted["channel"], "ts": posted["ts"]}
    assert (await api("chat.update", **at, text="healed"))["ok"] is True
    assert (slack.messages[0].text, slack.messages[0].updates) == ("healed", 1)

    assert (await api.post(thread_ts=posted["ts"]))["ok"] is True
    assert slack.messages[1].thread == posted["ts"]

    for change, error in [
        ({"channel": "#ops"}, "channel_not_found"),
        ({"ts": "1000000000.000001"}, "message_not_found"),
        ({"text": "x" * 4_001}, "msg_too_long"),
    ]:
        answer = await api("chat.update", **{**at, "text": "again", **change})
        assert answer == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"channel": "#nowhere"}, "channel_not_found"),
        ({"channel": None}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"blocks": [section("x" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"thread_ts": "1000000000.000001"}, "thread_not_found"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
    ],
)
async def test_slack_refuses_a_message_with_status_200_and_the_errors_name(
    change: dict[str, Any], error: str, slack: SlackServer, api: Api
) -> None:
    assert await api.post(**change) == {"ok": False, "error": error}
    assert api.status == 200
    assert slack.messages == []
    assert [request.outcome for request in slack.requests] == [error]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"type": "sektion"}, "unsupported type: sektion [json-pointer:/blocks/0/type]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (
            section("x" * 3_001),
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        ({"type": "section"}, "missing required field: text [json-pointer:/blocks/0]"),
        (
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2_001}]},
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        (
            {"type": "context", "elements": []},
            "missing required field: elements [json-pointer:/blocks/0]",
        ),
    ],
)
async def test_slack_says_what_is_wrong_with_a_block(
    block: dict[str, Any], reason: str, api: Api
) -> None:
    answer = await api.post(blocks=[block])
    assert answer["error"] == "invalid_blocks"
    assert reason in answer["errors"]
    assert f"[ERROR] {reason}" in answer["response_metadata"]["messages"]


async def test_slack_takes_fifty_blocks_and_not_one_more(api: Api) -> None:
    assert (await api.post(blocks=[{"type": "divider"}] * 50))["ok"] is True
    refused = await api.post(blocks=[{"type": "divider"}] * 51)
    assert refused["errors"] == ["no more than 50 items allowed [json-pointer:/blocks]"]


async def test_slack_wants_a_known_token_and_content_type(slack: SlackServer) -> None:
    url = slack.api_url + "auth.test"
    token = {"Authorization": f"Bearer {slack.TOKEN}"}
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({"json": {}}, "not_authed"),
        ({"json": {"token": slack.TOKEN}}, "not_authed"),
        ({"json": {}, "headers": {"Authorization": "Bearer xoxb-wrong"}}, "invalid_auth"),
        ({"data": {"token": slack.TOKEN}}, None),
        ({"json": {}, "headers": token}, None),
        ({"json": [], "headers": token}, "json_not_object"),
        (
            {"data": "{", "headers": {**token, "Content-Type": "application/json"}},
            "invalid_json",
        ),
        ({"data": "x", "headers": {**token, "Content-Type": "text/x"}}, "invalid_post_type"),
    ]
    async with aiohttp.ClientSession() as client:
        for arguments, expected in cases:
            async with client.post(url, **arguments) as reply:
                assert (await reply.json()).get("error") == expected
        async with client.post(slack.api_url + "chat.shout", json={}, headers=token) as reply:
            assert (await reply.json())["error"] == "unknown_method"


async def test_a_webhook_answers_in_plain_words(
    slack: SlackServer, client: aiohttp.ClientSession
) -> None:
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"json": {"text": "hello"}}, (200, "ok")),
        ({"data": {"payload": '{"text": "hello"}'}}, (200, "ok")),
        ({"json": {}}, (400, "no_text")),
        ({"json": {"blocks": [{"type": "x"}]}}, (400, "invalid_blocks")),
        ({"json": {"text": "hello", "channel": "#nowhere"}}, (404, "channel_not_found")),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, (400, "invalid_payload")),
    ]
    for arguments, expected in cases:
        async with client.post(slack.webhook_url, **arguments) as reply:
            assert (reply.status, await reply.text()) == expected
    async with client.post(slack.webhook_url + "Y", json={"text": "hello"}) as reply:
        assert (reply.status, await reply.text()) == (404, "no_service")
    assert [message.channel for message in slack.messages] == [slack.CHANNEL_ID] * 2


async def test_slack_limits_the_rate_for_as_many_requests_as_told(
    slack: SlackServer, api: Api
) -> None:
    slack.behave(Mode.RATE_LIMIT, retry_after=7, count=1)
    assert await api.post() == {"ok": False, "error": "ratelimited"}
    assert (api.status, api.headers["Retry-After"]) == (429, "7")
    assert (await api.post())["ok"] is True


async def test_slack_takes_one_message_per_second_and_channel(
    client: aiohttp.ClientSession,
) -> None:
    channels = {"C1": "one", "C2": "two"}
    async with SlackServer(one_per_second=True, channels=channels) as slack:
        api = Api(client, slack)
        assert (await api.post(channel="#one"))["ok"] is True
        assert (await api.post(channel="#two"))["ok"] is True
        assert (await api.post(channel="#one"))["error"] == "ratelimited"
        assert (api.status, api.headers["Retry-After"]) == (429, "1")


async def test_slack_has_its_bad_moments(slack: SlackServer, client: aiohttp.ClientSession) -> None:
    url, message = slack.api_url + "chat.postMessage", {"channel": "#ops", "text": "hello"}
    for mode, status, kind in [
        (Mode.ERROR_500, 500, "text/plain"),
        (Mode.HTML_502, 502, "text/html"),
        (Mode.GARBAGE, 200, "text/plain"),
    ]:
        slack.behave(mode)
        async with client.post(url, json=message) as reply:
            assert (reply.status, reply.content_type) == (status, kind)
            with pytest.raises(ValueError, match="Expecting value"):
                json.loads(await reply.text())
    assert slack.messages == []


@pytest.mark.parametrize(
    ("mode", "posted"), [(Mode.DROP_BEFORE_ACCEPTING, 0), (Mode.DROP_AFTER_ACCEPTING, 1)]
)
async def test_slack_cuts_the_connection_before_or_after_posting(
    mode: Mode, posted: int, slack: SlackServer, api: Api
) -> None:
    slack.behave(mode, count=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.post()
    assert len(slack.messages) == posted


async def test_slack_hangs_until_the_client_gives_up(
    slack: SlackServer, client: aiohttp.ClientSession
) -> None:
    slack.behave(Mode.HANG)
    with pytest.raises(TimeoutError):
        await client.post(slack.webhook_url, json={}, timeout=aiohttp.ClientTimeout(total=0.1))
    assert [request.outcome for request in await slack.wait_for_requests(1)] == ["hang"]


@pytest.mark.parametrize(("dedup", "posted"), [(True, 1), (False, 2)])
async def test_slack_notices_a_message_sent_twice(
    dedup: bool, posted: int, slack: SlackServer, api: Api
) -> None:
    slack.workspace.dedup = dedup
    first = await api.post(client_msg_id="1f2e")
    second = await api.post(client_msg_id="1f2e")
    assert (first["ts"] == second["ts"]) is dedup
    assert [request.duplicate for request in slack.requests] == [False, True]
    assert len(slack.messages) == posted


# --- Socket Mode --------------------------------------------------------------------------------

BUTTON: dict[str, Any] = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Go"},
    "action_id": "go",
    "value": "v",
}


@pytest.fixture
async def app(slack: SlackServer) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """An app's connection that has said hello."""
    headers = {"Authorization": f"Bearer {SlackServer.APP_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{slack.api_url}apps.connections.open", data={}) as reply:
            url = (await reply.json())["url"]
        async with session.ws_connect(url) as link:
            assert (await link.receive_json())["type"] == "hello"
            yield link


async def test_slack_opens_connections_for_an_app_level_token_and_nothing_else(
    slack: SlackServer, api: Api
) -> None:
    assert (await api("apps.connections.open"))["error"] == "not_allowed_token_type"
    headers = {"Authorization": f"Bearer {SlackServer.APP_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await Api(session, slack).post()
        assert answer["error"] == "not_allowed_token_type"
        url = slack.url.replace("http", "ws") + "/link/?ticket=made-up"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_a_button_can_be_pressed_if_a_message_has_it(
    slack: SlackServer, api: Api, app: aiohttp.ClientWebSocketResponse
) -> None:
    await api.post(blocks=[{"type": "actions", "elements": [BUTTON]}])
    with pytest.raises(NoPressError, match="no button Stop"):
        await slack.socket_mode.press("Stop")
    pressing = asyncio.create_task(slack.socket_mode.press("Go", user="U1", name="kim"))
    envelope = await app.receive_json()
    assert envelope["payload"]["actions"][0]["value"] == "v"
    assert envelope["payload"]["user"]["id"] == "U1"
    await app.send_json({"envelope_id": envelope["envelope_id"]})
    await pressing
    assert slack.socket_mode.failures == []


async def test_slack_keeps_count_of_what_an_app_acknowledges_wrongly(
    slack: SlackServer, app: aiohttp.ClientWebSocketResponse
) -> None:
    sending = asyncio.create_task(slack.socket_mode.send("interactive", {}))
    envelope = await app.receive_json()
    await app.send_json({"envelope_id": "nosuch"})
    for _ in range(2):
        await app.send_json({"envelope_id": envelope["envelope_id"]})
    await app.send_str("[]")
    await sending
    await slack.socket_mode.go_away()
    unknown, twice, odd = slack.socket_mode.failures
    assert unknown == "unknown envelope nosuch"
    assert "acknowledged twice" in twice
    assert odd == "no acknowledgement: []"


async def test_an_envelope_that_nobody_acknowledges_is_a_failure(
    slack: SlackServer, app: aiohttp.ClientWebSocketResponse
) -> None:
    with pytest.raises(NoPressError, match="does not answer"):
        await slack.socket_mode.send("interactive", {})
    await app.close()
    assert slack.socket_mode.failures == ["envelope not acknowledged within 3 s"]


async def test_who_is_not_connected_gets_no_press(slack: SlackServer, api: Api) -> None:
    await api.post(blocks=[{"type": "actions", "elements": [BUTTON]}])
    with pytest.raises(NoPressError, match="not connected"):
        await slack.socket_mode.press("Go")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action_id": "x" * 256}, "action_id"),
        ({"value": "x" * 2001}, "value"),
        ({"text": {"type": "plain_text", "text": "x" * 76}}, "text"),
        ({"style": "loud"}, "style"),
        ({"confirm": {}}, "missing required field: title"),
        (
            {
                "confirm": {
                    "title": {"type": "plain_text", "text": "x" * 101},
                    "text": {"type": "plain_text", "text": "x"},
                    "confirm": {"type": "plain_text", "text": "x"},
                    "deny": {"type": "plain_text", "text": "x"},
                }
            },
            "/confirm/title",
        ),
    ],
)
async def test_slack_says_what_is_wrong_with_a_button(
    api: Api, changes: dict[str, Any], words: str
) -> None:
    answer = await api.post(blocks=[{"type": "actions", "elements": [BUTTON | changes]}])
    assert answer["error"] == "invalid_blocks"
    assert words in "".join(answer["errors"])


async def test_slack_wants_each_action_id_once(api: Api) -> None:
    answer = await api.post(blocks=[{"type": "actions", "elements": [BUTTON, BUTTON]}])
    assert "already exists" in "".join(answer["errors"])


async def test_slack_tells_who_is_in_a_group_to_who_may_know(slack: SlackServer, api: Api) -> None:
    slack.workspace.groups["S0OPS"] = ["U1"]
    assert (await api("usergroups.users.list", usergroup="S0OPS"))["users"] == ["U1"]
    assert (await api("usergroups.users.list", usergroup="S0"))["error"] == "no_such_subteam"
    slack.workspace.scopes.clear()
    assert (await api("usergroups.users.list", usergroup="S0OPS"))["error"] == "missing_scope"


async def test_what_one_user_sees_is_in_no_channel(slack: SlackServer, api: Api) -> None:
    await api("chat.postEphemeral", channel="#ops", user="U1", text="psst")
    assert slack.messages == []
    assert [each["user"] for each in slack.workspace.ephemerals] == ["U1"]


async def test_a_response_url_can_be_used_five_times(
    slack: SlackServer, api: Api, client: aiohttp.ClientSession
) -> None:
    del api
    url = f"{slack.url}/actions/T0123456789/1/x"
    statuses = []
    for _ in range(6):
        async with client.post(url, json={"text": "hello"}) as reply:
            statuses.append(reply.status)
    assert statuses == [200] * 5 + [404]
    assert len(slack.socket_mode.responses) == 5


async def test_slack_is_ruled_and_read_over_http(
    slack: SlackServer, client: aiohttp.ClientSession, api: Api
) -> None:
    mode = slack.url + "/_test/mode"
    async with client.post(mode, json={"mode": "error500", "count": 1, "dedup": True}) as reply:
        assert reply.status == 200
    async with client.post(slack.webhook_url, json={"text": "x"}) as reply:
        assert reply.status == 500
    assert slack.workspace.dedup
    bad: Any
    for bad in ({"mode": "angry"}, {"moods": 1}, []):
        async with client.post(mode, json=bad) as reply:
            assert reply.status == 400
            assert (await reply.text()).startswith("cannot change the mode: ")
    await api.post(text="seen")
    async with client.get(slack.url + "/_test/messages", params={"count": 1}) as reply:
        assert [message["body"]["text"] for message in await reply.json()] == ["seen"]
    params = {"count": 9, "timeout": 0.05}
    async with client.get(slack.url + "/_test/requests", params=params) as reply:
        assert reply.status == 504


def test_slack_runs_on_the_host_and_records_what_arrives(host: Host) -> None:
    host.start_peer("slack", "--port", "8081", "--record", "/run/slack.jsonl")
    before = time.monotonic()
    reply = host.http(
        "http://127.0.0.1:8081" + SlackServer.HOOK,
        method="POST",
        body='{"text": "über"}',
        headers={"Content-Type": "application/json"},
    )
    assert (reply.status, reply.text) == (200, "ok")
    line = json.loads(host.read("/run/slack.jsonl"))
    assert (line["method"], line["outcome"], line["body"]) == ("webhook", "ok", {"text": "über"})
    assert before <= line["arrival"]["monotonic"] <= time.monotonic()


async def test_slack_out_here_serves_the_host(host: Host) -> None:
    async with SlackServer(sock=host.listen(8081)) as slack:
        url = "http://127.0.0.1:8081" + slack.HOOK
        await host.arun("curl", "-sS", "--json", '{"text": "from inside"}', url)
        assert [message.text for message in slack.messages] == ["from inside"]


# -------------------------------------------------------------------- smtp


MAIL = "From: watchdog@example.com\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"


async def send(smtp: SmtpServer, *recipients: str, **options: Any) -> Any:
    options = {"start_tls": False, "timeout": 5, **options}
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp.port, **options) as client:
        return await client.sendmail("watchdog@example.com", list(recipients), MAIL)


async def test_mail_is_taken_and_kept() -> None:
    async with SmtpServer() as smtp:
        refused, reply = await send(smtp, "a@example.com", "b@example.com")
        assert (refused, reply) == ({}, "2.0.0 OK: queued as 00000001")
        [mail] = await smtp.wait_for_mails(1)
    assert mail.recipients == ["a@example.com", "b@example.com"]
    assert mail.message["Subject"] == "grüße"
    assert (mail.outcome, mail.tls, mail.login) == ("ok", False, "")


async def test_each_recipient_is_refused_for_itself() -> None:
    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(refuse={"full@example.com": 452, "gone@example.com": 550})
        refused, _ = await send(smtp, "a@example.com", "full@example.com", "gone@example.com")
        assert {name: code for name, (code, _) in refused.items()} == {
            "full@example.com": 452,
            "gone@example.com": 550,
        }
        assert smtp.mails[0].recipients == ["a@example.com"]


@pytest.mark.parametrize(
    ("mode", "error", "kept"),
    [
        (SmtpMode.REFUSE_CONNECTION, aiosmtplib.SMTPConnectError, 0),
        (SmtpMode.HANG, aiosmtplib.SMTPConnectTimeoutError, 0),
        (SmtpMode.DEFER_DATA, aiosmtplib.SMTPDataError, 1),
        (SmtpMode.DROP_AFTER_DATA, aiosmtplib.SMTPServerDisconnected, 1),
        (SmtpMode.HANG_AFTER_DATA, aiosmtplib.SMTPReadTimeoutError, 1),
    ],
)
async def test_the_mail_server_has_its_bad_moments(
    mode: SmtpMode, error: type[Exception], kept: int
) -> None:
    async with SmtpServer() as smtp:
        smtp.behaviour = Behaviour(mode)
        with pytest.raises(error):
            await send(smtp, "a@example.com", timeout=0.3)
        assert [mail.outcome for mail in smtp.mails] == [mode.value] * kept


async def test_mail_goes_over_tls_with_a_login() -> None:
    async with SmtpServer(starttls=True, login=("me", "secret")) as smtp:
        assert smtp.certificate is not None
        options = {
            "start_tls": True,
            "tls_context": ssl.create_default_context(cafile=smtp.certificate),
            "username": "me",
        }
        await send(smtp, "a@example.com", **options, password="secret")
        assert (smtp.mails[0].tls, smtp.mails[0].login) == (True, "me")
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(smtp, "a@example.com", **options, password="wrong")


def test_the_mail_server_runs_on_the_host_and_obeys_a_file(host: Host) -> None:
    options = ("--port", "2525", "--record", "/run/mail.jsonl", "--behaviour", "/run/smtp.json")
    host.start_peer("smtp", *options)
    host.write("/run/smtp.json", json.dumps({"refuse": {"gone@example.com": 550}}))
    script = (
        "import smtplib\n"
        "with smtplib.SMTP('127.0.0.1', 2525) as smtp:\n"
        "    print(smtp.sendmail('w@example.com', ['a@example.com', 'gone@example.com'], 'x'))\n"
    )
    assert "gone@example.com" in host.run("python3", "-c", script).stdout
    assert json.loads(host.read("/run/mail.jsonl"))["recipients"] == ["a@example.com"]


# ------------------------------------------------------------------ sample


@pytest.mark.parametrize("variant", [(), ("--bare",)], ids=["aiohttp", "bare"])
def test_the_sample_behaves_from_request_to_request(host: Host, variant: tuple[str, ...]) -> None:
    host.start_peer("sample", *variant, "--port", "8000")
    url, directory = "http://127.0.0.1:8000/health", "/run/sample/sample"

    reply = host.http(url)
    assert reply.status == 200
    assert json.loads(reply.text)["status"] == "healthy"

    host.write(f"{directory}/status", "503")
    host.write(f"{directory}/body", "out of order")
    reply = host.http(url)
    assert (reply.status, reply.text) == (503, "out of order")

    host.write(f"{directory}/delay", "0.2")
    before = time.monotonic()
    host.http(url)
    assert time.monotonic() - before >= 0.2

    host.write(f"{directory}/hang", "")
    with pytest.raises(TimeoutError):
        host.http(url, timeout=0.2)

    host.run("rm", "-r", directory)
    assert host.http(url).status == 200


def test_the_sample_listens_late_and_ignores_term_if_told_to(host: Host) -> None:
    before = time.monotonic()
    unit = host.start_peer(
        "sample",
        *("--bare", "--start-delay", "0.5", "--ignore-term"),
        more="TimeoutStopSec=500ms",
    )
    assert time.monotonic() - before >= 0.5
    host.systemctl("stop", unit)
    assert host.unit(unit, "Result") == {"Result": "timeout"}


def test_the_bare_sample_is_quick_to_start(host: Host) -> None:
    unit = host.start_peer("sample", "--bare")
    host.systemctl("restart", unit)
    shown = host.unit(unit, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    started, active = (int(value) / 1e6 for value in shown.values())
    # 40 ms is usual; an aiohttp service takes a quarter of a second.
    assert active - started < 1
