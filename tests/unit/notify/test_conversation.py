"""Whole conversations in Slack, as a reader of the channel sees them grow, for a reviewer to read.

The state machine, the relay, the notifier and a Slack of one's own, on a clock driven by hand.
After a wanted change: UPDATE_SNAPSHOTS=1 scripts/test tests/unit/notify/test_conversation.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tests.host.peers.slack import Request, SlackServer
from tests.unit.core.life import CRASH, DONE, FAILED, PASS, Life
from tests.unit.notify.alerts import EVIDENCE, ZONES
from tests.unit.notify.test_snapshots import HOSTILE
from tests.unit.relay_bench import Bench
from watchdog.core.model import (
    Alert,
    Event,
    Observation,
    RestartRequested,
    State,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.notify.route import Route
from watchdog.notify.slack import SlackBot
from watchdog.notify.slack_thread import COLOURS
from watchdog.words.choosing import languages

SNAPSHOTS = Path(__file__).parent / "conversations"

BAD = Observation(Verdict.FAIL, "http", '/health answered 500: "database is locked"')
DEAD = Observation(Verdict.FAIL, "unit", "langchain-api.service was killed by SIGKILL", dead=True)
HELD = Observation(Verdict.HOLD, "unit", "langchain-api.service is starting")
NASTY = replace(BAD, reason=" ".join(HOSTILE))

Course = Sequence[tuple[float, Event]]

# Seconds to wait, and what happens then.
HEALED: Course = [
    *((0, BAD), (2, BAD), (2, BAD)),
    *((3, DONE), (1, BAD), (5, BAD), (2, FAILED), (10, DEAD), (3, DONE)),
    *((1, PASS), (1, PASS)),
]
GIVEN_UP: Course = [
    *((0, BAD), (2, BAD), (2, BAD), (3, DONE), (1, BAD)),
    *((3000, BAD), (3, DONE), (1, BAD), (620, BAD)),
    *((9, RestartRequested("kim")), (3, DONE), (1, PASS), (1, PASS)),
]
FLAPPING: Course = [
    *((0, BAD), (2, BAD), (2, BAD), (3, DONE), (1, PASS), (1, PASS)),
    *((60, BAD), (2, BAD), (2, BAD), (5, BAD), (3, DONE), (1, PASS), (1, PASS)),
    *((30, HELD), (9, PASS), (1800, PASS)),
]
NASTY_ALL_THE_WAY: Course = [
    *((0, NASTY), (2, NASTY), (2, NASTY), (3, replace(DONE, reason=NASTY.reason))),
    *((1, NASTY), (3000, NASTY), (3, replace(FAILED, reason=NASTY.reason)), (1, CRASH)),
    *((1, PASS), (1, PASS)),
]
ONCE = Policy(restart_budget=1, retry_every=3000)

COURSES: dict[str, tuple[Policy, Course, tuple[str, ...]]] = {
    "healed": (Policy(), HEALED, EVIDENCE),
    "given-up": (ONCE, GIVEN_UP, EVIDENCE),
    "flapping": (Policy(), FLAPPING, ()),
    "hostile": (ONCE, NASTY_ALL_THE_WAY, HOSTILE),
}


async def conversation(name: str, language: str) -> tuple[str, SlackServer]:
    """Return the course *name* as Slack was told it, and that Slack."""
    policy, course, evidence = COURSES[name]
    life = Life(policy, State("langchain-api"))
    bench = Bench(language=language, zone=ZONES.get(language, UTC))
    shown: list[str] = []
    async with SlackServer() as slack:
        token, route = SlackServer.TOKEN, Route(timeout=5)
        bot = SlackBot(token, SlackServer.CHANNEL, api_url=slack.api_url, route=route)
        async with bench.running(bench.relay(bot)):
            for seconds, event in course:
                await bench.clock.advance(seconds)
                before = len(slack.requests)
                for alert in told(life.wait(seconds).on(event)):
                    bench.outbox.lines[alert.incident] = evidence
                    bench.outbox.add(alert)
                await bench.outbox.wait_until_empty()
                shown += [line for request in slack.requests[before:] for line in seen(request)]
        seen_in_channel = [message for message in slack.messages if message.in_channel]
        shown.append(f"In the channel: {len(seen_in_channel)}")
    return "\n".join(shown) + "\n", slack


def told(life: Life) -> list[Alert]:
    return [effect for effect in life.last if isinstance(effect, Alert)]


def seen(request: Request) -> Iterator[str]:
    """Yield what a reader sees of a call."""
    body = request.body
    assert request.outcome == "ok"
    if request.method == "chat.update":
        yield "--- edited"
    elif "thread_ts" not in body:
        yield "--- posted"
    else:
        yield "--- replied, and seen in the channel" if "reply_broadcast" in body else "--- replied"
    yield f"lock screen: {body['text'].splitlines()[0]}"
    yield from text_of(body["blocks"])
    names = {colour: stage for stage, colour in COLOURS.items()}
    for attachment in body.get("attachments", ()):
        yield f"[{names[attachment['color']].value}]"
        yield from (f"| {line}" for line in text_of(attachment["blocks"]))
    yield ""


def text_of(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        yield from block["text"]["text"].split("\n")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", COURSES)
async def test_a_conversation_reads_as_its_snapshot(name: str, language: str) -> None:
    shown, _ = await conversation(name, language)
    path = SNAPSHOTS / language / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", COURSES)
async def test_the_first_words_on_the_lock_screen_say_state_service_and_cause(
    name: str, language: str
) -> None:
    _, slack = await conversation(name, language)
    for request in slack.requests:
        first = request.body["text"][:60]
        assert "langchain-api" in first
        assert ": " in first


def test_every_snapshot_belongs_to_a_course() -> None:
    there = {str(path.relative_to(SNAPSHOTS)) for path in SNAPSHOTS.rglob("*.txt")}
    assert there == {f"{language}/{name}.txt" for language in languages() for name in COURSES}
