"""An incident as one message: opened, edited and answered, on a clock driven by hand."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.unit.relay_bench import OFFLINE, Bench, Room, hang
from watchdog.core.model import AlertKind
from watchdog.core.telling import MeasureKind
from watchdog.errors import MessageGoneError, RejectedDeliveryError, TemporaryDeliveryError
from watchdog.ports import Receipt
from watchdog.relay import Pace

FIRING, GAVE_UP, RESOLVED = AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.RESOLVED
REMINDER, OVER = AlertKind.REMINDER, AlertKind.WARNING_OVER
GONE = MessageGoneError("cannot edit: message_not_found")


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_an_incident_is_one_message_and_what_happens_is_edited_in_and_answered(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for alert in (bench.alert(), bench.update(), bench.alert(kind=RESOLVED)):
            bench.outbox.add(alert)
            await bench.clock.advance(1)
    assert room.calls == ["open 1", "edit 1", "reply 1", "edit 1", "reply 1"]
    assert [number for number, _, _ in bench.outbox.done] == [1, 2, 3]
    assert [receipt for _, receipt, _ in bench.outbox.done] == [Receipt({"ts": "1"})] * 3
    assert room.sent[1][2].title == "RESTARTING api: it broke"


async def test_the_first_message_waits_for_no_evidence_which_follows_below_it(
    bench: Bench,
) -> None:
    async def gathering(_incident: str) -> None:
        await bench.clock.sleep_until(1001.5)
        bench.outbox.lines["a"] = ["the last words"]

    bench.gathering = gathering
    bench.outbox.add(bench.alert("a"))
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
    assert (room.calls, room.times) == (["open 1", "reply 1"], [0.0, 1.5])
    assert [message.evidence for _, _, message in room.sent] == [(), ("the last words",)]
    assert room.sent[1][2].events == ()


async def test_the_message_and_the_reply_to_it_have_names_of_their_own(bench: Bench) -> None:
    bench.outbox.lines["a"] = ["the last words"]
    bench.outbox.add(bench.alert("a"))
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(1)
    opening, reply = room.keys
    assert opening == "key-1"
    assert reply not in {"", "key-1"}


async def test_what_is_due_together_is_one_edit_and_one_reply_with_a_line_each(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        for measure in (MeasureKind.RESTARTING, MeasureKind.RECOVERING):
            bench.outbox.add(bench.update(measure=measure))
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "edit 1", "reply 1"]
    assert room.sent[1][2].title == "RECOVERING api: it broke"
    assert room.sent[2][2].events == (
        "02:13:01 UTC - restarting now, attempt 0 of 0",
        "02:13:01 UTC - restarted, now it must prove to be healthy",
    )


async def test_after_an_outage_the_message_says_how_it_stands_and_the_reply_all_the_rest(
    bench: Bench,
) -> None:
    for alert in (bench.alert(), bench.update(), bench.alert(kind=RESOLVED)):
        bench.outbox.add(alert)
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "reply 1"]
    assert room.sent[0][2].title.startswith("RESOLVED api")
    assert len(room.sent[1][2].events) == 3


async def test_an_edit_waits_for_no_message_and_a_message_for_no_edit(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room, pace=Pace(gap=1.0))):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(0.2)
        bench.outbox.add(bench.alert("a", RESOLVED))
        await bench.clock.advance(0.9)
        bench.outbox.add(bench.alert("b"))
        await bench.clock.advance(3)
    # The reply to the edit had its second from the opening, and the next opening from the reply.
    assert room.calls == ["open 1", "edit 1", "reply 1", "open 2"]
    assert room.times == [0.0, 0.2, 1.0, 2.0]


@pytest.mark.parametrize("kind", [GAVE_UP, REMINDER])
async def test_people_are_called_before_the_message_is_edited(
    bench: Bench, kind: AlertKind
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for alert in (bench.alert(), bench.alert(kind=kind)):
            bench.outbox.add(alert)
            await bench.clock.advance(1)
    assert room.calls == ["open 1", "call 1", "edit 1"]


async def test_a_call_is_not_held_up_by_an_edit_that_fails_and_is_not_made_twice(
    bench: Bench,
) -> None:
    limited = TemporaryDeliveryError("cannot edit: rate limited", 30.0)
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        room.outcomes.extend([Receipt(), limited])
        bench.outbox.add(bench.alert(kind=GAVE_UP))
        await bench.clock.advance(31)
    assert room.calls == ["open 1", "call 1", "edit 1", "edit 1"]


async def test_whoever_was_called_is_told_of_the_end_and_others_are_not(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for incident, kinds in {"a": [FIRING, RESOLVED], "b": [FIRING, GAVE_UP, RESOLVED]}.items():
            for kind in kinds:
                bench.outbox.add(bench.alert(incident, kind))
                await bench.clock.advance(2)
    assert [call for call in room.calls if "1" in call] == ["open 1", "edit 1", "reply 1"]
    assert [call for call in room.calls if "2" in call] == [
        *("open 2", "call 2", "edit 2"),
        *("call 2", "edit 2"),
    ]


async def test_nobody_is_called_for_what_is_over_by_now(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        for kind in (GAVE_UP, RESOLVED):
            bench.outbox.add(bench.alert(kind=kind))
        await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "reply 1"]


async def test_half_open_retries_are_edited_in_and_fill_no_thread(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        for measure in (MeasureKind.RESTARTING_ONCE_MORE, MeasureKind.GAVE_UP):
            bench.outbox.add(bench.update(measure=measure))
            await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "edit 1"]


async def test_one_message_a_second_and_what_nobody_knows_of_first(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room, pace=Pace(gap=1.0))):
        bench.outbox.add(bench.alert("a"))
        await bench.clock.advance(3)
        bench.outbox.add(bench.update("a"))
        await bench.clock.advance(0.2)
        bench.outbox.add(bench.update("a"))
        await bench.clock.advance(0.3)
        bench.outbox.add(bench.alert("b"))
        await bench.clock.advance(3)
    assert room.calls == ["open 1", "edit 1", "reply 1", "open 2", "edit 1", "reply 1"]
    assert room.times == [0.0, 3.0, 3.0, 4.0, 4.0, 5.0]


# --- a stop in the middle ------------------------------------------------------------------------


async def test_the_next_daemon_goes_on_in_the_same_message(bench: Bench) -> None:
    bench.outbox.add(bench.alert())
    async with bench.running(bench.relay(Room(bench.clock))):
        await bench.clock.advance(1)
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert(kind=RESOLVED))
        await bench.clock.advance(2)
    assert room.calls == ["edit 1", "reply 1"]


async def test_a_stop_between_message_and_evidence_opens_no_second_message(bench: Bench) -> None:
    bench.outbox.lines["a"] = ["the last words"]
    bench.outbox.add(bench.alert("a"))
    async with bench.running(bench.relay(Room(bench.clock, Receipt({"ts": "1"}), hang))):
        await bench.clock.advance(1)
    assert len(bench.outbox.rows) == 1
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(1)
    assert room.calls == ["reply 1"]
    assert not bench.outbox.rows


async def test_a_stop_between_call_and_edit_calls_nobody_twice(bench: Bench) -> None:
    async with bench.running(
        bench.relay(Room(bench.clock, Receipt({"ts": "1"}), Receipt({"ts": "2"}), hang))
    ):
        for kind in (FIRING, GAVE_UP):
            bench.outbox.add(bench.alert(kind=kind))
            await bench.clock.advance(1)
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(1)
    assert room.calls == ["edit 1"]


async def test_what_a_lost_answer_may_have_posted_is_posted_under_the_same_name_and_edited(
    bench: Bench,
) -> None:
    """A Slack that knows it again shows the words of then."""
    room = Room(bench.clock, OFFLINE)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.settle()
        bench.outbox.add(bench.update(measure=MeasureKind.RECOVERING))
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "open 2", "edit 2", "reply 2"]
    assert room.keys[:2] == ["key-1", "key-1"]


async def test_a_store_that_cannot_recall_costs_a_message_too_many_and_no_alert(
    bench: Bench,
) -> None:
    bench.outbox.add(bench.alert("a"))
    async with bench.running(bench.relay(Room(bench.clock))):
        await bench.clock.advance(1)
    bench.outbox.broken["recall"] = 1
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert("a", GAVE_UP))
        await bench.clock.advance(2)
    assert room.calls == ["open 1"]


# --- a message that is gone ----------------------------------------------------------------------


async def test_what_belongs_to_a_message_that_is_gone_is_told_anew_and_goes_on_there(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        room.outcomes.append(GONE)
        for kind in (REMINDER, RESOLVED):
            bench.outbox.add(bench.alert(kind=kind))
            await bench.clock.advance(2)
    assert room.calls == ["open 1", "call 1", "open 2", "call 2", "edit 2"]
    assert not bench.outbox.rows


async def test_of_an_update_nobody_makes_a_new_message(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        room.outcomes.append(GONE)
        bench.outbox.add(bench.update())
        await bench.clock.advance(2)
        bench.outbox.add(bench.alert(kind=RESOLVED))
        await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "open 2"]
    assert not bench.outbox.rows


async def test_a_thread_that_takes_no_replies_makes_no_end_of_messages(bench: Bench) -> None:
    bench.outbox.lines["a"] = ["the last words"]
    room = Room(bench.clock, Receipt({"ts": "1"}), GONE)
    bench.outbox.add(bench.alert("a"))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(60)
    assert room.calls == ["open 1", "reply 1"]
    assert not bench.outbox.rows


async def test_an_edit_that_is_refused_for_good_does_not_keep_the_reply_back(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        room.outcomes.append(RejectedDeliveryError("cannot edit: invalid_blocks"))
        bench.outbox.add(bench.update())
        await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "reply 1"]
    assert bench.outbox.dead == []


async def test_replies_that_are_refused_together_are_made_one_by_one(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert())
        await bench.clock.advance(1)
        room.outcomes.extend([Receipt(), RejectedDeliveryError("cannot post: invalid_blocks")])
        for measure in (MeasureKind.RESTARTING, MeasureKind.RECOVERING):
            bench.outbox.add(bench.update(measure=measure))
        await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "reply 1", "reply 1", "reply 1"]
    assert not bench.outbox.rows


async def test_an_answer_that_names_no_message_is_taken_for_a_message_without_a_thread(
    bench: Bench,
) -> None:
    room = Room(bench.clock, Receipt())
    async with bench.running(bench.relay(room)):
        for kind in (FIRING, RESOLVED):
            bench.outbox.add(bench.alert(kind=kind))
            await bench.clock.advance(2)
    assert room.calls == ["open 1", "open 2"]


# --- many at once --------------------------------------------------------------------------------


async def test_two_hundred_incidents_within_a_second_are_two_messages_that_turn_to_resolved(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    incidents = [f"i{number}" for number in range(200)]
    async with bench.running(bench.relay(room, pace=Pace(gap=1.0))):
        for incident in incidents:
            bench.outbox.add(bench.alert(incident))
            await bench.clock.advance(0.005)
        await bench.clock.advance(10)
        for incident in incidents:
            bench.outbox.add(bench.update(incident))
            await bench.clock.advance(0.005)
        await bench.clock.advance(10)
        for incident in incidents:
            bench.outbox.add(bench.alert(incident, RESOLVED))
            await bench.clock.advance(0.005)
        await bench.clock.advance(60)
    assert [call for call in room.calls if call.startswith("open")] == ["open 1", "open 2"]
    assert len(room.calls) == 8  # two openings, an edit and a reply for the one update, four ends
    assert not bench.outbox.rows
    latest = {
        call: message.title for call, (_, _, message) in zip(room.calls, room.sent, strict=True)
    }
    assert latest["edit 1"].startswith("RESOLVED api")
    assert latest["edit 2"].startswith("RESOLVED web-1: ")


async def test_the_end_of_a_part_of_a_digest_is_edited_in_and_answered_together(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(room)):
        for incident in "ab":
            bench.outbox.add(bench.alert(incident, RESOLVED))
        await bench.clock.advance(40)
    assert room.calls == ["open 1", "edit 1", "reply 1"]
    assert room.sent[1][2].title.startswith("FIRING web-1: 3 firing, 2 resolved")
    assert len(room.sent[2][2].events) == 3  # the host, and a line each


async def test_who_gives_up_in_a_digest_is_called_for_in_its_thread(bench: Bench) -> None:
    room = Room(bench.clock)
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert("c", GAVE_UP))
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "call 1", "edit 1"]
    assert room.sent[1][2].title == "GAVE UP api: it broke"
    assert room.sent[2][2].title.startswith("GAVE UP web-1: 1 gave up, 4 firing")


async def test_the_next_daemon_knows_who_was_in_a_digest(bench: Bench) -> None:
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(Room(bench.clock))):
        await bench.clock.advance(1)
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert("a", RESOLVED))
        await bench.clock.advance(1)
    assert room.calls == ["edit 1", "reply 1"]
    assert room.sent[0][2].title.startswith("FIRING web-1: 4 firing, 1 resolved")


async def test_a_digest_that_is_refused_is_told_one_by_one(bench: Bench) -> None:
    room = Room(bench.clock, RejectedDeliveryError("cannot post: invalid_blocks"))
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
    assert room.calls == [f"open {number}" for number in range(1, 7)]
    assert not bench.outbox.rows


async def test_a_notice_and_a_test_have_a_message_of_their_own(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for kind in (AlertKind.NOTICE, AlertKind.TEST):
            bench.outbox.add(bench.alert("", kind))
            await bench.clock.advance(1)
    assert room.calls == ["open 1", "open 2"]
    assert not bench.outbox.rows


async def test_the_log_says_what_was_made_of_an_alert(bench: Bench) -> None:
    room = Room(bench.clock)
    with capture_logs() as logs:
        async with bench.running(bench.relay(room)):
            bench.outbox.add(bench.alert())
            await bench.clock.advance(1)
            bench.outbox.add(bench.update())
            await bench.clock.advance(2)
    assert [line.get("way") for line in logs] == ["open", "reply", "edit", "reply"]


async def test_a_warning_that_is_worse_is_a_message_of_its_own(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for _ in range(2):
            bench.outbox.add(bench.alert("of a certificate", AlertKind.WARNING))
            await bench.clock.advance(1)
    assert room.calls == ["open 1", "open 2"]
    assert not bench.outbox.rows


async def test_the_end_of_a_warning_is_edited_into_its_last_message_and_calls_nobody(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        for kind in (AlertKind.WARNING, AlertKind.WARNING, OVER):
            bench.outbox.add(bench.alert("w", kind))
            await bench.clock.advance(1)
    assert room.calls == ["open 1", "open 2", "edit 2"]
    assert room.sent[-1][2].title == "WARNING OVER api: it broke"
    assert not bench.outbox.rows


async def test_the_next_daemon_knows_the_message_of_a_warning(bench: Bench) -> None:
    room = Room(bench.clock)
    async with bench.running(bench.relay(room)):
        bench.outbox.add(bench.alert("w", AlertKind.WARNING))
        await bench.clock.advance(1)
    bench.outbox.add(bench.alert("w", OVER))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(1)
    assert room.calls == ["open 1", "edit 1"]
    assert not bench.outbox.rows


async def test_an_end_is_edited_again_after_an_outage(bench: Bench) -> None:
    room = Room(bench.clock, Receipt({"ts": "1"}), OFFLINE)
    async with bench.running(bench.relay(room)):
        for kind in (AlertKind.WARNING, OVER):
            bench.outbox.add(bench.alert("w", kind))
            await bench.clock.advance(1)
        await bench.clock.advance(2)
    assert room.calls == ["open 1", "edit 1", "edit 1"]
    assert not bench.outbox.rows


@pytest.mark.parametrize("trouble", [GONE, RejectedDeliveryError("invalid_blocks")])
async def test_where_the_message_of_a_warning_cannot_be_edited_its_end_makes_no_new_one(
    bench: Bench, trouble: Exception
) -> None:
    room = Room(bench.clock, Receipt({"ts": "1"}), trouble)
    async with bench.running(bench.relay(room)):
        for kind in (AlertKind.WARNING, OVER):
            bench.outbox.add(bench.alert("w", kind))
            await bench.clock.advance(5)
        assert room.calls == ["open 1", "edit 1"]
        assert not bench.outbox.rows
        bench.outbox.add(bench.alert("elsewhere", OVER))
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "edit 1"], "nor where it was never told"
    assert not bench.outbox.rows


async def test_a_warning_that_is_over_before_it_could_be_told_is_one_message(bench: Bench) -> None:
    room = Room(bench.clock)
    for kind in (AlertKind.WARNING, OVER):
        bench.outbox.add(bench.alert("w", kind))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
        bench.outbox.add(bench.alert("w", OVER))  # as if it were due a second time
        await bench.clock.advance(5)
    assert room.calls == ["open 1"]
    assert room.sent[0][2].title == "WARNING OVER api: it broke"
    assert not bench.outbox.rows


async def test_warnings_told_together_are_closed_in_their_message_one_by_one(
    bench: Bench,
) -> None:
    room = Room(bench.clock)
    for name in "abcd":
        bench.outbox.add(bench.alert(name, AlertKind.WARNING))
        bench.outbox.add(bench.alert("", AlertKind.NOTICE))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
        opened = list(room.calls)
        bench.outbox.add(bench.alert("b", OVER))
        await bench.clock.advance(5)
    assert room.calls == [*opened, "edit 1"]
    said = [line.split(": ")[1].split(",")[0] for line in room.sent[-1][2].lines[1:]]
    assert said == ["warning", "warning", "warning", "warning over"]
    assert not bench.outbox.rows


async def test_what_is_of_no_incident_is_in_no_message_that_will_be_edited(bench: Bench) -> None:
    room = Room(bench.clock)
    for incident in "abcde":
        bench.outbox.add(bench.alert(incident))
        bench.outbox.add(bench.alert(f"warning {incident}", AlertKind.WARNING))
    async with bench.running(bench.relay(room)):
        await bench.clock.advance(5)
    assert room.calls == ["open 1", "open 2"]
    kinds = [
        {line.split(": ")[1].split(",")[0] for line in sent[2].lines[1:]} for sent in room.sent
    ]
    assert kinds == [{"firing"}, {"warning"}]
