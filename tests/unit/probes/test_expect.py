"""Conditions on JSON, and the words when they are not met."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.service import (
    Comparison,
    Condition,
)
from watchdog.probes.expect import unmet

BODY = json.dumps({
    "status": "unhealthy",
    "uptime": 12.5,
    "ready": True,
    "error": None,
    "checks": [{"name": "db", "ok": False}],
}).encode()  # fmt: skip

Value = str | float | bool | None


def condition(path: str, comparison: str, value: Value) -> Condition:
    return Condition(tuple(path.split(".")), Comparison(comparison), value)


@pytest.mark.parametrize(
    ("path", "comparison", "value"),
    [
        ("status", "==", "unhealthy"),
        ("status", "!=", "healthy"),
        ("status", ">", "a"),
        ("uptime", ">=", 12.5),
        ("uptime", "<", 13),
        ("uptime", "!=", "12.5"),
        ("ready", "==", True),
        ("error", "==", None),
        ("checks.0.name", "==", "db"),
        ("checks.0.ok", "==", False),
    ],
)
def test_a_condition_that_is_met_says_nothing(path: str, comparison: str, value: Value) -> None:
    assert unmet(BODY, [condition(path, comparison, value)]) == ""


@pytest.mark.parametrize(
    ("path", "comparison", "value", "reason"),
    [
        ("status", "==", "healthy", 'status is "unhealthy", expected == "healthy"'),
        ("uptime", ">", 60, "uptime is 12.5, expected > 60"),
        ("uptime", "==", "12.5", 'uptime is 12.5, expected == "12.5"'),
        ("uptime", ">", "a", 'uptime is 12.5, expected > "a"'),
        ("status", "<", 5, 'status is "unhealthy", expected < 5'),
        ("ready", "==", 1, "ready is true, expected == 1"),
        ("error", "!=", None, "error is null, expected != null"),
        ("checks", "==", "ok", 'checks is a list, expected == "ok"'),
        ("version", "==", "1", 'version is missing, expected == "1"'),
        ("checks.db", "==", 1, "checks.db is missing: checks is a list, expected == 1"),
        ("checks.3.ok", "==", 1, "checks.3 is missing: the list has 1 entries, expected == 1"),
        ("status.db", "==", 1, "status.db is missing: status is a string, expected == 1"),
    ],
)
def test_a_condition_that_is_not_met_says_what_is_and_what_should_be(
    path: str, comparison: str, value: Value, reason: str
) -> None:
    assert unmet(BODY, [condition(path, comparison, value)]) == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the answer is not JSON; expected "),
        (b"OK\n", 'the answer is not JSON: "OK"; expected '),
        (b"\xff\xff", 'the answer is not JSON: "\ufffd\ufffd"; expected '),
        (b"[" * 50000, f'the answer is not JSON: "{"[" * 199}…"; expected '),
        (b"3", "status is missing: the answer is a number, expected "),
    ],
)
def test_an_answer_that_is_no_object_says_so(body: bytes, reason: str) -> None:
    expected = condition("status", "==", "healthy")
    words = unmet(body, [expected])
    assert words.startswith(reason)
    assert words.endswith('== "healthy"')


def test_the_first_condition_that_is_not_met_is_the_reason() -> None:
    conditions = [
        condition("ready", "==", True),
        condition("uptime", "<", 1),
        condition("x", "==", 1),
    ]
    assert unmet(BODY, conditions) == "uptime is 12.5, expected < 1"


@given(
    st.one_of(st.binary(max_size=200), st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from("ab0"), inner)),
    ).map(lambda value: json.dumps(value).encode())),
    st.lists(st.sampled_from(["a", "b", "0", "1", "-1", "²"]), min_size=1, max_size=3),
    st.sampled_from(Comparison),
    st.one_of(st.none(), st.booleans(), st.floats(), st.text("ab1")),
)  # fmt: skip
def test_any_body_meets_any_condition_or_says_why_not(
    body: bytes, path: list[str], comparison: Comparison, value: Value
) -> None:
    assert unmet(body, [Condition(tuple(path), comparison, value)]).isprintable()
