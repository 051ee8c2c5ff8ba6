"""From trials to sections of the page, and from what a watcher logs to when it saw."""

from __future__ import annotations

import json
import re

import pytest

from scripts.benchmarks.__main__ import BENCHMARKS, ORDER
from scripts.benchmarks.contestants import Contestant, stamp_of
from scripts.benchmarks.figures import NEVER
from scripts.benchmarks.rivals import sections
from scripts.benchmarks.trials import FAILURES, Trial
from tests.host.journal import Entry


def entry(message: str, mono: float = 100.0, wall: float = 1_000.0) -> Entry:
    stamps = {"__MONOTONIC_TIMESTAMP": mono, "__REALTIME_TIMESTAMP": wall}
    fields = {name: str(int(value * 1e6)) for name, value in stamps.items()}
    return Entry({"MESSAGE": message, **fields})


def trials(seen: dict[str, float]) -> list[Trial]:
    return [
        Trial(kind, failure, 0.0, 1.0, recovered=value * 2, seen=value)
        for failure in FAILURES
        for kind, value in seen.items()
    ]


def test_trials_become_tables_bars_and_plots() -> None:
    found = {
        "service-watchdog, 1 s": 0.005,
        "monit, 1 s": 0.5,
        "monit, 30 s": 15.0,
        "the document's loop, 30 s": NEVER,
        "supervisord": NEVER,
    }
    seen, recovered = sections(list(found), trials(found))
    assert seen.rows[0][:2] == ("service-watchdog, 1 s", "5.0 ms · 5.0 ms (1)")
    assert seen.rows[-1][1] == "never (1)"
    assert [aim.met for aim in seen.aims] == [True, True, True]
    assert "3,000 ×" in seen.aims[0].measured
    assert recovered.rows[1][1] == "1.00 s · 1.00 s (1)"
    for section in (seen, recovered):
        assert all(plot.svg() for plot in section.plots)


def test_a_watcher_that_was_not_tried_in_time_leaves_its_cells_empty() -> None:
    seen, _ = sections(["service-watchdog, 1 s", "supervisord"], [])
    assert set(seen.rows[0][1:]) == {"-"}
    assert not any(aim.met for aim in seen.aims)


def test_what_a_watcher_says_of_another_service_is_not_what_it_saw() -> None:
    monit = Contestant("monit", "a", 1, 1.0, "m.service", re.compile("'a'.*not running"))
    log = [
        entry("'a' process is not running", 90.0),
        entry("'b' process is not running", 101.0),
        entry("'a' process is not running", 102.0),
    ]
    assert monit.saw(log, since=100.0, until=110.0) == 102.0
    assert monit.saw(log, since=100.0, until=101.5) is None


def test_ours_says_when_it_saw_and_not_when_it_wrote() -> None:
    line = json.dumps({"phase": "restarting", "seen": 999.75})
    assert stamp_of(entry(line)) == pytest.approx(99.75)
    assert stamp_of(entry("plain words")) == 100.0


def test_every_section_has_a_place_and_the_whole_is_bearable() -> None:
    assert len(set(ORDER)) == len(ORDER)
    assert all(benchmark.titles for benchmark in BENCHMARKS.values())
    assert sum(benchmark.minutes for benchmark in BENCHMARKS.values()) <= 30
