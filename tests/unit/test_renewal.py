"""The relay tells again what stands, on a clock driven by hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import pytest

from tests.unit.notify.cluster import Member, members, moment, serving_at
from tests.unit.relay_bench import OFFLINE, Bench, Channel
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.errors import StoreError
from watchdog.notify.alertmanager import Alertmanager, Cluster
from watchdog.notify.route import Route
from watchdog.ports import Message, Receipt
from watchdog.relay import Pace, Relay, Renewal

SOON = Pace(longest_delay=60.0, one_by_one=True)


class Forgetful(Channel):
    """A notifier whose receiver forgets: what is firing there stands until it is resolved."""

    def __init__(self, bench: Bench, *outcomes: Exception) -> None:
        super().__init__(bench.clock, *outcomes)
        self.standing: dict[str, Message] = {}
        self.renewals: list[tuple[float, list[str]]] = []
        self.failure: Exception | None = None
        self.trouble = ""
        self.hangs = False

    @property
    def pace(self) -> float | None:
        return 60.0 if self.standing else None

    def recall(self, message: Message) -> None:
        self.standing[message.alert.incident] = message

    async def send(self, message: Message, key: str) -> Receipt:
        receipt = await super().send(message, key)
        self.standing[message.alert.incident] = message
        if message.alert.kind is AlertKind.RESOLVED:
            del self.standing[message.alert.incident]
        return receipt

    async def renew(self, is_open: Callable[[Alert], bool]) -> None:
        self.renewals.append((self.clock.mono - 1000.0, sorted(self.standing)))
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    @property
    def renewed_at(self) -> list[float]:
        return [round(mono, 3) for mono, _ in self.renewals]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def renewing(bench: Bench, notifier: Forgetful, told: Sequence[Alert] | Exception = ()) -> Relay:
    async def recalled() -> Sequence[Alert]:
        if isinstance(told, Exception):
            raise told
        return told

    relay = bench.relay(notifier, pace=SOON)
    relay.renewal = Renewal(notifier, recalled, lambda _: True)
    return relay


async def test_nothing_is_told_again_while_nothing_fires(bench: Bench) -> None:
    channel = Forgetful(bench)
    async with bench.running(renewing(bench, channel)):
        await bench.clock.advance(3600)
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        await bench.clock.advance(3600)
    assert channel.renewals == []


async def test_an_open_incident_is_told_again_at_its_pace_until_it_is_resolved(
    bench: Bench,
) -> None:
    channel = Forgetful(bench)
    async with bench.running(renewing(bench, channel)):
        await bench.clock.advance(100)
        bench.outbox.add(bench.alert())
        await bench.clock.advance(200)
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        await bench.clock.advance(200)
    assert channel.renewals == [(n, ["k3f9qa"]) for n in (160.0, 220.0, 280.0)]


async def test_the_next_incident_is_not_told_twice_at_its_beginning(bench: Bench) -> None:
    channel = Forgetful(bench)
    async with bench.running(renewing(bench, channel)):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(70)
        bench.outbox.add(bench.alert("a", AlertKind.RESOLVED))
        await bench.clock.advance(1000)
        bench.outbox.add(bench.alert("b"))
        await bench.clock.advance(70)
    assert channel.renewals == [(60.0, ["a"]), (1130.0, ["b"])]


async def test_an_alert_does_not_wait_for_the_next_renewal_nor_puts_it_off(bench: Bench) -> None:
    channel = Forgetful(bench)
    async with bench.running(renewing(bench, channel)):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(50)
        bench.outbox.add(bench.alert("b"))
        await bench.clock.settle()
        assert channel.times == [0.0, 50.0]
        await bench.clock.advance(10)
    assert channel.renewals == [(60.0, ["a", "b"])]


async def test_what_was_told_before_a_restart_is_told_again_at_once(bench: Bench) -> None:
    channel = Forgetful(bench)
    told = [bench.alert("a"), bench.alert("b")]
    bench.outbox.lines["a"] = ("the last line",)
    await bench.clock.advance(7200)
    async with bench.running(renewing(bench, channel, told)):
        assert channel.renewals == [(7200.0, ["a", "b"])]
        await bench.clock.advance(60)
        assert channel.renewed_at == [7200.0, 7260.0]
    assert channel.standing["a"].evidence == ("the last line",)
    assert channel.standing["a"].late == 0.0  # it is told again, not late


async def test_an_end_that_was_still_due_goes_out_before_anything_is_told_again(
    bench: Bench,
) -> None:
    channel = Forgetful(bench)
    told = [bench.alert("a")]
    bench.outbox.add(bench.alert("a", AlertKind.RESOLVED))
    async with bench.running(renewing(bench, channel, told)):
        await bench.clock.advance(3600)
    assert channel.keys == ["key-1"]
    assert channel.renewals == []


async def test_nothing_is_told_again_while_an_alert_cannot_be_delivered(bench: Bench) -> None:
    channel = Forgetful(bench)
    channel.otherwise = OFFLINE
    bench.outbox.add(bench.alert("b"))
    async with bench.running(renewing(bench, channel, [bench.alert("a")])):
        await bench.clock.advance(600)
    assert len(channel.times) > 5
    assert channel.renewals == []


async def test_trouble_with_telling_again_shows_and_passes(bench: Bench) -> None:
    channel = Forgetful(bench)
    relay = renewing(bench, channel)
    async with bench.running(relay):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(30)
        channel.failure = OFFLINE
        await bench.clock.advance(30)
        assert relay.trouble == str(OFFLINE)
        channel.failure = None
        await bench.clock.advance(60)
        assert relay.trouble == ""
    assert channel.renewed_at == [60.0, 120.0]


async def test_a_receiver_that_is_away_shows_though_the_alert_was_delivered(bench: Bench) -> None:
    channel = Forgetful(bench)
    relay = renewing(bench, channel)
    async with bench.running(relay):
        channel.trouble = "am-2: cannot connect"
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        assert relay.trouble == "am-2: cannot connect"
        assert relay.status()["last_success"] is not None
        channel.trouble = ""
        await bench.clock.advance(60)
        assert relay.trouble == ""


async def test_telling_again_is_cut_short_at_the_deadline_and_is_no_sign_of_being_stuck(
    bench: Bench,
) -> None:
    channel = Forgetful(bench)
    channel.hangs = True
    relay = renewing(bench, channel)
    async with bench.running(relay):
        bench.outbox.add(bench.alert())
        for _ in range(20):
            await bench.clock.advance(10)
            assert not relay.is_stuck(bench.clock.mono)
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        await bench.clock.advance(15)
    assert channel.standing == {}
    assert channel.renewed_at == [60.0, 120.0, 180.0]


async def test_a_past_that_cannot_be_read_does_not_hold_up_an_alert(bench: Bench) -> None:
    channel = Forgetful(bench)
    bench.outbox.add(bench.alert())
    async with bench.running(renewing(bench, channel, StoreError("cannot read: no disk"))):
        await bench.clock.advance(2)
    assert channel.keys == ["key-1"]


# --- with the real notifier ---------------------------------------------------------------------


def told_to(bench: Bench, *urls: str, told: Sequence[Alert] = ()) -> Relay:
    async def recalled() -> Sequence[Alert]:
        return told

    settings = Cluster("alertmanager", urls, resend=60.0)
    notifier = Alertmanager(settings, route=Route(timeout=5.0), now=lambda: bench.clock.now().wall)
    relay = bench.relay(notifier, pace=SOON)
    relay.renewal = Renewal(notifier, recalled, lambda _: True)
    return relay


async def test_an_alertmanager_shows_an_incident_for_as_long_as_it_is_open_and_no_longer(
    bench: Bench,
) -> None:
    async with members() as [member], bench.running(told_to(bench, member.url)):
        bench.outbox.add(bench.alert())
        await bench.outbox.wait_until_done(1)
        for count in range(2, 12):
            await bench.clock.advance(60)
            await member.wait_for(count)
            assert len(member.active(bench.clock.wall)) == 1
        assert moment(member.last["endsAt"]) == bench.clock.wall + 240
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        await bench.outbox.wait_until_done(2)
        assert member.active(bench.clock.wall) == []
        await bench.clock.advance(3600)
    assert member.seen == 12


async def test_an_alertmanager_that_lost_its_memory_is_told_by_a_daemon_that_lost_its_own(
    bench: Bench,
) -> None:
    """Neither of them keeps alerts in memory over its own restart; the outbox does."""
    told = [bench.alert()]
    async with members() as [member], bench.running(told_to(bench, member.url, told=told)):
        await member.wait_for(1)
        assert [alert["labels"]["service"] for alert in member.active(bench.clock.wall)] == ["api"]
        await bench.clock.advance(30)
        bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
        await bench.outbox.wait_until_done(1)
        assert member.active(bench.clock.wall) == []


async def test_with_one_of_two_members_down_nothing_is_lost(bench: Bench) -> None:
    first, second = Member(), Member()
    for member in (first, second):
        async with serving_at(member):
            pass  # it has a port now
    async with bench.running(told_to(bench, first.url, second.url)):
        async with serving_at(first):
            bench.outbox.add(bench.alert())
            await bench.outbox.wait_until_done(1)
        async with serving_at(second):
            await bench.clock.advance(15)
            await second.wait_for(1)
            await bench.clock.settle()
            bench.outbox.add(bench.alert(kind=AlertKind.RESOLVED))
            await bench.outbox.wait_until_done(2)
        async with serving_at(first):
            await bench.clock.advance(15)
            await first.wait_for(2)
    for member in (first, second):
        assert len(member.known) == 1
        assert member.active(bench.clock.wall) == []


async def test_a_long_row_of_alerts_does_not_let_what_stands_expire(bench: Bench) -> None:
    channel = Forgetful(bench)
    async with bench.running(renewing(bench, channel)):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(1)

        async def slowly() -> Receipt:
            await bench.clock.sleep_until(bench.clock.mono + 10)
            return Receipt()

        channel.otherwise = slowly
        for number in range(100):
            bench.outbox.add(bench.alert(f"b{number}"))
        await bench.clock.advance(600)
    assert channel.renewals
    gaps = [later - sooner for sooner, later in itertools.pairwise(channel.renewed_at)]
    assert max(gaps) <= 2 * 60 + 10
    assert channel.renewed_at[0] <= 2 * 60 + 10


async def test_what_was_told_before_the_start_is_recalled_once_the_store_answers(
    bench: Bench,
) -> None:
    channel = Forgetful(bench)
    relay = renewing(bench, channel, StoreError("cannot read: no answer within 5 s"))
    async with bench.running(relay):
        await bench.clock.advance(100)
        assert channel.standing == {}
        assert relay.renewal is not None
        known = bench.alert("a")

        async def recalled() -> Sequence[Alert]:
            return [known]

        relay.renewal.told = recalled
        await bench.clock.advance(100)
    assert list(channel.standing) == ["a"]
