"""The relay: no alert lost, none out of order, none in a flood, on a clock driven by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.unit.relay_bench import OFFLINE, Bench, Channel, Outcome, hang
from watchdog.core.model import AlertKind
from watchdog.errors import RejectedDeliveryError, RepairNeededError, TemporaryDeliveryError
from watchdog.ports import Delivery, Receipt
from watchdog.relay import Pace


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_alerts_go_out_at_once_and_in_order(bench: Bench) -> None:
    channel = Channel(bench.clock)
    for incident in "abc":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(channel)):
        assert channel.keys == ["key-1", "key-2", "key-3"]
        bench.outbox.add(bench.alert("d"))
        await bench.clock.settle()
        assert channel.keys[3:] == ["key-4"]
    assert [number for number, _, _ in bench.outbox.done] == [1, 2, 3, 4]
    assert bench.outbox.done[0][1] == Receipt({"ts": "1"})


async def test_retry_after_is_honoured_and_the_key_stays(bench: Bench) -> None:
    channel = Channel(bench.clock, TemporaryDeliveryError("cannot post: rate limited", 30.0))
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(29.9)
        assert channel.times == [0.0]
        await bench.clock.advance(0.1)
        assert channel.times == [0.0, 30.0]
    assert channel.keys == ["key-1", "key-1"]
    assert bench.outbox.tries == [(1, "cannot post: rate limited")]
    assert not bench.outbox.rows


@pytest.mark.parametrize("chance", [1.0, 0.5])
async def test_delays_double_up_to_five_minutes_with_full_jitter(
    bench: Bench, chance: float
) -> None:
    bench.chance = chance
    channel = Channel(bench.clock)
    channel.otherwise = OFFLINE
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(1500)
    delays = [
        later - sooner for sooner, later in zip(channel.times, channel.times[1:], strict=False)
    ]
    ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert delays[:11] == [ceiling * chance for ceiling in ceilings]


async def test_success_ends_the_backoff(bench: Bench) -> None:
    channel = Channel(bench.clock, OFFLINE, OFFLINE, Receipt(), OFFLINE)
    bench.outbox.add(bench.alert("a"))
    bench.outbox.add(bench.alert("b"))
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(10)
    assert channel.times == [0.0, 1.0, 3.0, 3.0, 4.0]


async def test_a_refused_alert_is_set_aside_and_does_not_block_the_next(bench: Bench) -> None:
    channel = Channel(bench.clock, RejectedDeliveryError("cannot post: invalid_blocks"))
    bench.outbox.add(bench.alert("a"))
    bench.outbox.add(bench.alert("b"))
    async with bench.running(bench.relay(channel)):
        assert channel.keys == ["key-1", "key-2"]
    assert bench.outbox.dead == [(1, "cannot post: invalid_blocks")]
    assert [number for number, _, _ in bench.outbox.done] == [2]


async def test_what_is_refused_is_told_elsewhere_before_it_is_set_aside(bench: Bench) -> None:
    """If we die in between, it is still due: refused again, and told elsewhere only once."""
    channel = Channel(bench.clock, RejectedDeliveryError("cannot post: invalid_blocks"))
    bench.outbox.add(bench.alert())
    relay = bench.relay(channel)
    told: list[tuple[int, str, int]] = []

    async def refused(delivery: Delivery, reason: str) -> None:
        told.append((delivery.id, reason, len(bench.outbox.dead)))

    relay.refused = refused
    async with bench.running(relay):
        assert told == [(1, "cannot post: invalid_blocks", 0)]
        assert bench.outbox.dead == [(1, "cannot post: invalid_blocks")]


async def test_a_channel_that_refused_the_last_alert_fails_until_it_takes_one(bench: Bench) -> None:
    """As a mail server does that knows the recipient no more, whatever is sent."""
    channel = Channel(bench.clock, RejectedDeliveryError("the server refuses the recipient, 550"))
    bench.outbox.add(bench.alert("a"))
    relay = bench.relay(channel)
    async with bench.running(relay):
        assert bench.outbox.dead
        assert relay.is_failing
        bench.outbox.add(bench.alert("b"))
        await bench.clock.settle()
        assert bench.outbox.done
        assert not relay.is_failing


async def test_who_waits_for_a_failed_try_hears_of_each_and_whether_a_person_is_needed(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock, OFFLINE, RepairNeededError("cannot post: invalid_auth", 300.0))
    bench.outbox.add(bench.alert())
    relay = bench.relay(channel)
    heard: list[tuple[str, bool, bool]] = []
    relay.failed = lambda: heard.append((relay.trouble, relay.needs_repair, relay.is_failing))
    async with bench.running(relay):
        await bench.clock.advance(301)
        assert heard == [
            (str(OFFLINE), False, True),
            ("cannot post: invalid_auth", True, True),
        ]
        assert not bench.outbox.rows
        assert not relay.needs_repair
        assert not relay.is_failing


async def test_after_ten_minutes_unreachable_all_arrive_in_order_with_their_own_times(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock)
    channel.otherwise = OFFLINE
    async with bench.running(bench.relay(channel)):
        for incident in "abc":
            bench.outbox.add(bench.alert(incident))
            await bench.clock.advance(200)
        channel.otherwise = Receipt()
        before = len(channel.sent)
        await bench.clock.advance(300)
    arrived = channel.sent[before:]
    assert [key for _, key, _ in arrived] == ["key-1", "key-2", "key-3"]
    assert [message.lines[0] for _, _, message in arrived] == [
        "Late: delivered 14 min late, down since 02:13 UTC",
        "Late: delivered 10 min late, down since 02:16 UTC",
        "Late: delivered 7 min late, down since 02:19 UTC",
    ]


async def test_a_destination_that_hangs_costs_only_itself(bench: Bench) -> None:
    slack, email = Channel(bench.clock, hang), Channel(bench.clock)
    bench.outbox.add(bench.alert(), "slack")
    bench.outbox.add(bench.alert(), "email")
    async with bench.running(bench.relay(slack, "slack"), bench.relay(email, "email")):
        assert email.times == [0.0]
        await bench.clock.advance(15)
        assert bench.outbox.tries == [(1, "cannot deliver: no answer within 15 s")]
        await bench.clock.advance(1)
    assert slack.times == [0.0, 16.0]
    assert not bench.outbox.rows


async def test_a_stop_in_the_middle_keeps_the_alert_and_its_key_for_the_next_start(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock, hang)
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(channel)):
        assert channel.keys == ["key-1"]
    assert channel.closed
    assert [row.id for row in bench.outbox.rows] == [1]
    async with bench.running(bench.relay(channel)):
        assert channel.keys == ["key-1", "key-1"]
    assert not bench.outbox.rows


async def test_an_unexpected_exception_is_a_failed_try_and_its_words_stay_secret(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock, ValueError("https://hooks.slack.com/services/secret"))
    bench.outbox.add(bench.alert())
    relay = bench.relay(channel)
    with capture_logs() as logs:
        async with bench.running(relay):
            assert relay.status()["last_error"].startswith(
                "cannot deliver: ValueError at relay_bench"
            )
            await bench.clock.advance(1)
    assert channel.times == [0.0, 1.0]
    assert "secret" not in repr(logs) + repr(bench.outbox.tries)


async def test_a_sending_broken_off_from_within_does_not_end_the_relay(bench: Bench) -> None:
    async def break_off() -> Receipt:
        raise asyncio.CancelledError

    channel = Channel(bench.clock, break_off)
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(1)
    assert channel.times == [0.0, 1.0]


async def test_a_gap_is_kept_between_two_sendings_whatever_became_of_them(bench: Bench) -> None:
    channel = Channel(bench.clock, Receipt(), RejectedDeliveryError("cannot post"), OFFLINE)
    bench.chance = 0.0
    for incident in "abc":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(channel, pace=Pace(gap=1.0))):
        await bench.clock.advance(10)
    assert channel.times == [0.0, 1.0, 2.0, 3.0]
    assert channel.keys == ["key-1", "key-2", "key-3", "key-3"]


async def test_wake_tries_again_at_once_and_begins_the_backoff_anew(bench: Bench) -> None:
    channel = Channel(bench.clock)
    channel.otherwise = TemporaryDeliveryError("cannot post: invalid_auth", 300.0)
    bench.outbox.add(bench.alert())
    relay = bench.relay(channel)
    async with bench.running(relay):
        await bench.clock.advance(10)
        channel.otherwise = OFFLINE
        relay.wake()
        await bench.clock.advance(1)
    assert channel.times == [0.0, 10.0, 11.0]


async def test_the_outbox_is_looked_into_even_if_nobody_calls(bench: Bench) -> None:
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        bench.outbox.rows.append(Delivery(1, "slack", bench.alert(), "key-1"))
        await bench.clock.advance(60)
    assert channel.times == [60.0]


async def test_evidence_being_gathered_is_waited_for_two_seconds_at_most(bench: Bench) -> None:
    ready = asyncio.Event()

    async def gathering(_incident: str) -> None:
        await ready.wait()

    bench.gathering = gathering
    bench.outbox.lines["a"] = ["old"]
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(2)
        assert channel.times == [2.0]
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(1)
        bench.outbox.lines["a"] = ["new"]
        ready.set()
        await bench.clock.settle()
    assert channel.times == [2.0, 3.0]
    assert [message.evidence for _, _, message in channel.sent] == [("old",), ("new",)]


async def test_the_end_of_an_incident_waits_for_no_evidence_and_shows_none(bench: Bench) -> None:
    async def gathering(_incident: str) -> None:
        await asyncio.Event().wait()

    bench.gathering = gathering
    bench.outbox.lines["a"] = ["line"]
    bench.outbox.add(bench.alert("a", AlertKind.RESOLVED))
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        assert [message.evidence for _, _, message in channel.sent] == [()]


async def test_an_alert_goes_out_without_evidence_that_cannot_be_had(bench: Bench) -> None:
    async def gathering(_incident: str) -> None:
        raise RuntimeError

    bench.gathering = gathering
    bench.outbox.broken["read evidence"] = 1
    bench.outbox.add(bench.alert())
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        assert channel.times == [0.0]


async def test_a_store_that_cannot_be_read_is_asked_again(bench: Bench) -> None:
    bench.outbox.broken["read"] = 3
    bench.outbox.add(bench.alert())
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(7)
    assert channel.times == [7.0]


@pytest.mark.parametrize("outcome", [Receipt(), RejectedDeliveryError("cannot post")])
async def test_what_cannot_be_written_down_is_not_sent_again(
    bench: Bench, outcome: Outcome
) -> None:
    bench.outbox.broken["write"] = 4
    bench.outbox.add(bench.alert("a"))
    bench.outbox.add(bench.alert("b"))
    channel = Channel(bench.clock, outcome)
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(14.9)
        assert channel.keys == ["key-1"]
        await bench.clock.advance(0.1)
    assert channel.keys == ["key-1", "key-2"]
    assert not bench.outbox.rows


async def test_a_failed_try_that_cannot_be_written_down_is_still_a_failed_try(
    bench: Bench,
) -> None:
    bench.outbox.broken["write"] = 1
    bench.outbox.add(bench.alert())
    channel = Channel(bench.clock, OFFLINE)
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(1)
    assert channel.times == [0.0, 1.0]


async def test_a_wait_that_fails_makes_no_busy_loop(bench: Bench) -> None:
    waits = 0

    async def wait() -> None:
        nonlocal waits
        waits += 1
        raise RuntimeError

    channel = Channel(bench.clock)
    relay = bench.relay(channel)
    relay.wait = wait
    async with bench.running(relay):
        await bench.clock.advance(1)
        assert waits == 2
        bench.outbox.add(bench.alert())
        await bench.clock.advance(2)
    assert channel.times == [3.0]


async def test_progress_moves_while_waiting_for_work_a_retry_or_an_answer(bench: Bench) -> None:
    channel = Channel(bench.clock, hang, TemporaryDeliveryError("cannot post", 300.0))
    relay = bench.relay(channel)
    async with bench.running(relay):
        for _ in range(10):  # for work
            await bench.clock.advance(59)
            assert relay.progress == bench.clock.mono
            assert not relay.is_stuck(bench.clock.mono)
        bench.outbox.add(bench.alert())
        await bench.clock.advance(14)  # for an answer
        assert len(channel.sent) == 1
        assert relay.progress == bench.clock.mono
        await bench.clock.advance(3)
        assert len(channel.sent) == 2
        await bench.clock.advance(200)  # for a retry
        assert relay.progress == bench.clock.mono


async def test_progress_stands_still_when_the_relay_does(bench: Bench) -> None:
    relay = bench.relay(Channel(bench.clock))
    async with bench.running(relay):
        await bench.clock.advance(30)
        bench.outbox.stuck = True
        bench.outbox.event("slack").set()
        await bench.clock.advance(100)
        assert relay.progress == 1030.0
        assert relay.is_stuck(bench.clock.mono)


async def test_status_says_what_is_wrong_and_what_happens_next(bench: Bench) -> None:
    channel = Channel(bench.clock, Receipt(), TemporaryDeliveryError("cannot post: 429", 30.0))
    relay = bench.relay(channel)
    assert relay.status()["words"] == "nothing delivered yet"
    async with bench.running(relay):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(60)
        assert relay.status()["words"] == "last delivered at 2025-11-22 02:13:00 UTC"
        bench.outbox.add(bench.alert())
        await bench.clock.settle()
        status = relay.status()
        assert status["words"] == (
            "cannot post: 429; last delivered at 2025-11-22 02:13:00 UTC; "
            "next try at 2025-11-22 02:14:30 UTC"
        )
        assert (status["last_error"], status["next_try"]) == (
            "cannot post: 429",
            bench.clock.wall + 30,
        )
        await bench.clock.advance(30)
        assert relay.status()["words"] == "last delivered at 2025-11-22 02:14:30 UTC"


async def test_each_outcome_is_one_line_in_the_log(bench: Bench) -> None:
    channel = Channel(bench.clock, OFFLINE, Receipt(), RejectedDeliveryError("cannot post: no"))
    bench.outbox.add(bench.alert("a"))
    bench.outbox.add(bench.alert("b"))
    with capture_logs() as logs:
        async with bench.running(bench.relay(channel)):
            await bench.clock.advance(1)
    names = {"destination": "slack", "kind": "firing"}
    assert logs == [
        {
            "log_level": "warning",
            "event": "alert not delivered, trying again",
            **names,
            "incident": "a",
            "attempt": 1,
            "delay": 1.0,
            "reason": str(OFFLINE),
        },
        {
            "log_level": "info",
            "event": "alert delivered",
            **names,
            "incident": "a",
            "attempt": 2,
            "late": 1.0,
        },
        {
            "log_level": "error",
            "event": "alert rejected, set aside",
            **names,
            "incident": "b",
            "attempt": 1,
            "reason": "cannot post: no",
        },
    ]


async def test_a_preparation_that_fails_is_no_harm(bench: Bench) -> None:
    with capture_logs() as logs:
        await bench.relay(Channel(bench.clock)).prepare()
    assert [line["event"] for line in logs] == ["notifier not prepared"]
    assert "secret" not in repr(logs)


async def test_who_asks_for_a_test_is_told_its_outcome(bench: Bench) -> None:
    channel = Channel(bench.clock, Receipt(), RejectedDeliveryError("cannot post: no"))
    relay = bench.relay(channel)
    async with bench.running(relay):
        for trouble in ("", "cannot post: no"):
            alert = bench.alert(trouble)
            outcome = relay.outcome_of(alert)
            bench.outbox.add(alert)
            await bench.clock.settle()
            assert outcome.result() == trouble


async def test_who_asks_for_a_test_is_told_that_an_earlier_alert_is_in_the_way(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock, OFFLINE)
    relay = bench.relay(channel)
    bench.outbox.add(bench.alert("earlier"))
    outcome = relay.outcome_of(bench.alert("test"))
    async with bench.running(relay):
        assert outcome.result() == str(OFFLINE)
        outcome = relay.outcome_of(bench.alert("test"))
    assert outcome.result() == "slack has been stopped; the alert is kept"


async def test_who_asks_for_a_test_need_not_wait_for_the_next_try(bench: Bench) -> None:
    mended = TemporaryDeliveryError("cannot post: not_in_channel", 300.0)
    channel = Channel(bench.clock, mended)
    relay = bench.relay(channel)
    relay.hurry()  # there is nothing to hurry
    async with bench.running(relay):
        bench.outbox.add(bench.alert("earlier"))
        await bench.clock.advance(10)
        assert relay.trouble == str(mended)
        alert = bench.alert("test")
        outcome = relay.outcome_of(alert)
        bench.outbox.add(alert)
        relay.hurry()
        await bench.clock.settle()
        assert outcome.result() == ""
    assert channel.times == [0.0, 10.0, 10.0]


async def test_a_change_of_trouble_is_told_and_nothing_else_is(bench: Bench) -> None:
    relay = bench.relay(Channel(bench.clock, OFFLINE, OFFLINE))
    told: list[str] = []
    relay = replace(relay, changed=lambda: told.append(relay.trouble))
    async with bench.running(relay):
        bench.outbox.add(bench.alert())
        bench.outbox.add(bench.alert())
        await bench.clock.advance(10)
    assert told == [str(OFFLINE), ""]


async def test_two_hundred_incidents_within_a_second_are_three_messages_in_all(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock)
    incidents = [f"i{number}" for number in range(200)]
    async with bench.running(bench.relay(channel, pace=Pace(gap=1.0))):
        for kind in (AlertKind.FIRING, AlertKind.RESOLVED):
            for incident in incidents:
                bench.outbox.add(bench.alert(incident, kind))
                await bench.clock.advance(0.005)
            await bench.clock.advance(60)
    assert len(channel.sent) == 3
    assert len(bench.outbox.done) == 400
    assert channel.times[0] == 0.0  # the first one at once


async def test_a_new_incident_does_not_wait_for_the_end_of_a_storm(bench: Bench) -> None:
    channel = Channel(bench.clock)
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(channel)):
        bench.outbox.add(bench.alert("a", AlertKind.RESOLVED))
        await bench.clock.advance(10)
        assert channel.times == [0.0]
        bench.outbox.add(bench.alert("f"))
        await bench.clock.advance(1)
        assert [message.alert.kind for _, _, message in channel.sent[1:]] == [
            AlertKind.RESOLVED,
            AlertKind.FIRING,
        ]


async def test_what_happened_while_a_channel_was_away_is_told_as_it_stands_now(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock)
    channel.otherwise = OFFLINE
    relay = bench.relay(channel)
    async with bench.running(relay):
        for incident in "abc":
            bench.outbox.add(bench.alert(incident))
        for incident in "ab":
            bench.outbox.add(bench.alert(incident, AlertKind.RESOLVED))
        await bench.clock.advance(24 * 3600)
        channel.otherwise = Receipt()
        channel.sent.clear()
        relay.wake()
        await bench.clock.advance(600)
    kinds = [message.alert.kind for _, _, message in channel.sent]
    assert kinds == [AlertKind.RESOLVED, AlertKind.RESOLVED, AlertKind.FIRING]
    assert len(bench.outbox.done) == 5


async def test_a_digest_that_is_refused_is_told_one_by_one_and_nothing_is_lost(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock, RejectedDeliveryError("cannot post: invalid_blocks"))
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(10)
    assert len(channel.sent) == 1 + 5
    assert len(bench.outbox.done) == 5
    assert bench.outbox.dead == []


async def test_a_program_gets_each_alert_by_itself(bench: Bench) -> None:
    channel = Channel(bench.clock)
    for incident in "abcdea":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(channel, pace=Pace(one_by_one=True))):
        await bench.clock.advance(1)
    assert channel.keys == [f"key-{number}" for number in range(1, 7)]


async def test_the_end_of_all_of_a_storm_waits_for_nothing_that_was_over_before(
    bench: Bench,
) -> None:
    channel = Channel(bench.clock)
    async with bench.running(bench.relay(channel)):
        for kind in (AlertKind.FIRING, AlertKind.RESOLVED):
            bench.outbox.add(bench.alert("early", kind))
            await bench.clock.advance(1)
        for kind in (AlertKind.FIRING, AlertKind.RESOLVED):
            for incident in "abcd":
                bench.outbox.add(bench.alert(incident, kind))
            await bench.clock.advance(1)
    assert channel.times == [0.0, 1.0, 2.0, 3.0]


async def test_evidence_goes_out_with_the_first_word_of_an_incident_whatever_that_is(
    bench: Bench,
) -> None:
    bench.outbox.lines["a"] = ["the last words"]
    channel = Channel(bench.clock)
    for kind in (AlertKind.FIRING, AlertKind.REMINDER):
        bench.outbox.add(bench.alert("a", kind))
    async with bench.running(bench.relay(channel)):
        await bench.clock.advance(1)
    [(_, _, message)] = channel.sent
    assert message.alert.kind is AlertKind.REMINDER
    assert message.evidence == ("the last words",)


async def test_updates_are_told_to_nobody_where_there_is_no_conversation(bench: Bench) -> None:
    """A destination may have become another kind of channel by a reload."""
    channel = Channel(bench.clock)
    for alert in (bench.update("a"), bench.alert("b"), bench.update("b")):
        bench.outbox.add(alert)
    async with bench.running(bench.relay(channel, pace=Pace(one_by_one=True))):
        await bench.clock.advance(1)
    assert channel.keys == ["key-2"]
    assert not bench.outbox.rows
