from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.control.exits import exit_in_words
from watchdog.control.unit_state import Exit


@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        (Exit("signal", 2, 9), "killed by SIGKILL"),
        (Exit("success", 2, 15), "killed by SIGTERM"),
        (Exit("signal", 2, 40), "killed by signal 40"),
        (Exit("success", 1, 0), "exited with status 0"),
        (Exit("exit-code", 1, 3), "exited with status 3"),
        (
            Exit("exit-code", 1, 203),
            "exited with status 203/EXEC (executable not found or not runnable)",
        ),
        (
            Exit("exit-code", 1, 217),
            "exited with status 217/USER (the user of User= does not exist)",
        ),
        (Exit("exit-code", 1, 227), "exited with status 227/NO_NEW_PRIVILEGES"),
        (Exit("exit-code", 1, 223), "exited with status 223"),
        (Exit("exit-code", 1, 244), "exited with status 244/BPF"),
        (Exit("exit-code", 1, 245), "exited with status 245"),
        (Exit("core-dump", 3, 11), "crashed with SIGSEGV and a core dump"),
        (Exit("oom-kill", 2, 9), "killed by SIGKILL, out of memory"),
        (Exit("oom-kill", 2, 15), "ran out of memory: killed by SIGTERM"),
        (Exit("oom-kill", 0, 0), "ran out of memory"),
        (Exit("timeout", 2, 15), "timed out: killed by SIGTERM"),
        (
            Exit("watchdog", 2, 6),
            "its own watchdog got no ping in time (WatchdogSec=): killed by SIGABRT",
        ),
        (Exit("exit-code", 0, 0), "failed in a command before or after its main process"),
        (Exit("signal", 0, 0), "had a command before or after its main process killed"),
        (
            Exit("protocol", 1, 0),
            "did not say that it is ready as its Type= asks for: exited with status 0",
        ),
        (Exit("exec-condition", 0, 0), "its ExecCondition= said no"),
        (Exit("new-in-300", 0, 0), "new-in-300"),
        (Exit("new-in-300", 1, 1), "new-in-300: exited with status 1"),
        (Exit(), "ended"),
    ],
)
def test_an_exit_reads_as_a_person_would_say_it(exit_: Exit, words: str) -> None:
    assert exit_in_words(exit_) == words


@given(st.text(), st.integers(), st.integers())
def test_whatever_systemd_says_can_be_said(result: str, code: int, status: int) -> None:
    exit_in_words(Exit(result, code, status))
