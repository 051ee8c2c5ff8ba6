from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.conditions import format_condition, parse_condition
from watchdog.core.service import (
    Comparison,
    Condition,
)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ('status == "healthy"', Condition(("status",), Comparison.EQ, "healthy")),
        ("status == 'healthy'", Condition(("status",), Comparison.EQ, "healthy")),
        ("""status == 'say "hi"'""", Condition(("status",), Comparison.EQ, 'say "hi"')),
        ("a.b.c != null", Condition(("a", "b", "c"), Comparison.NE, None)),
        ("checks[0].latency <= 2.5", Condition(("checks", "0", "latency"), Comparison.LE, 2.5)),
        ("[1] >= -3", Condition(("1",), Comparison.GE, -3)),
        ("matrix[1][2]<1e3", Condition(("matrix", "1", "2"), Comparison.LT, 1000.0)),
        ("  ready==true  ", Condition(("ready",), Comparison.EQ, True)),
        ("ready == false", Condition(("ready",), Comparison.EQ, False)),
        ('version > "1.2"', Condition(("version",), Comparison.GT, "1.2")),
        ('상태 == "정상"', Condition(("상태",), Comparison.EQ, "정상")),
        ('x == "a == b"', Condition(("x",), Comparison.EQ, "a == b")),
    ],
)
def test_a_condition_is_a_path_an_operator_and_a_value(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected PATH OPERATOR VALUE"),
        ("status", "expected PATH OPERATOR VALUE"),
        ("a..b == 1", "expected PATH OPERATOR VALUE"),
        ("a[x] == 1", "expected PATH OPERATOR VALUE"),
        ("a b == 1", "expected PATH OPERATOR VALUE"),
        ("a = 1", "expected PATH OPERATOR VALUE"),
        ("a ==", "expected PATH OPERATOR VALUE"),
        ("a == healthy", "expected text in quotes"),
        ("a == {}", "expected text in quotes"),
        ("a == 'it's'", "expected text in quotes"),
        ("a == NaN", "expected text in quotes"),
        ("a === 1", "expected text in quotes"),
        ("a < true", "expected a number or text after <"),
        ("a >= null", "expected a number or text after >="),
    ],
)
def test_what_is_no_condition_is_refused_with_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_condition(text)


keys = st.text("abz_-정", min_size=1, max_size=5)
values = st.text() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(keys | st.integers(0, 99).map(str), min_size=1, max_size=4),
    st.sampled_from(Comparison),
    values,
)
def test_a_condition_reads_back_as_it_was_shown(
    path: list[str], comparison: Comparison, value: str | float
) -> None:
    condition = Condition(tuple(path), comparison, value)
    assert parse_condition(format_condition(condition)) == condition
