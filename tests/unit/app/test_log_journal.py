"""The daemon's log finds its way back to a journal that was stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.adapter

DAEMON = """
import sys
from watchdog.app import log
import structlog
log._JOURNAL = sys.argv[1]
log.set_up("json")
for line in sys.stdin:
    structlog.get_logger().info(line.strip())
    print("said", flush=True)
"""


def start(path: str, theirs: socket.socket, *, from_journal: bool = True) -> subprocess.Popen[str]:
    status = os.fstat(theirs.fileno())
    # Not ours: of a parent, or of standard output where standard error goes to a file.
    inode = status.st_ino if from_journal else status.st_ino + 1
    stream = f"{status.st_dev}:{inode}"
    with theirs:
        return subprocess.Popen(
            [sys.executable, "-c", DAEMON, path],
            env={**os.environ, "PYTHONUNBUFFERED": "", "JOURNAL_STREAM": stream},  # as systemd
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=theirs.fileno(),
            text=True,
        )


def test_a_journal_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, start(str(tmp_path / "stdout"), theirs) as daemon:
        try:
            said, _ = daemon.communicate(f"{'word ' * 200}\n" * 2000, timeout=20)
        finally:
            daemon.kill()
    assert said.count("said") == 2000


@pytest.mark.parametrize("from_journal", [True, False])
def test_a_journal_that_was_stopped_gets_the_log_again_when_it_is_back(
    tmp_path: Path, from_journal: bool
) -> None:
    path = str(tmp_path / "stdout")
    ours, theirs = socket.socketpair()
    daemon = start(path, theirs, from_journal=from_journal)

    def say(words: str) -> None:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        daemon.stdin.write(f"{words}\n")
        daemon.stdin.flush()
        assert daemon.stdout.readline() == "said\n"

    with daemon, ours, socket.socket(socket.AF_UNIX) as journal:
        say("before")
        assert b"before" in ours.recv(1000)
        ours.close()
        say("meanwhile")
        journal.bind(path)
        journal.listen()
        journal.settimeout(10 if from_journal else 0)
        say("after")
        if from_journal:
            stream, _ = journal.accept()
            with stream:
                say("and on")
                daemon.communicate()
                text = b"".join(iter(lambda: stream.recv(1000), b"")).decode()
            assert text.startswith("service-watchdog\n\n6\n1\n0\n0\n0\n{")
            said = [line for line in text.splitlines() if line.startswith("{")]
            assert len(said) == 3, "what was said meanwhile, too"
        else:
            with pytest.raises(BlockingIOError):
                journal.accept()
