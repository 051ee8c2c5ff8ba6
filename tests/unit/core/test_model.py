from __future__ import annotations

import pytest

from watchdog.core.service import (
    Comparison,
    Condition,
)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(("status",), Comparison.EQ, "healthy"), 'status == "healthy"'),
        (Condition(("checks", "0", "ms"), Comparison.LT, 50.5), "checks.0.ms < 50.5"),
        (Condition(("ready",), Comparison.NE, value=False), "ready != false"),
        (Condition(("error",), Comparison.EQ, None), "error == null"),
    ],
)
def test_a_condition_reads_as_it_is_written(condition: Condition, words: str) -> None:
    assert str(condition) == words
