"""Words of alerts: what an engineer reads on a lock screen at three in the morning."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.notify.alerts import (
    ALERTS,
    ENGLISH,
    HOST,
    KOREAN,
    KST,
    OPENED,
    message,
)
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.notify.render import (
    EVIDENCE_BYTES,
    EVIDENCE_LINES,
    EVIDENCE_WIDTH,
    LINE_WIDTH,
    TITLE_WIDTH,
    render,
)
from watchdog.words.catalogue import Catalogue


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("firing", 'FIRING langchain-api: /health answered 500: "database is locked"'),
        ("gave-up", 'GAVE UP langchain-api: /health answered 500: "database is locked"'),
        (
            "resolved",
            'RESOLVED langchain-api after 6 min: /health answered 500: "database is locked"',
        ),
        ("notice", "NOTICE langchain-api: process 4711 was killed by SIGKILL"),
        (
            "host-notice",
            "NOTICE web-1: cannot use /var/lib/service-watchdog/state.db: file is not a database",
        ),
        ("test", "TEST web-1: test asked for by root; all is well"),
    ],
)
def test_the_title_begins_with_state_service_and_cause(name: str, title: str) -> None:
    assert message(name).title == title


def test_a_long_service_name_leaves_room_for_the_cause_in_the_first_sixty_characters() -> None:
    alert = replace(ALERTS["gave-up"], service="an-api-with-a-name-longer-than-any-screen-" * 3)
    title = render(alert, HOST, (), OPENED, UTC, ENGLISH).title
    assert title[:60] == "GAVE UP an-api-with-a-name-longer-t…: /health answered 500: "


def test_the_lines_tell_what_failed_how_often_what_was_done_and_since_when() -> None:
    assert message("firing").lines == (
        "Service: langchain-api",
        "Host: web-1",
        'Failed: http check: /health answered 500: "database is locked"',
        "Failures: 3 of 3",
        "Restarts: 1 since the trouble began",
        "Action: restarting now, attempt 1 of 5",
        "Since: 2025-11-22 02:13:00 UTC",
        "Incident: k3f9qa",
    )


def test_times_are_in_the_configured_zone() -> None:
    lines = render(ALERTS["resolved"], HOST, (), OPENED + 360, KST, ENGLISH).lines
    assert "Down: 2025-11-22 11:13:00 KST to 2025-11-22 11:19:00 KST, 6 min" in lines


@pytest.mark.parametrize(
    ("name", "late", "line"),
    [
        ("firing", 360, "Late: delivered 6 min late, down since 02:13 UTC"),
        ("gave-up", 360, "Late: delivered 6 min late, down since 02:13 UTC"),
        ("resolved", 120, "Late: delivered 2 min late, healthy since 02:19 UTC"),
        ("notice", 60, "Late: delivered 60 s late, from 02:13 UTC"),
        ("firing", 86400, "Late: delivered 24 h late, down since 2025-11-22 02:13 UTC"),
    ],
)
def test_a_late_delivery_says_so_first(name: str, late: float, line: str) -> None:
    late_message = message(name, late=late)
    assert late_message.lines[0] == line
    assert late_message.late == late


@pytest.mark.parametrize("late", [0.0, 59.9, -3600.0])
def test_a_prompt_delivery_says_nothing_of_it(late: float) -> None:
    prompt = message("firing", late=late)
    assert prompt.late == 0.0
    assert prompt.lines[0] == "Service: langchain-api"


@pytest.mark.parametrize(
    ("failures", "limit", "words"),
    [
        (3, 3, "Failures: 3 of 3"),
        (8, 3, "Failures: 8, the limit is 3"),
        (2, 0, "Failures: 2"),
    ],
)
def test_failures_are_counted_against_their_limit(failures: int, limit: int, words: str) -> None:
    alert = replace(ALERTS["firing"], failures=failures, max_failures=limit)
    assert words in render(alert, HOST, (), OPENED, UTC, ENGLISH).lines


def test_evidence_keeps_the_newest_lines_within_its_bounds() -> None:
    evidence = [f"line {number} {'x' * 100_000}" for number in range(100)]
    kept = message(evidence=tuple(evidence)).evidence
    assert kept[-1].startswith("line 99 xxx")
    assert kept[-1].endswith("x…")
    assert [line.split()[1] for line in kept] == [str(n) for n in range(100 - len(kept), 100)]
    assert sum(len(line.encode()) + 1 for line in kept) <= EVIDENCE_BYTES


def test_foreign_text_is_made_harmless() -> None:
    evidence = (
        "\x1b[31mred\x1b[0m \x1b]0;title\x07and plain",
        "bell\x07 null\x00 back\x08",
        "\ttabs stay a space",
        b"caf\xe9".decode(errors="surrogateescape"),
        "right\u202eto left",
        "two\r\nlines",
    )
    assert message(evidence=evidence).evidence == (
        "red and plain",
        "bell\ufffd null\ufffd back\ufffd",
        " tabs stay a space",
        "caf\ufffd",
        "right\ufffdto left",
        "two  lines",
    )


def test_line_ends_in_a_reason_stay_within_their_line() -> None:
    alert = replace(ALERTS["firing"], reason="boom\r\nBcc: all@example.com\n\nhello")
    rendered = render(alert, HOST, (), OPENED, UTC, ENGLISH)
    assert rendered.title == "FIRING langchain-api: boom Bcc: all@example.com hello"
    assert "Failed: http check: boom Bcc: all@example.com hello" in rendered.lines


anything = st.text() | st.sampled_from(
    ["<!channel>", "@here", "\r\n", "x" * 100_000, "\ud800", "장애 <b> " * 20_000]
)
wall = st.floats() | st.just(OPENED)
alerts = st.builds(
    Alert,
    kind=st.sampled_from(AlertKind),
    service=anything,
    wall=wall,
    reason=anything,
    check=anything,
    incident=anything,
    opened=wall,
    failures=st.integers(),
    max_failures=st.integers(),
    restarts=st.integers(),
    duration=st.floats(),
    measure=st.none()
    | st.builds(
        Measure,
        kind=st.sampled_from(MeasureKind),
        count=st.integers(),
        limit=st.integers(),
        next_try=wall,
        lasted=st.floats(),
        words=anything,
    ),
    circumstance=st.none()
    | st.builds(
        Circumstance,
        kind=st.sampled_from(CircumstanceKind),
        reason=anything,
        subject=anything,
        count=st.integers(),
        states=st.integers(),
        lasted=st.floats(),
        aside=anything,
    ),
)


@settings(deadline=None)
@given(
    alert=alerts,
    host=anything,
    evidence=st.lists(anything, max_size=50),
    sent=wall,
    words=st.sampled_from([ENGLISH, KOREAN]),
)
def test_any_text_and_any_clock_stays_within_the_limits(
    alert: Alert, host: str, evidence: list[str], sent: float, words: Catalogue
) -> None:
    rendered = render(alert, host, evidence, sent, UTC, words)
    assert len(rendered.title) <= TITLE_WIDTH
    assert len(rendered.lines) <= 12
    around = (rendered.evidence_label, rendered.reference, rendered.signature)
    assert max(map(len, around)) <= 120
    for line in (rendered.title, *rendered.lines, *rendered.evidence, *around):
        assert line.isprintable()
    for line in rendered.lines:
        label, _, value = line.partition(": ")
        assert label in asdict(words.labels).values()
        assert 0 < len(value) <= LINE_WIDTH
    assert len(rendered.evidence) <= EVIDENCE_LINES
    assert all(len(line) <= EVIDENCE_WIDTH for line in rendered.evidence)
    assert sum(len(line.encode()) + 1 for line in rendered.evidence) <= EVIDENCE_BYTES
    assert rendered.late >= 0
