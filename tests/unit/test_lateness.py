"""How late rounds began: recent ones one by one, all of them counted."""

from __future__ import annotations

from watchdog.lateness import BOUNDS, DEPTH, Lateness


def test_a_round_is_counted_below_the_first_bound_that_it_does_not_exceed() -> None:
    late = Lateness()
    for seconds in (0.0, 0.001, 0.0011, 0.5, 3.0):
        late.append(seconds)
    assert late.counts == [2, 1, 0, 0, 1, 0, 1]
    assert len(late.counts) == len(BOUNDS) + 1
    assert round(late.total, 4) == 3.5021
    assert list(late) == [0.0, 0.001, 0.0011, 0.5, 3.0]


def test_recent_rounds_are_kept_and_all_are_counted() -> None:
    late = Lateness()
    for _ in range(DEPTH + 10):
        late.append(0.01)
    assert len(list(late)) == DEPTH
    assert sum(late.counts) == DEPTH + 10


def test_what_start_up_made_late_can_be_forgotten() -> None:
    late = Lateness()
    late.append(1.0)
    late.clear()
    assert (list(late), sum(late.counts), late.total) == ([], 0, 0.0)
