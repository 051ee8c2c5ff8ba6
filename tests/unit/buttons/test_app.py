"""An app over real connections to a Slack that is as strict as the real one."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.host.peers.slack import SlackServer
from tests.unit.notify.alerts import ENGLISH, message
from watchdog.buttons.app import App, AppSettings, ChannelSettings
from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.web_api import Link, WebApi
from watchdog.clock import HostClock
from watchdog.notify.route import Route
from watchdog.notify.slack import SlackBot
from watchdog.notify.slack_press import Buttons

pytestmark = pytest.mark.adapter

FAST = Route(timeout=2.0)
SECRETS = (SlackServer.TOKEN, SlackServer.APP_TOKEN, "ticket-")


@pytest.fixture(autouse=True)
def proxies_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxies must not matter."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server
        assert server.socket_mode.failures == []


class Bench:
    """An app whose calls are on record, under an alert that has buttons."""

    def __init__(self, slack: SlackServer, *users: str) -> None:
        self.slack = slack
        self.calls: list[tuple[str, Mapping[str, Any], str]] = []
        self.notes: list[str] = []
        channel = ChannelSettings("slack", SlackServer.TOKEN, users or ("U0ALICE000",))
        settings = AppSettings(SlackServer.APP_TOKEN, slack.api_url, 2.0, "web-1", "en", (channel,))
        assert SlackServer.TOKEN not in repr(settings)
        assert SlackServer.APP_TOKEN not in repr(settings)
        calls = {name: self._call(name) for name in ("ack", "restart", "pause", "silence")}
        self.app = App(settings, ENGLISH, calls, self._note, HostClock())

    def _call(self, name: str) -> Any:
        async def call(arguments: Mapping[str, Any], who: str) -> dict[str, Any]:
            self.calls.append((name, arguments, who))
            return {"code": 0, "took": 1.0, "reason": "", "phase": "healthy"}

        return call

    async def _note(self, service: str, incident: str, text: str) -> None:
        self.notes.append(f"{service} {incident}: {text}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        bot = SlackBot(
            SlackServer.TOKEN,
            "#ops",
            api_url=self.slack.api_url,
            buttons=Buttons("slack", ENGLISH),
        )
        await bot.send(message(), "key")
        await bot.close()
        task = asyncio.create_task(self.app.run())
        try:
            await self.slack.socket_mode.wait_for_links(1)
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_press_goes_all_the_way_and_is_answered_in_the_thread(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        await slack.socket_mode.press("Acknowledge")
        [alert, reply] = await slack.wait_for_messages(2)
    assert bench.calls == [
        (
            "ack",
            {"name": "langchain-api", "incident": "k3f9qa"},
            "Slack: alice (U0ALICE000)",
        )
    ]
    assert reply.thread == alert.ts
    assert reply.text.startswith("alice has acknowledged")


async def test_who_may_not_is_told_alone_and_under_the_message(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        await slack.socket_mode.press("Restart now", user="U0MALLORY0", name="mallory")
        await slack.wait_for_requests(3)
    [told] = slack.workspace.ephemerals
    assert (told["user"], told["thread_ts"]) == ("U0MALLORY0", slack.messages[0].ts)
    assert bench.calls == []
    assert len(bench.notes) == 1


async def test_members_of_a_listed_group_may_press(slack: SlackServer) -> None:
    slack.workspace.groups["S0OPS0000"] = ["U0BOB00000"]
    bench = Bench(slack, "S0OPS0000")
    async with bench.running():
        await slack.socket_mode.press("Acknowledge", user="U0BOB00000", name="bob")
        await slack.wait_for_messages(2)
        await slack.socket_mode.press("Acknowledge", user="U0MALLORY0", name="mallory")
        await slack.wait_for_requests(5)
    assert [who for _, _, who in bench.calls] == ["Slack: bob (U0BOB00000)"]
    asked = [request for request in slack.requests if request.method == "usergroups.users.list"]
    assert len(asked) == 1


async def test_without_the_scope_for_groups_a_press_is_refused_with_what_to_do(
    slack: SlackServer,
) -> None:
    slack.workspace.scopes.discard("usergroups:read")
    bench = Bench(slack, "S0OPS0000")
    async with bench.running():
        await slack.socket_mode.press("Acknowledge")
        await slack.wait_for_requests(4)
    [told] = slack.workspace.ephemerals
    assert "add the scope usergroups:read" in told["text"]
    assert bench.calls == []


async def test_a_forged_value_names_nothing_that_is_done(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        for value in ("", "[]", '{"host": "web-1"}', "x" * 5000):
            await slack.socket_mode.press("Restart now", value=value)
        await slack.socket_mode.press("Acknowledge")
        await slack.wait_for_messages(2)
    assert [name for name, _, _ in bench.calls] == ["ack"]


async def test_a_slack_that_comes_back_is_found_again(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        await slack.socket_mode.go_away()
        slack.socket_mode.come_back()
        bench.app.wake()
        await slack.socket_mode.wait_for_links(1)
        await slack.socket_mode.press("Acknowledge")
        await slack.wait_for_messages(2)


async def test_no_press_falls_between_two_connections(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        await slack.socket_mode.disconnect()
        await slack.socket_mode.press("Acknowledge", link=0)
        await slack.socket_mode.close_oldest()
        await slack.socket_mode.wait_until_opened(2)
        await slack.socket_mode.wait_for_links(1)
        await slack.socket_mode.press("Acknowledge", user="U0ALICE000")
        await slack.wait_for_messages(3)
    assert len(bench.calls) == 2


async def test_the_end_is_soon(slack: SlackServer) -> None:
    bench = Bench(slack)
    async with bench.running():
        began = time.monotonic()
    assert time.monotonic() - began < 1.5
    await slack.socket_mode.wait_for_links(0)


# --- what slack says no to ----------------------------------------------------------------------


async def refusal(slack: SlackServer, token: str) -> ButtonsError:
    """Return why there is no connection, after making sure that it gives away nothing."""
    api = WebApi(slack.api_url, FAST)
    try:
        with pytest.raises(ButtonsError) as caught:
            await api.connect(token)
    finally:
        await api.close()
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(secret in shown for secret in SECRETS)
    return caught.value


async def test_a_bot_token_is_no_app_level_token(slack: SlackServer) -> None:
    error = await refusal(slack, SlackServer.TOKEN)
    assert "not_allowed_token_type; app_token is no app-level token (xapp-…)" in str(error)
    assert error.pause == 300.0


async def test_an_unknown_token_is_told_with_what_to_do(slack: SlackServer) -> None:
    error = await refusal(slack, "xapp-1-wrong")
    assert "invalid_auth; generate an app-level token" in str(error)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("html502", "does not answer apps.connections.open (HTTP status 502)"),
        ("garbage", "does not answer apps.connections.open (HTTP status 200)"),
        ("rate_limit", "refuses apps.connections.open: ratelimited"),
        ("drop_before_accepting", "cannot reach Slack: the connection was lost"),
    ],
)
async def test_a_sick_slack_is_told_in_words(slack: SlackServer, mode: str, words: str) -> None:
    slack.behave(mode, retry_after=7)
    error = await refusal(slack, SlackServer.APP_TOKEN)
    assert words in str(error)
    assert "arrive twice" not in str(error)
    assert error.pause == (7.0 if mode == "rate_limit" else None)


async def test_a_ticket_that_is_refused_is_a_lost_connection(slack: SlackServer) -> None:
    slack.socket_mode._tickets = Forgetful()
    error = await refusal(slack, SlackServer.APP_TOKEN)
    assert "cannot reach Slack" in str(error)


class Forgetful(set[str]):
    def __contains__(self, ticket: object) -> bool:
        return False


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "wss://127.0.0.1/", "file:///etc/passwd"])
async def test_an_address_of_another_kind_is_not_followed(
    slack: SlackServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack.socket_mode, "open", lambda: {"url": url})
    assert "no address that begins with ws://" in str(await refusal(slack, SlackServer.APP_TOKEN))


async def test_a_connection_at_whose_other_end_nobody_is_left_is_found_out() -> None:
    deaf = asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/apps.connections.open":
            return web.json_response({"ok": True, "url": f"ws://127.0.0.1:{port}/link"})
        link = web.WebSocketResponse(autoping=False)
        await link.prepare(request)
        await deaf.wait()
        return link

    runner = web.ServerRunner(web.Server(serve), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    api = WebApi(f"http://127.0.0.1:{port}/api/", FAST, heartbeat=0.1)
    link = await api.connect("xapp-1")
    with pytest.raises(ButtonsError, match="Slack no longer answers"):
        await link.receive()
    began = time.monotonic()
    await link.close()
    await api.close()
    assert time.monotonic() - began < 2.5
    deaf.set()
    await runner.cleanup()


async def test_a_connection_that_is_cut_says_so(slack: SlackServer) -> None:
    api = WebApi(slack.api_url, FAST)
    link: Link = await api.connect(SlackServer.APP_TOKEN)
    assert "hello" in await link.receive()
    await slack.socket_mode.go_away()
    with pytest.raises(ButtonsError, match="closed the connection"):
        await link.receive()
    with pytest.raises(ButtonsError):
        await link.send("{}")
    await link.close()
    await api.close()
