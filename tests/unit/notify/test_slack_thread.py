"""An incident in Slack's form: coloured, within Slack's limits whatever is in it, and no ping."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.peers.slack_rules import MAX_UPDATE_TEXT, check_message
from tests.unit.notify.alerts import ALERTS, ENGLISH, EVIDENCE, message
from tests.unit.notify.test_slack_message import CONTROL, hostile, messages
from watchdog.core.model import AlertKind
from watchdog.core.telling import Measure, MeasureKind
from watchdog.notify.slack_press import Buttons
from watchdog.notify.slack_thread import COLOURS, answer, top
from watchdog.notify.stage import Stage, stage
from watchdog.ports import Message

BUTTONS = Buttons("slack", ENGLISH)

events = st.lists(hostile.map(lambda text: f"02:13:07 UTC - {text[:280]}"), max_size=20).map(tuple)


def update(kind: MeasureKind) -> Message:
    alert = replace(ALERTS["firing"], kind=AlertKind.UPDATE, measure=Measure(kind))
    return replace(message(), alert=alert)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (message("firing"), Stage.FIRING),
        (message("reminder"), Stage.FIRING),
        (message("gave-up"), Stage.GAVE_UP),
        (message("resolved"), Stage.RESOLVED),
        (message("warning"), Stage.WARNING),
        (message("notice"), Stage.NOTICE),
        (message("test"), Stage.TEST),
        (update(MeasureKind.RESTARTING), Stage.RESTARTING),
        (update(MeasureKind.RESTART_ASKED), Stage.RESTARTING),
        (update(MeasureKind.RECOVERING), Stage.RECOVERING),
        (update(MeasureKind.SETTLING), Stage.RECOVERING),
        (update(MeasureKind.RESTART_DUE), Stage.FIRING),
        (update(MeasureKind.GAVE_UP), Stage.GAVE_UP),
    ],
)
def test_the_bar_has_the_colour_of_how_it_stands(shown: Message, expected: Stage) -> None:
    assert stage(shown.alert) is expected
    assert top(shown)["attachments"][0]["color"] == COLOURS[expected]


def test_every_stage_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(Stage)
    assert len(set(COLOURS.values())) == len(Stage)


def test_an_update_without_a_measure_is_firing() -> None:
    alert = replace(ALERTS["firing"], kind=AlertKind.UPDATE, measure=None)
    assert stage(alert) is Stage.FIRING


def test_buttons_come_before_what_slack_may_fold_and_go_when_it_is_over() -> None:
    assert [block["type"] for block in top(message(), BUTTONS)["blocks"]] == ["section", "actions"]
    going_on = update(MeasureKind.RECOVERING)
    assert [block["type"] for block in top(going_on, BUTTONS)["blocks"]] == ["section", "actions"]
    assert [block["type"] for block in top(message("resolved"), BUTTONS)["blocks"]] == ["section"]


@pytest.mark.parametrize(
    ("name", "loud", "has"),
    [("gave-up", True, True), ("firing", False, False), ("resolved", True, False)],
)
def test_only_a_reply_that_calls_for_somebody_has_buttons(
    name: str, *, loud: bool, has: bool
) -> None:
    kinds = [block["type"] for block in answer(message(name), BUTTONS, loud=loud)["blocks"]]
    assert ("actions" in kinds) is has


def test_a_reply_without_lines_is_the_evidence_under_its_name() -> None:
    said = answer(message(evidence=EVIDENCE[:1]), loud=False)["blocks"]
    assert [block["text"]["text"].split("\n")[0] for block in said] == ["*Evidence*", "```"]


def test_a_loud_reply_says_all_that_a_message_of_its_own_would() -> None:
    said = text_of(answer(message("gave-up"), loud=True))
    assert said[0].startswith(":rotating_light: *GAVE UP langchain-api: ")
    assert "*Action:* gave up after 5 restarts" in said[1]
    assert said[2].startswith("```\n")


@settings(deadline=None)
@given(messages, events, st.booleans())
def test_any_message_and_any_reply_is_one_that_slack_takes_and_that_pings_nobody(
    shown: Message, lines: tuple[str, ...], loud: bool
) -> None:
    full = replace(shown, events=lines)
    for body in (top(full), answer(full, loud=loud)):
        check_message(body, MAX_UPDATE_TEXT)
        assert not any(CONTROL.search(text) for text in [body["text"], *text_of(body)])
        sizes = [len(text.encode("utf-16-le", "surrogatepass")) // 2 for text in text_of(body)]
        assert max(sizes, default=0) <= 3_000  # a line of no words is no block
        assert sum(sizes) <= 13_200


def text_of(body: dict[str, Any]) -> list[str]:
    parts = [body, *body.get("attachments", ())]
    return [block["text"]["text"] for part in parts for block in part["blocks"] if "text" in block]
