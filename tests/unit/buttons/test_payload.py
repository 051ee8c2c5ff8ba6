"""What Slack sends is read with suspicion: none of it is ours, and all of it may be odd."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.buttons.links import TARGET, payload
from watchdog.buttons.listener import ODD
from watchdog.buttons.payload import read_envelope, read_hello, read_press
from watchdog.notify.slack_press import Deed, Target, read_target, write_target

anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def encoded(content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("deed", Deed)
def test_a_press_names_the_deed_its_target_and_the_person(deed: Deed) -> None:
    press = read_press(encoded(payload(deed)))
    assert press is not None
    assert (press.deed, press.target) == (deed, TARGET)
    assert press.who == "Slack: alice (U0ALICE000)"
    assert (press.channel, press.thread) == ("C0123456789", "1763777580.000100")


def test_a_press_within_a_thread_is_answered_in_that_thread() -> None:
    message = {"ts": "1763777590.000200", "thread_ts": "1763777580.000100"}
    press = read_press(encoded(payload(message=message)))
    assert press is not None
    assert press.thread == "1763777580.000100"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "view_submission"},
        payload(action={"action_id": "approve"}),
        payload(action={"action_id": "service-watchdog:reboot"}),
        payload(actions=[]),
    ],
)
def test_what_is_not_of_our_buttons_is_none_of_our_business(content: Any) -> None:
    assert read_press(encoded(content)) is None


@pytest.mark.parametrize(
    "content",
    [
        payload(action={"value": ""}),
        payload(action={"value": "{}"}),
        payload(action={"value": '{"host": 1, "channel": 2, "service": 3, "incident": 4}'}),
        payload(action={"value": None}),
        payload(action={"value": write_target(Target("web-1", "slack", "langchain-api", ""))}),
        payload(action={"value": write_target(Target("web-1", "slack", "", "k3f9qa"))}),
        payload(user={"id": "<!channel>", "username": "x"}),
        payload(user={"id": "U1\nU2", "username": "x"}),
        payload(user=None),
        payload(channel={"id": "../C1"}),
        payload(message={"ts": "yesterday"}),
        payload(message={"ts": "1763777580.0001\n"}),
        {"type": "block_actions"},
        [],
        "block_actions",
    ],
)
def test_a_press_that_makes_no_sense_is_an_error_and_nothing_else(content: Any) -> None:
    with pytest.raises(ODD):
        read_press(encoded(content))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("alice", "alice"),
        ("kim.min-su_2", "kim.min-su_2"),
        ("김민수", "김민수"),
        ("root (U0ROOT)", "root U0ROOT"),
        ("<!channel>", "channel"),
        ("a\x1b[31m\nb", "a b"),
        ("*", "somebody"),
        ("x" * 500, "x" * 39),
    ],
)
def test_a_name_cannot_pass_for_our_own_words(name: str, shown: str) -> None:
    press = read_press(encoded(payload(user={"id": "U0ALICE000", "username": name})))
    assert press is not None
    assert press.name == shown


@given(anything)
def test_whatever_comes_is_read_or_refused(content: Any) -> None:
    for text in (json.dumps(content), json.dumps({"type": "block_actions", "actions": content})):
        for read in (read_envelope, read_hello):
            with suppress(*ODD):
                read(text)
        with suppress(*ODD):
            read_press(text.encode())


def test_brackets_without_end_are_refused() -> None:
    for text in ("[" * 100_000, '{"payload": ' * 100_000):
        with pytest.raises(ODD):
            read_envelope(text)


@given(st.text(), st.text(), st.text(), st.text())
def test_a_target_comes_back_as_it_was_sent_or_is_not_sent(
    host: str, channel: str, service: str, incident: str
) -> None:
    target = Target(host, channel, service, incident)
    value = write_target(target)
    assert not value or read_target(value) == target
    assert len(value) <= 2000


def test_a_target_that_slack_would_not_keep_is_none() -> None:
    assert not write_target(Target("h" * 2000, "slack", "api", "k3f9qa"))


def test_what_a_newer_version_adds_is_passed_over() -> None:
    value = msgspec.json.encode({**msgspec.to_builtins(TARGET), "colour": "red"}).decode()
    assert read_target(value) == TARGET
