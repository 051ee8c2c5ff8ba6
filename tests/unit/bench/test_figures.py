"""What is told of measurements."""

from __future__ import annotations

import pytest

from scripts.benchmarks.figures import NEVER, duration, quantile, span, times


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 3.0), (0.6, 3.0), (0.61, 4.0), (0.99, 5.0), (1.0, 5.0)]
)
def test_a_quantile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert quantile([5.0, 1.0, 3.0, 2.0, 4.0], share) == value


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.00512, "5.1 ms"),
        (0.22, "220 ms"),
        (0.9996, "1.00 s"),
        (1.5, "1.50 s"),
        (31.04, "31.0 s"),
        (NEVER, "never"),
    ],
)
def test_durations_have_three_digits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_ratios_are_said_as_people_say_them() -> None:
    assert [times(1.224), times(18.4), times(1349), times(NEVER)] == [
        *("1.22 ×", "18 ×", "1,300 ×", "∞")
    ]


def test_never_is_said_when_most_trials_were_in_vain() -> None:
    assert span([NEVER, NEVER, 1.0]) == "never"
    assert span([1.0, 2.0, NEVER]) == "2.00 s · never"
    assert span([]) == "-"
