"""The relay with the real notifier and a receiver that checks every signature, over HTTP."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from tests.unit.notify.receiver import SECRET, Receiver, receiving
from tests.unit.relay_bench import Bench, Channel
from watchdog.core.model import AlertKind
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.notify.route import Route
from watchdog.notify.webhook import Hook, Webhook
from watchdog.relay import Pace, Relay

PACE = Pace(one_by_one=True)  # as for everything that a program reads


def hook(url: str) -> Webhook:
    return Webhook(Hook("pager", url, SECRET), route=Route(timeout=5.0))


def relay(bench: Bench, receiver: Receiver) -> Relay:
    return bench.relay(hook(receiver.url), pace=PACE)


async def test_what_the_receiver_puts_off_comes_as_late_as_it_asks_and_with_the_same_id() -> None:
    bench = Bench()
    busy = web.Response(status=429, headers={"Retry-After": "7"})
    bench.outbox.add(bench.alert())
    async with (
        receiving(busy) as receiver,
        bench.running(relay(bench, receiver)),
    ):
        await bench.outbox.wait_until_tried(1)
        await bench.clock.advance(6.9)
        assert receiver.taken == []
        await bench.clock.advance(0.1)
        await bench.outbox.wait_until_done(1)
    assert [headers["webhook-id"] for headers in receiver.seen] == ["key-1", "key-1"]
    assert [body["id"] for body in receiver.bodies] == ["key-1"]


async def test_a_refused_alert_is_a_dead_letter_and_the_next_one_arrives() -> None:
    bench = Bench()
    bench.outbox.add(bench.alert())
    bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
    refusing = web.Response(status=400)
    async with (
        receiving(refusing) as receiver,
        bench.running(relay(bench, receiver)),
    ):
        await bench.outbox.wait_until_done(1)
    [(number, reason)] = bench.outbox.dead
    assert number == 1
    assert reason == "cannot deliver to webhook pager: it refuses this alert with status 400"
    assert [body["type"] for body in receiver.bodies] == ["alert.resolved"]


async def test_after_an_outage_alerts_arrive_in_order_and_say_how_late_they_are() -> None:
    bench = Bench()
    down = [web.Response(status=502) for _ in range(9)]
    async with (
        receiving(*down) as receiver,
        bench.running(relay(bench, receiver)),
    ):
        bench.outbox.add(bench.alert())
        await bench.outbox.wait_until_tried(1)
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        for tries in range(2, 10):
            await bench.clock.advance(2.0 ** (tries - 2))
            await bench.outbox.wait_until_tried(tries)
        await bench.clock.advance(300)
        await bench.outbox.wait_until_done(2)
    assert [body["data"]["kind"] for body in receiver.bodies] == ["firing", "resolved"]
    assert all(body["data"]["late"] > 250 for body in receiver.bodies)


async def test_a_receiver_is_told_that_a_warning_is_over_by_the_id_with_which_it_began() -> None:
    bench = Bench()
    for kind in (AlertKind.WARNING, AlertKind.UPDATE, AlertKind.WARNING_OVER):
        about = Circumstance(CircumstanceKind.DISK, subject="/srv", value=91.0)
        bench.outbox.add(replace(bench.alert("w", kind), circumstance=about, duration=90.0))
    async with receiving() as receiver, bench.running(relay(bench, receiver)):
        await bench.outbox.wait_until_done(3)
    assert [body["type"] for body in receiver.bodies] == ["alert.warning", "alert.warning-over"]
    begun, over = [body["data"]["warning"] for body in receiver.bodies]
    assert begun["id"] == over["id"] == "w"
    assert (begun["duration"], over["duration"]) == (None, 90.0)


async def test_people_who_hold_no_conversation_are_not_told_that_a_warning_is_over() -> None:
    bench = Bench()
    channel = Channel(bench.clock)
    for kind in (AlertKind.WARNING, AlertKind.WARNING_OVER):
        bench.outbox.add(bench.alert("w", kind))  # as if it was another kind of channel then
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(5)
    assert [message.alert.kind for _, _, message in channel.sent] == [AlertKind.WARNING]
    assert not bench.outbox.rows
