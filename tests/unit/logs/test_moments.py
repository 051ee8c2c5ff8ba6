from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from watchdog.logs.moments import moment

NOW = 1795420800.0  # 2026-11-23 08:00:00 UTC


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("now", 0),
        ("10m", 600),
        ("1h30m", 5400),
        ("90s", 90),
        ("2d", 172800),
        ("-10m", 600),
        ("2 hours ago", 7200),
        ("1 day 2 hours ago", 93600),
        ("10 min ago", 600),
        ("3 weeks ago", 1814400),
        ("today", 8 * 3600),
        ("yesterday", 32 * 3600),
        ("yesterday 07:30", 24 * 3600 + 1800),
        ("07:00", 3600),
        ("07:00:30", 3570),
        ("2026-11-23", 8 * 3600),
        ("2026-11-23 07:00", 3600),
        ("2026-11-23T07:00:00Z", 3600),
        ("2026-11-23 07:00:00+09:00", 36000),
        ("@1795420740.5", 59.5),
    ],
)
def test_a_moment_is_typed_as_for_journalctl(text: str, ago: float) -> None:
    assert moment(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "text", ["", "soon", "10", "10 parsecs", "25:00", "2026-13-01", "m", "@", "yesterday x", "-"]
)
def test_what_is_no_moment_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected such as 10m"):
        moment(text, NOW)
