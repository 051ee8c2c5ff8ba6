"""A day of latency in a few kilobytes: what is counted together, and what is let go."""

from __future__ import annotations

from watchdog.latency import Latency
from watchdog.trend import EVERY, KEPT, Trend

NOON = 1_800_000_000 // EVERY * EVERY


def test_rounds_of_a_few_minutes_are_told_as_one() -> None:
    trend = Trend()
    for second, took in ((0, 0.25), (30, 0.5), (60, None), (299, 0.75)):
        trend.add(NOON + second, took)
    trend.add(NOON + EVERY, 1.0)
    assert trend.rows() == [
        (NOON, 250.0, 500.0, 750.0, 3, 1),
        (NOON + EVERY, 1000.0, 1000.0, 1000.0, 1, 0),
    ]


def test_where_no_round_passed_there_is_no_latency() -> None:
    trend = Trend()
    trend.add(NOON, None)
    assert trend.rows() == [(NOON, None, None, None, 0, 1)]


def test_what_is_older_than_a_day_goes() -> None:
    trend = Trend()
    for number in range(3 * KEPT):
        trend.add(NOON + number * EVERY, 0.5)
    rows = trend.rows()
    assert len(rows) == KEPT
    assert rows[0][0] == NOON + 2 * KEPT * EVERY


def test_a_gap_is_left_out_and_ages_like_the_rest() -> None:
    trend = Trend()
    trend.add(NOON, 0.5)
    trend.add(NOON + 10 * EVERY, 0.5)
    assert [row[0] for row in trend.rows()] == [NOON, NOON + 10 * EVERY]
    trend.add(NOON + KEPT * EVERY, 0.5)
    assert [row[0] for row in trend.rows()] == [NOON + 10 * EVERY, NOON + KEPT * EVERY]


def test_what_a_clock_that_was_ahead_has_stamped_goes_when_it_is_set_back() -> None:
    trend = Trend()
    trend.add(NOON, 0.5)
    trend.add(NOON + 86400 * 365, 0.25)
    trend.add(NOON + EVERY, 1.0)
    assert [row[0] for row in trend.rows()] == [NOON + EVERY]


def test_it_is_kept_for_as_long_as_somebody_wants_it() -> None:
    latency = Latency()
    latency.add(NOON, 0.5)
    assert latency.trend is None
    latency.trend = Trend()
    latency.add(NOON, 0.25)
    assert latency.trend.rows() == [(NOON, 250.0, 250.0, 250.0, 1, 0)]
    assert latency.rows() == [(NOON, 500.0), (NOON, 250.0)]
