"""Slack's form of a message: within Slack's limits whatever is in it, and no ping to anybody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.peers.slack_rules import check_message
from tests.unit.notify.alerts import ALERTS, OPENED, message
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.notify.digest import digest
from watchdog.notify.render import render
from watchdog.notify.slack_message import (
    actions,
    blocks,
    escape,
    full_text,
    metadata,
    plain_text,
)
from watchdog.notify.slack_press import Buttons, Target, read_target
from watchdog.ports import Message
from watchdog.words.choosing import languages, words_in

# "<" begins a mention, a channel or a link; "&" an entity.
CONTROL = re.compile(r"[<>]|&(?!amp;|lt;|gt;)")

hostile = (
    st.text()
    | st.sampled_from(["<!channel>", "<@U1>", "@here", "&" * 5000, "😀" * 5000, "`" * 7])
    | st.text("&<>`*\n\r\x00\ud800", max_size=600)
)
messages = st.builds(
    Message,
    alert=st.sampled_from(list(ALERTS.values())),
    host=hostile,
    title=hostile.map(lambda text: f"FIRING {text}"),
    lines=st.lists(hostile, max_size=12).map(tuple),
    evidence=st.lists(hostile.map(lambda text: text[:300]), max_size=30).map(tuple),
)


BUTTONS = {language: Buttons("slack", words_in(language)) for language in languages()}


def labels(shown: Message, language: str = "en") -> list[str]:
    return [
        element["text"]["text"]
        for block in actions(shown, BUTTONS[language])
        for element in block["elements"]
    ]


@pytest.mark.parametrize("name", ["firing", "reminder", "gave-up", "crash-loop"])
def test_an_alert_about_an_open_incident_has_buttons(name: str) -> None:
    expected = ["Acknowledge", "Restart now", "Silence 1 h", "Pause 30 min"]
    assert labels(message(name)) == expected


@pytest.mark.parametrize("name", ["resolved", "notice", "host-notice", "test"])
def test_what_is_about_no_open_incident_has_none(name: str) -> None:
    assert labels(message(name)) == []


def test_a_digest_has_none() -> None:
    alerts = [replace(ALERTS["firing"], service=f"api-{n}", incident=f"inc{n}") for n in range(4)]
    assert labels(digest(alerts, "web-1", OPENED, UTC, words_in("en"))) == []


def test_without_an_app_token_there_are_none() -> None:
    assert actions(message("firing"), None) == []


def test_buttons_say_what_they_do_in_korean() -> None:
    shown = labels(message("firing", language="ko"), "ko")
    assert shown == ["확인", "지금 재시작", "1시간 알림 끄기", "30분 일시 중지"]


def test_what_interrupts_or_hides_is_asked_for_twice() -> None:
    [block] = actions(message("firing"), BUTTONS["en"])
    asked = [element.get("confirm", {}).get("text", {}) for element in block["elements"]]
    assert [text.get("text", "") for text in asked] == [
        "",
        "Restart langchain-api now? What it is doing is interrupted.",
        "",
        "Pause langchain-api? For 30 min nothing is restarted, and nobody is alerted.",
    ]


def test_a_button_names_host_channel_service_and_incident() -> None:
    [block] = actions(message("firing"), BUTTONS["en"])
    values = {element["value"] for element in block["elements"]}
    assert [read_target(value) for value in values] == [
        Target("web-1", "slack", "langchain-api", "k3f9qa")
    ]


def test_a_name_too_long_for_slack_leaves_the_alert_without_buttons() -> None:
    assert labels(replace(message("firing"), host="h" * 2000)) == []


def test_only_the_three_control_characters_are_escaped() -> None:
    assert escape("a & b < c > d \"e\" 'f' *g*", 100) == "a &amp; b &lt; c &gt; d \"e\" 'f' *g*"


def test_an_entity_is_not_cut_in_the_middle() -> None:
    assert escape("<<<", 9) == "&lt;&lt;…"


def test_a_character_beyond_the_basic_plane_counts_twice() -> None:
    assert escape("😀" * 10, 9) == "😀😀😀😀…"


def test_evidence_cannot_leave_its_preformatted_block() -> None:
    last = blocks(message(evidence=("before", "``` *bold* ```", "after")))[-1]
    assert last["text"]["text"] == "```\nbefore\n''' *bold* '''\nafter\n```"


def test_mentions_in_plain_words_are_left_alone() -> None:
    assert all(block["text"]["verbatim"] is True for block in blocks(message()))


def test_many_long_lines_are_spread_over_several_sections() -> None:
    shown = replace(message(evidence=()), lines=("Label: " + "<" * 500,) * 12)
    title, *sections = blocks(shown)
    assert title["text"]["text"].startswith(":red_circle: *FIRING")
    assert [section["text"]["text"].count("*Label:* ") for section in sections] == [4, 4, 4]


def test_sections_are_measured_as_slack_may_count_them() -> None:
    shown = replace(message(evidence=()), lines=("Label: " + "😀" * 500,) * 12)
    for block in blocks(shown):
        assert len(block["text"]["text"].encode("utf-16-le")) // 2 <= 3_000


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("filler", ["한", "각<", "&", "😀", "<!channel> "])
@pytest.mark.parametrize("kind", AlertKind)
def test_an_alert_of_the_longest_words_is_one_that_slack_takes_in_every_language(
    kind: AlertKind, filler: str, language: str
) -> None:
    long = filler * 20_000
    alert = Alert(
        kind,
        long,
        OPENED,
        long,
        check=long,
        incident=long,
        opened=OPENED,
        failures=8,
        max_failures=3,
        restarts=5,
        duration=9000.0,
        measure=Measure(MeasureKind.RESTARTS_OFF),
        circumstance=Circumstance(CircumstanceKind.DATABASE_REPLACED, long, long, aside=long),
    )
    shown = render(alert, long, [long] * 50, OPENED + 86400 * 3, UTC, words_in(language))
    pressable = [*blocks(shown), *actions(shown, BUTTONS[language])]
    body = {"text": full_text(shown), "blocks": pressable, "metadata": metadata(shown)}
    check_message(body, max_text=4_000)
    check_message({"text": plain_text(shown)}, max_text=4_000)
    sections = [block["text"]["text"] for block in blocks(shown)]
    # Hangul: a character is one unit of UTF-16 and three bytes of UTF-8; Slack counts the former.
    assert max(len(text.encode("utf-16-le")) // 2 for text in sections) <= 3_000
    assert sum(len(text.encode("utf-16-le")) // 2 for text in sections) <= 13_200
    assert not any(CONTROL.search(text) for text in sections)


def test_plain_text_tells_the_alert_in_one_line() -> None:
    assert plain_text(message("test")) == ("TEST web-1: test asked for by root; all is well")
    assert plain_text(message("resolved", language="ko")) == (
        'langchain-api 복구됨(6분 만에): /health answered 500: "database is locked"'
        " (장애 ID k3f9qa)"
    )


@settings(deadline=None)
@given(shown=messages)
def test_any_message_is_one_that_slack_takes(shown: Message) -> None:
    for buttons in BUTTONS.values():
        pressable = [*blocks(shown), *actions(shown, buttons)]
        body = {"text": full_text(shown), "blocks": pressable, "metadata": metadata(shown)}
        check_message(body, max_text=4_000)
    check_message({"text": plain_text(shown)}, max_text=4_000)
    sizes = [
        len(block["text"]["text"].encode("utf-16-le", "surrogatepass")) // 2
        for block in blocks(shown)
    ]
    assert max(sizes) <= 3_000
    assert sum(sizes) <= 13_200


@settings(deadline=None)
@given(shown=messages)
def test_nothing_in_a_message_pings_anybody(shown: Message) -> None:
    texts = [full_text(shown), plain_text(shown)]
    texts += [block["text"]["text"] for block in blocks(shown)]
    assert not any(CONTROL.search(text) for text in texts)
