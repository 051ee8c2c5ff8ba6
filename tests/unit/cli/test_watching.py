"""``-w``: what is shown again, and for how long."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys

import pytest

from watchdog.cli.watching import _fitting

pytestmark = pytest.mark.adapter

PROGRAM = """
import os, sys
from watchdog.cli import watching
watching.PACE = 0.01
looks = iter(["one", "one", "two"])
def look():
    print(next(looks, "two"))
    return 1
try:
    sys.exit(watching.watch(look))
except BrokenPipeError:
    os._exit(7)
"""


def test_in_a_pipe_only_what_has_changed_is_shown_and_it_ends_with_its_reader() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        assert [watching.stdout.readline() for _ in range(2)] == [b"one\n", b"two\n"]
        watching.stdout.close()
        assert watching.wait(20) == 7


def test_on_a_terminal_it_is_shown_in_place_and_ctrl_c_puts_the_screen_back() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=theirs) as watching:
        os.close(theirs)
        seen = b""
        while b"two" not in seen:
            seen += os.read(ours, 4096)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 1, "as the last look said"
        while b"\x1b[?1049l" not in seen:
            seen += os.read(ours, 4096)
    os.close(ours)
    assert seen.startswith(b"\x1b[?1049h")
    assert seen.count(b"\x1b[H") >= 3


ABSENT = """
import sys
from watchdog.cli import watching
from watchdog.errors import ControlError
watching.PACE = 0.01
looks = iter(["one", "", "two"])
def look():
    if not (text := next(looks, "two")):
        raise ControlError("cannot ask the daemon: nobody listens")
    print(text)
    return 1
sys.exit(watching.watch(look))
"""


def test_a_daemon_that_has_answered_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", ABSENT], stdout=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        told = [watching.stdout.readline() for _ in range(3)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 1, "as the last look said"
    assert told == [
        b"one\n",
        b"cannot ask the daemon: nobody listens; trying again\n",
        b"two\n",
    ]


@pytest.mark.parametrize(
    ("height", "shown"),
    [
        (5, "1\n2\n3\n4\n"),
        (4, "1\n2\n… 2 more lines"),
        (0, "1\n2\n3\n4\n"),  # a terminal that does not say
    ],
)
def test_of_what_is_longer_than_the_screen_its_beginning_is_shown(height: int, shown: str) -> None:
    assert _fitting("1\n2\n3\n4\n", height) == shown
