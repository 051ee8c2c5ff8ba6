"""Configured commands: what they print is kept, what they are cannot hurt."""

from __future__ import annotations

import os
import time

import pytest

from tests.unit.evidence.ending import has_ended
from watchdog.evidence.command import LIMIT, WITHIN, command_lines, filled_in

pytestmark = pytest.mark.adapter


def sh(script: str, within: float = 5.0) -> list[str]:
    return list(command_lines(["sh", "-c", script], within))


def test_what_it_prints_is_returned_errors_too_and_how_it_ended() -> None:
    assert sh("echo out; echo err >&2") == ["out", "err"]
    assert sh("echo out; exit 3") == ["out", "exited with status 3"]
    assert sh("kill -KILL $$") == ["was killed by SIGKILL"]
    assert sh("true") == []


def test_one_that_is_missing_says_so() -> None:
    assert command_lines(["/nowhere/py-spy", "dump"]) == [
        "cannot run /nowhere/py-spy: No such file or directory"
    ]


def test_one_that_hangs_is_killed_with_what_it_started_and_its_output_kept() -> None:
    began = time.monotonic()
    first, *rest = sh("sleep 1000 & echo $!; wait", within=1)
    assert rest == ["did not end within 1 s; killed"]
    assert time.monotonic() - began < WITHIN
    assert has_ended(int(first))


def test_what_it_leaves_running_is_killed_and_not_waited_for() -> None:
    began = time.monotonic()
    [left] = sh("sleep 1000 & echo $!", within=30)
    assert time.monotonic() - began < 10
    assert has_ended(int(left))


def test_one_that_floods_is_ended() -> None:
    lines = sh("yes", within=30)
    assert lines[-1] == f"ended after {LIMIT // 1024} KiB of output"
    assert sum(len(line) + 1 for line in lines[:-1]) <= LIMIT


def test_it_gets_nothing_to_read_and_no_environment_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_TOKEN", "canary-4711")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    lines = sh("cat; env; pwd")
    assert not any("canary" in line or "NOTIFY" in line for line in lines)
    assert f"PATH={os.environ['PATH']}" in lines
    assert lines[-1] == "/"


def test_there_is_no_shell() -> None:
    assert command_lines(["echo", "$HOME; id", "*"]) == ["$HOME; id *"]


def test_placeholders_are_filled_in_and_other_braces_stay() -> None:
    values = {"main_pid": "4711", "service": "api", "port": "8000"}
    command = ["docker", "{{.Names}}", "{service}:{port}", "--pid={main_pid}", "{x}"]
    assert filled_in(command, values) == ["docker", "{{.Names}}", "api:8000", "--pid=4711", "{x}"]


def test_one_that_cannot_be_followed_is_killed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pids = []

    def refuse(pid: int) -> int:
        pids.append(pid)
        raise OSError(38, "Function not implemented")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", refuse)
        lines = sh("exec sleep 4711")
    assert lines == ["cannot be followed: Function not implemented; killed"]
    assert has_ended(pids[0])
