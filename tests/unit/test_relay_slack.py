"""The relay with the real notifier and a Slack of its own, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.host.peers.slack import SlackServer
from tests.unit.relay_bench import Bench
from watchdog.notify.route import Route
from watchdog.notify.slack import SlackBot
from watchdog.relay import Pace

pytestmark = pytest.mark.adapter


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(dedup=True) as server:
        yield server


def bot(slack: SlackServer, timeout: float = 30) -> SlackBot:
    return SlackBot(SlackServer.TOKEN, "#ops", api_url=slack.api_url, route=Route(timeout=timeout))


async def test_a_rate_limit_delays_the_alert_by_what_slack_asks_for(slack: SlackServer) -> None:
    bench = Bench()
    slack.behave("rate_limit", retry_after=7, count=1)
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(bot(slack))):
        await bench.outbox.wait_until_tried(1)
        await bench.clock.advance(6.9)
        assert len(slack.requests) == 1
        await bench.clock.advance(0.1)
        await bench.outbox.wait_until_done(1)
    assert [request.outcome for request in slack.requests] == ["ratelimited", "ok"]
    [(_, receipt, _)] = bench.outbox.done
    assert receipt.details["channel"] == SlackServer.CHANNEL_ID


@pytest.mark.parametrize("mode", ["drop_after_accepting", "drop_before_accepting", "hang"])
async def test_a_lost_answer_means_the_same_key_again_and_one_message(
    slack: SlackServer, mode: str
) -> None:
    bench = Bench()
    slack.behave(mode, count=1)
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(bot(slack, timeout=1 if mode == "hang" else 30))):
        await bench.outbox.wait_until_tried(1)
        await bench.clock.advance(1)
        await bench.outbox.wait_until_done(1)
    assert [request.body["client_msg_id"] for request in slack.requests] == ["key-1", "key-1"]
    assert len(slack.messages) == 1


async def test_after_a_long_outage_every_alert_arrives_in_order_and_says_when_it_was(
    slack: SlackServer,
) -> None:
    bench = Bench()
    slack.behave("html502")
    async with bench.running(bench.relay(bot(slack), pace=Pace(gap=1.0))):
        for incident in "abc":
            bench.outbox.add(bench.alert(incident))
        for tries, delay in enumerate([1, 2, 4, 8, 16, 32, 64, 128, 256, 300], start=1):
            await bench.outbox.wait_until_tried(tries)
            if tries == 10:
                slack.behave("ok")
            await bench.clock.advance(delay)
        for posted in (1, 2, 3):
            await slack.wait_for_messages(posted)
            await bench.outbox.wait_until_come_further(posted)
            await bench.clock.advance(1)
    assert [incident_of(posted.body) for posted in slack.messages] == ["a", "b", "c"]
    assert all("down since 02:13 UTC" in posted.text for posted in slack.messages)


def incident_of(body: object) -> str:
    assert isinstance(body, dict)
    return str(body["metadata"]["event_payload"]["incident"])
