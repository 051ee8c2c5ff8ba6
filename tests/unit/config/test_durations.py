from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        (0, 0.0),
        ("500ms", 0.5),
        ("30s", 30.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("1d2h3m4s5ms", 93784.005),
        ("0s", 0.0),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_text_with_units(
    written: object, seconds: float
) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "30", "s", "30 s", "-30s", "30s10m", "10m10m", "1e3s", "30S", ".5s", "5.s", "30s\n", "٣s"],
)
def test_what_is_no_duration_is_refused_with_the_form_that_is_expected(written: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 30"):
        parse_duration(written)


@pytest.mark.parametrize("written", [True, None, [], {}])
def test_what_is_neither_number_nor_text_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 30"):
        parse_duration(written)


@given(st.integers(0, 30 * 86400 * 1000))
def test_a_duration_reads_back_to_the_millisecond_as_it_was_written(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert math.isclose(parse_duration(format_duration(seconds)), seconds, abs_tol=1e-9)


@given(st.text(alphabet="0123456789dhms. -+e", max_size=12))
def test_any_text_is_a_finite_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds < math.inf


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.05, "50ms"), (90, "1m30s"), (3600, "1h"), (86400, "1d"), (1.25, "1s250ms")],
)
def test_a_duration_is_shown_in_the_units_that_people_use(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
