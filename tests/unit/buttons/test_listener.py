"""The connection is kept: made anew when it is lost, replaced before it ends, and never a flood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from tests.unit.buttons.links import HELLO, ScriptedLink, envelope, payload
from tests.unit.clock import FakeClock, skip
from watchdog.buttons import listener as module
from watchdog.buttons.errors import ButtonsError
from watchdog.buttons.listener import Listener
from watchdog.buttons.payload import Press
from watchdog.buttons.standing import Standing

DISCONNECT = '{"type": "disconnect", "reason": "refresh_requested"}'
AWAY = "cannot reach Slack: the server's name cannot be resolved"


@dataclass
class Bench:
    """A listener whose connections are scripted; without one left, Slack is away."""

    clock: FakeClock = field(default_factory=FakeClock)
    links: list[ScriptedLink | BaseException] = field(default_factory=list)
    tries: list[float] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    gate: asyncio.Event | None = None  # answers end when it is set

    def __post_init__(self) -> None:
        self.standing = Standing("slack", self.clock)
        self.listener = Listener(
            self._connect, self._answer, self.clock, self.standing, chance=lambda: 1.0
        )

    async def _connect(self) -> ScriptedLink:
        self.tries.append(self.clock.mono)
        link = self.links.pop(0) if self.links else ButtonsError(AWAY)
        if isinstance(link, BaseException):
            raise link
        return link

    async def _answer(self, press: Press) -> None:
        self.presses.append(press)
        if self.gate is not None:
            await self.gate.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.listener.run())
        try:
            await self.clock.settle()
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


async def test_an_envelope_is_acknowledged_before_anything_is_done_about_it() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link], gate=asyncio.Event())
    async with bench.running():
        link.say(envelope(payload(), "e1"))
        link.say(envelope(payload(), "e2"))
        await bench.clock.settle()
        assert link.acknowledged == ["e1", "e2"]
        assert [press.name for press in bench.presses] == ["alice", "alice"]


async def test_what_is_not_for_us_is_acknowledged_and_left_alone() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link])
    async with bench.running():
        for kind in ("events_api", "slash_commands", "interactive"):
            link.say(envelope({"type": "something"}, kind, kind))
        link.say(envelope(payload(user=None), "odd"))
        link.say("no JSON at all")
        link.say("[" * 50_000)
        link.say(envelope(payload(), "last"))
        await bench.clock.settle()
        assert link.acknowledged == [
            "events_api",
            "slash_commands",
            "interactive",
            "odd",
            "last",
        ]
        assert len(bench.presses) == 1


async def test_a_press_that_slack_sends_again_is_acknowledged_and_known() -> None:
    link, same = ScriptedLink.greeting(), payload()
    bench = Bench(links=[link])
    async with bench.running():
        link.say(envelope(same, "e1"))
        link.say(envelope(same, "e2"))
        await bench.clock.settle()
        assert link.acknowledged == ["e1", "e2"]
        assert len(bench.presses) == 1


async def test_no_more_than_so_many_presses_are_remembered() -> None:
    link, first = ScriptedLink.greeting(), payload()
    bench = Bench(links=[link])
    async with bench.running():
        for content in [first, *(payload() for _ in range(module.REMEMBERED)), first]:
            link.say(envelope(content))
            await bench.clock.settle()
        assert len(bench.presses) == module.REMEMBERED + 2


async def test_a_flood_of_presses_is_not_answered_all_at_once() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link], gate=asyncio.Event())
    async with bench.running():
        for _ in range(module.AT_ONCE + 5):
            link.say(envelope(payload()))
        await bench.clock.settle()
        assert len(bench.presses) == module.AT_ONCE
        assert bench.gate is not None
        bench.gate.set()
        await bench.clock.settle()
        link.say(envelope(payload()))
        await bench.clock.settle()
        assert len(bench.presses) == module.AT_ONCE + 1


async def test_a_connection_is_replaced_while_the_old_one_still_brings_presses() -> None:
    old, new = ScriptedLink.greeting(), ScriptedLink.greeting()
    bench = Bench(links=[old, new])
    async with bench.running():
        await bench.clock.advance(3600)
        old.say(DISCONNECT)
        await bench.clock.settle()
        assert len(bench.tries) == 2
        old.say(envelope(payload(), "late"))
        new.say(envelope(payload(), "new"))
        await bench.clock.settle()
        assert (old.acknowledged, new.acknowledged) == (["late"], ["new"])
        old.say(None)
        await bench.clock.settle()
        assert old.closed
        assert bench.standing.status()["connected"]
        assert len(bench.presses) == 2


async def test_an_old_connection_that_slack_does_not_close_is_closed_in_the_end() -> None:
    old, new = ScriptedLink.greeting(), ScriptedLink.greeting()
    bench = Bench(links=[old, new])
    async with bench.running():
        await bench.clock.advance(3600)
        old.say(DISCONNECT)
        await skip(module.LINGER + 1)
        assert old.closed
        assert not new.closed
        assert bench.standing.status()["connected"]


async def test_a_lost_connection_is_made_anew_at_once() -> None:
    old, new = ScriptedLink.greeting(), ScriptedLink.greeting()
    bench = Bench(links=[old, new])
    async with bench.running():
        await bench.clock.advance(3600)
        old.say(None)
        await bench.clock.settle()
        assert len(bench.tries) == 2
        assert bench.standing.status()["connected"]


async def test_slack_is_tried_again_ever_more_slowly() -> None:
    bench = Bench()
    async with bench.running():
        await bench.clock.advance(1200)
        gaps = [later - earlier for earlier, later in pairwise(bench.tries)]
        assert gaps[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


async def test_the_pause_is_as_long_as_slack_asks_for() -> None:
    bench = Bench(links=[ButtonsError("Slack limits the rate", 42.0)])
    async with bench.running():
        await bench.clock.advance(41)
        assert len(bench.tries) == 1
        await bench.clock.advance(1)
        assert len(bench.tries) == 2


async def test_connections_that_slack_ends_at_once_are_no_flood_either() -> None:
    bench = Bench()
    for _ in range(100):
        link = ScriptedLink.greeting()
        link.say(DISCONNECT)
        link.say(None)
        bench.links.append(link)
    async with bench.running():
        await bench.clock.advance(60)
        assert len(bench.tries) <= 7


async def test_somebody_who_has_mended_it_need_not_wait() -> None:
    bench = Bench(links=[ButtonsError("invalid_auth", 300.0), ScriptedLink.greeting()])
    async with bench.running():
        bench.listener.wake()
        await bench.clock.settle()
        assert bench.standing.status()["connected"]


@pytest.mark.parametrize("greeting", ['{"type": "goodbye"}', "", "<html>", None])
async def test_without_a_hello_it_is_no_connection(greeting: str | None) -> None:
    link = ScriptedLink()
    link.say(greeting)
    bench = Bench(links=[link, ScriptedLink.greeting()])
    async with bench.running():
        assert link.closed
        assert not bench.standing.status()["connected"]
        await bench.clock.advance(1)
        assert bench.standing.status()["connected"]


async def test_a_hello_is_not_waited_for_without_end() -> None:
    link = ScriptedLink()
    bench = Bench(links=[link])
    async with bench.running():
        await skip(module.DEADLINE + 1)
        assert link.closed
        assert "has not said hello within 30 s" in bench.standing.status()["reason"]


async def test_a_program_error_is_no_end() -> None:
    bench = Bench(links=[ZeroDivisionError(), ScriptedLink.greeting()])
    async with bench.running():
        assert "error of our own" in bench.standing.status()["reason"]
        await bench.clock.advance(1)
        assert bench.standing.status()["connected"]


async def test_an_outage_is_logged_once_however_often_slack_is_tried() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link])
    with capture_logs() as logs:
        async with bench.running():
            await bench.clock.advance(3600)
            link.say(None)
            await bench.clock.advance(3600)
            bench.links.append(ScriptedLink.greeting())
            await bench.clock.advance(300)
    assert [line["event"] for line in logs] == [
        "slack buttons connected",
        "slack buttons not connected, trying again",
        "slack buttons connected",
    ]


async def test_the_status_tells_since_when_and_why() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link])
    assert bench.standing.status()["reason"] == "not connected yet"
    async with bench.running():
        since = bench.clock.wall
        assert bench.standing.status() == {"connected": True, "since": since, "reason": ""}
        await bench.clock.advance(60)
        lost = bench.clock.wall
        link.say(None)
        await bench.clock.advance(60)
        assert bench.standing.status() == {"connected": False, "since": lost, "reason": AWAY}


async def test_connections_of_others_with_the_same_app_are_told_of() -> None:
    greeting = HELLO.replace("1", "3")
    bench = Bench(links=[ScriptedLink.greeting(greeting)])
    async with bench.running():
        status = bench.standing.status()
        assert status["connected"]
        assert "2 more took presses of the same app" in status["reason"]


async def test_the_end_closes_the_connection_and_what_is_being_answered() -> None:
    link = ScriptedLink.greeting()
    bench = Bench(links=[link], gate=asyncio.Event())
    async with bench.running():
        link.say(envelope(payload()))
        await bench.clock.settle()
    assert link.closed


async def test_a_connection_that_was_lost_and_that_slack_still_counts_is_not_anothers() -> None:
    lost = ScriptedLink.greeting()
    bench = Bench(links=[lost, ScriptedLink.greeting(HELLO.replace("1", "2"))])
    async with bench.running():
        await bench.clock.advance(3600)
        lost.say(None)
        await bench.clock.settle()
        status = bench.standing.status()
        assert (status["connected"], status["reason"]) == (True, "")
