"""That the machine was not its own master while something was measured is on the page."""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks.stolen import times, told


def test_what_other_guests_took_is_told(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 1 2 3\n")
    before = times(stat)
    stat.write_text("cpu  140 0 60 820 10 0 5 65 7 0\ncpu0 1 2 3\n")
    assert "took 30% of this machine's CPU time" in told(before, times(stat))


def test_a_machine_of_its_own_says_nothing(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 800 10 0 5 35 0 0\n")
    before = times(stat)
    stat.write_text("cpu  140 0 60 920 10 0 5 37 0 0\n")
    assert told(before, times(stat)) == ""
    assert told(before, before) == ""
