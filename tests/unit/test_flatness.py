"""What a soak takes for flat, and what not."""

from __future__ import annotations

import pytest

from tests.soak.flatness import Trend


def test_the_warming_up_and_a_single_peak_do_not_count() -> None:
    trend = Trend.of([1, 5, 9, *[30] * 30, 90, *[30] * 30])
    assert trend.is_flat()
    assert trend.highest == 90


def test_what_goes_on_growing_is_not_flat_by_however_little() -> None:
    trend = Trend.of([40 + number * 0.02 for number in range(300)])
    assert trend.growth == pytest.approx(2.0)
    assert not trend.is_flat(share=0.03, more=0.5)
    assert trend.is_flat(share=0.03, more=1.0)


def test_two_values_are_too_few() -> None:
    with pytest.raises(ValueError, match="too few"):
        Trend.of([1, 2])
