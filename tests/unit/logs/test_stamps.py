from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.logs import stamps
from watchdog.logs.stamps import stamp_of

AT = calendar.timegm((2026, 11, 23, 7, 0, 0))
NOW = AT + 3600.0


@pytest.fixture(autouse=True)
def in_seoul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host is nine hours ahead, whoever asks is far behind: that a line's own zone shows."""
    monkeypatch.setattr(stamps, "_HOST_ZONE", Path("/usr/share/zoneinfo/Asia/Seoul"))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    stamps_cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    stamps_cache_clear()


def stamps_cache_clear() -> None:
    stamps._minute.cache_clear()
    stamps._host_zone.cache_clear()


@pytest.mark.parametrize(
    "line",
    [
        "2026/11/23 16:00:00 [error] 12#12: *1 connect() failed",
        '10.0.0.1 - - [23/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"',
        '10.0.0.1 - - [23/Nov/2026:16:00:00 +0900] "GET / HTTP/1.1" 200 5 "-" "curl"',
        '10.0.0.1 - - [23/Nov/2026 16:00:00] "GET / HTTP/1.1" 200 -',
        "2026-11-23T07:00:00Z started",
        "2026-11-23T07:00:00+00:00 started",
        "2026-11-23T02:00:00-0500 started",
        "2026-11-23 16:00:00,000 INFO started",
        "2026-11-23 16:00:00 started",
        "[2026-11-23 07:00:00 +0000] [12] [INFO] Booting worker",
        "INFO 2026-11-23 16:00:00,000 started",
        "[INFO] 2026-11-23 16:00:00 started",
        '{"level": "info", "time": "2026-11-23T07:00:00Z"}',
        '{"timestamp":1795417200,"msg":"x"}',
        '{"time":1795417200000,"msg":"x"}',
        "Nov 23 16:00:00 web-1 app[12]: started",
    ],
)
def test_the_time_of_a_line_is_read_in_every_usual_form(line: str) -> None:
    assert stamp_of(line, NOW) == AT


def test_fractions_of_a_second_count() -> None:
    assert stamp_of("2026-11-23 16:00:00,123 INFO x", NOW) == AT + 0.123
    assert stamp_of("2026-11-23T07:00:00.250Z x", NOW) == AT + 0.25


@pytest.mark.parametrize(
    "line",
    [
        "",
        'INFO:     127.0.0.1:51234 - "GET /health HTTP/1.1" 200 OK',
        '  File "/srv/app.py", line 42, in health',
        "Expires: 2026-11-23 07:00:00",
        "2026-13-45 99:00:00 no such date",
        "2026-02-31T25:00:00Z no such hour",
        "20261123 07:00:00",
        "9999-12-31 23:59:59 far away",
        "2036-11-23 07:00:00 yet to come",
        "x" * 5000 + "2026-11-23 07:00:00",
        '{"expires": "2026-11-23T07:00:00Z"}',
    ],
)
def test_what_says_no_time_has_none(line: str) -> None:
    assert stamp_of(line, NOW) is None


def test_a_client_cannot_forge_the_time_of_an_access_log() -> None:
    forged = '10.0.0.1 - [01/Jan/2020:00:00:00 +0000] [23/Nov/2026:07:00:00 +0000] "GET / HTTP/1.1"'
    assert stamp_of(forged, NOW) == AT
    path = '10.0.0.1 - - [23/Nov/2026:07:00:00 +0000] "GET /[01/Jan/2020:00:00:00 +0000] HTTP/1.1"'
    assert stamp_of(path, NOW) == AT


def test_in_january_the_last_lines_of_a_syslog_are_of_december() -> None:
    new_year = calendar.timegm((2027, 1, 1, 0, 0, 0))
    assert stamp_of("Dec 31 23:59:00 web-1 x: y", new_year) == calendar.timegm(
        (2026, 12, 31, 14, 59, 0)
    )
