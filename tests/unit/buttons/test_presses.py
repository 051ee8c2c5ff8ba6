"""What becomes of a press: done and told, or refused, told to who pressed, and on record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.unit.buttons.links import TARGET
from tests.unit.clock import FakeClock, skip
from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.payload import Press
from watchdog.buttons.permission import Permission
from watchdog.buttons.presses import AGAIN_AFTER, REFUSALS, WINDOW, Channel, Presses
from watchdog.errors import StoreError, WatchdogError
from watchdog.notify.slack_press import Deed
from watchdog.words.choosing import words_in

ALICE = Press(
    Deed.ACKNOWLEDGE, TARGET, "U0ALICE000", "alice", "C0123456789", "1763777580.000100", "k"
)
MALLORY = replace(ALICE, user="U0MALLORY0", name="mallory")
WHO = "Slack: alice (U0ALICE000)"


class CodedError(WatchdogError):
    """A call refused with an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Bench:
    """People, calls and a timeline, all of them on record."""

    users: Sequence[str] = ("U0ALICE000",)
    language: str = "en"
    clock: FakeClock = field(default_factory=FakeClock)
    calls: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    aloud_: list[str] = field(default_factory=list)
    quietly_: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    refusal: Exception | None = None
    answer: dict[str, Any] = field(
        default_factory=lambda: {"code": 0, "took": 3.2, "reason": "", "phase": "healthy"}
    )
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # calls end when it is set
    deaf: bool = False  # Slack takes no answers
    full: bool = False  # the disk

    def __post_init__(self) -> None:
        self.gate.set()
        channel = Channel(Permission(self.users, self.members, self.clock), self)
        calls = {name: self._call(name) for name in ("ack", "restart", "pause", "silence")}
        self.presses = Presses(
            "web-1", words_in(self.language), {"slack": channel}, calls, self._note, self.clock
        )

    def _call(self, name: str) -> Any:
        async def call(arguments: Mapping[str, Any], who: str) -> Any:
            self.calls.append((name, arguments, who))
            await self.gate.wait()
            if self.refusal is not None:
                raise self.refusal
            return self.answer

        return call

    async def _note(self, service: str, incident: str, text: str) -> None:
        if self.full:
            raise StoreError("cannot write: the disk is full")
        self.notes.append((service, incident, text))

    async def quietly(self, press: Press, text: str) -> None:
        self._listen()
        self.quietly_.append((press.user, text))

    async def aloud(self, press: Press, text: str) -> None:
        self._listen()
        self.aloud_.append(text)

    async def members(self, group: str) -> Sequence[str]:
        raise ButtonsError(f"Slack refuses usergroups.users.list: no_such_subteam: {group}")

    def _listen(self) -> None:
        if self.deaf:
            raise ButtonsError("cannot reach Slack")

    async def press(self, press: Press, deed: Deed | None = None) -> None:
        await self.presses.answer(replace(press, deed=deed or press.deed))


@pytest.mark.parametrize(
    ("deed", "call", "more", "told"),
    [
        (
            Deed.ACKNOWLEDGE,
            "ack",
            {},
            "alice has acknowledged the incident; there are no more reminders of it.",
        ),
        (
            Deed.SILENCE,
            "silence",
            {"seconds": 3600, "reason": "by a button in Slack"},
            "alice has silenced alerts for 1 h; restarts go on.",
        ),
        (
            Deed.PAUSE,
            "pause",
            {"seconds": 1800, "reason": "by a button in Slack"},
            "alice has begun maintenance: no restarts and no alerts for 30 min.",
        ),
        (Deed.RESTART, "restart", {}, "langchain-api is healthy again, after 3 s."),
    ],
)
async def test_a_press_is_the_call_of_the_command_line_for_that_incident_alone(
    deed: Deed, call: str, more: Mapping[str, Any], told: str
) -> None:
    bench = Bench()
    await bench.press(ALICE, deed)
    assert bench.calls == [(call, {"name": "langchain-api", "incident": "k3f9qa", **more}, WHO)]
    assert bench.aloud_ == [told]
    assert bench.quietly_ == []


async def test_who_is_not_listed_is_told_so_and_is_on_record() -> None:
    bench = Bench()
    await bench.press(MALLORY, Deed.RESTART)
    assert bench.calls == []
    [(user, told)] = bench.quietly_
    assert user == "U0MALLORY0"
    assert told == (
        "Nothing was done: mallory (U0MALLORY0) is not among the `users` of this channel's"
        " configuration."
    )
    assert bench.notes == [
        (
            "langchain-api",
            "k3f9qa",
            "restart by Slack: mallory (U0MALLORY0) refused: not among the users who may",
        )
    ]


async def test_who_cannot_be_found_out_about_may_not() -> None:
    bench = Bench(users=["S0OPS"])
    await bench.press(ALICE)
    assert bench.calls == []
    [(_, told)] = bench.quietly_
    assert told.startswith("Nothing was done: it could not be found out whether you may")
    [(_, _, noted)] = bench.notes
    assert "cannot find out whether they may" in noted


async def test_a_button_of_another_host_is_left_to_that_host() -> None:
    bench = Bench()
    await bench.press(replace(ALICE, target=changed_target(host="web-2")))
    assert bench.calls == []
    [(_, told)] = bench.quietly_
    assert "the button is of web-2, and Slack has sent the press to web-1" in told
    assert bench.notes == []  # its timeline is elsewhere


async def test_a_button_of_a_channel_that_is_gone_does_nothing() -> None:
    bench = Bench()
    await bench.press(replace(ALICE, target=changed_target(channel="slack-2")))
    assert bench.calls == []
    assert len(bench.quietly_) == 1


def changed_target(**changes: str) -> Any:
    return type(TARGET)(
        **{name: changes.get(name, getattr(TARGET, name)) for name in TARGET.__struct_fields__}
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1, "Nothing was done: incident k3f9qa is over."),
        (2, "Nothing was done: cannot find service 'langchain-api'"),
        (4, "Nothing was done: langchain-api is being restarted, or was a moment ago."),
    ],
)
async def test_a_refused_call_is_told_in_words_and_is_on_record(code: int, told: str) -> None:
    bench = Bench(refusal=CodedError("cannot find service 'langchain-api'", code))
    await bench.press(ALICE, Deed.RESTART)
    assert bench.quietly_ == [("U0ALICE000", told)]
    assert len(bench.notes) == 1
    assert bench.aloud_ == []


async def test_two_presses_within_seconds_are_one_restart() -> None:
    bench = Bench()
    bench.gate.clear()
    first = asyncio.create_task(bench.press(ALICE, Deed.RESTART))
    await bench.clock.settle()
    await bench.press(ALICE, Deed.RESTART)
    bench.gate.set()
    await first
    await bench.press(ALICE, Deed.RESTART)
    assert len(bench.calls) == 1
    assert len(bench.quietly_) == 2
    await bench.clock.advance(AGAIN_AFTER)
    await bench.press(ALICE, Deed.RESTART)
    assert len(bench.calls) == 2


async def test_a_restart_that_was_refused_may_be_asked_for_again_at_once() -> None:
    bench = Bench(refusal=CodedError("over", 1))
    await bench.press(ALICE, Deed.RESTART)
    bench.refusal = None
    await bench.press(ALICE, Deed.RESTART)
    assert len(bench.aloud_) == 1


async def test_a_restart_that_takes_long_is_told_when_it_begins_and_when_it_ends() -> None:
    bench = Bench()
    bench.gate.clear()
    pressed = asyncio.create_task(bench.press(ALICE, Deed.RESTART))
    await skip(3)
    assert bench.aloud_ == ["alice restarts langchain-api …"]
    bench.gate.set()
    await pressed
    assert bench.aloud_[1:] == ["langchain-api is healthy again, after 3 s."]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"reason": "no permission", "restart": "impossible", "code": 1}, "no permission"),
        ({"reason": "/health answered 500", "code": 1}, "/health answered 500"),
        ({"reason": "", "phase": "maintenance", "code": 4}, "maintenance"),
    ],
)
async def test_a_restart_that_does_not_help_is_told_with_why(
    answer: dict[str, Any], why: str
) -> None:
    bench = Bench()
    bench.answer |= answer
    await bench.press(ALICE, Deed.RESTART)
    assert bench.aloud_ == [f"langchain-api is not healthy after the restart: {why}"]


async def test_what_is_answered_mentions_nobody() -> None:
    bench = Bench()
    bench.answer |= {"reason": "<!channel> & <@U1>", "code": 1}
    await bench.press(ALICE, Deed.RESTART)
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in bench.aloud_[0]


async def test_a_slack_that_takes_no_answer_changes_nothing_about_what_is_done() -> None:
    bench = Bench(deaf=True)
    await bench.press(ALICE)
    await bench.press(MALLORY)
    assert len(bench.calls) == 1
    assert len(bench.notes) == 1


async def test_who_presses_in_vain_without_end_does_not_fill_the_timeline() -> None:
    bench = Bench()
    for _ in range(REFUSALS + 5):
        await bench.press(MALLORY)
    assert len(bench.notes) == REFUSALS
    assert len(bench.quietly_) == REFUSALS + 5
    await bench.clock.advance(WINDOW)
    await bench.press(MALLORY)
    assert len(bench.notes) == REFUSALS + 1


async def test_a_full_disk_is_no_reason_to_keep_a_refusal_back() -> None:
    bench = Bench(full=True)
    await bench.press(MALLORY)
    assert len(bench.quietly_) == 1


async def test_a_program_error_is_answered_and_ends_nothing() -> None:
    bench = Bench(refusal=ZeroDivisionError())
    await bench.press(ALICE)
    assert bench.quietly_ == [("U0ALICE000", "Nothing was done: ZeroDivisionError")]


async def test_people_are_answered_in_their_language() -> None:
    bench = Bench(language="ko")
    await bench.press(ALICE, Deed.SILENCE)
    assert bench.aloud_ == ["alice 님이 1시간 동안 알림을 껐습니다. 재시작은 계속됩니다."]
