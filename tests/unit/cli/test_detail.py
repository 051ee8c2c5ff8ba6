"""One service in depth: the line of bars, and what it says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchdog.cli.detail import print_detail, sparkline

if TYPE_CHECKING:
    import pytest

SERVICE: dict[str, Any] = {
    "name": "api",
    "phase": "failing",
    "for": 75.0,
    "pid": 4711,
    "code": 1,
    "checks": [{"check": "http", "verdict": "fail", "ms": 5000.0, "reason": "no answer"}],
    "failures": 2,
    "max_failures": 3,
    "restarts_left": 4,
    "restart_in": 12.0,
    "incident": {"id": "k3f9qa", "flapping": False, "acknowledged": []},
    "next_round_in": 2.0,
    "maintenance": None,
    "silence": None,
    "warnings": [],
}


def test_the_highest_bar_is_the_slowest_round_and_a_dot_one_that_did_not_pass() -> None:
    assert sparkline([1.0, None, 4.0, 8.0]) == "▂·▅█"


def test_rounds_without_a_time_to_speak_of_are_low_and_not_an_error() -> None:
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([None, None]) == "··"


def test_all_that_is_known_of_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_detail(SERVICE, [(1, 10.0), (2, None), (3, 30.0)])
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "api: failing for 75 s, process 4711"
    assert "http     ✗   5000 ms  no answer" in said
    assert "3 rounds, 1 did not pass: median 20 ms, slowest 30 ms" in said
    assert "failures 2 of 3" in said
    assert "restarts 4 left, the next in 12 s" in said
    assert "incident k3f9qa: service-watchdog incidents k3f9qa shows" in said
    assert "next round in 2 s" in said


def test_of_rounds_that_all_failed_no_time_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_detail(SERVICE, [(1, None)])
    assert "the last 1 rounds did not pass" in capsys.readouterr().out
