"""Where the answers go: pipes, full disks, terminals that know few letters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Place
from tests.unit.store.place import query

pytestmark = pytest.mark.adapter


def answered(database: Path, to: int, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``incidents`` with its output going to the open file *to*."""
    # Python's own buffering: what is short is written at the very end.
    bare = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-m", "watchdog.cli.main", "incidents", "--history", database],
        stdout=to,
        stderr=subprocess.PIPE,
        env={**bare, **environment},
        timeout=30,
        check=False,
    )


def test_a_reader_that_has_had_enough_is_no_failure(lived: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = answered(lived.database, writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_told(lived: Place) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = answered(lived.database, full.fileno())
    assert done.returncode == 3
    assert done.stderr == b"cannot write the answer: No space left on device\n"


def test_a_terminal_that_lacks_a_letter_gets_another(lived: Place, tmp_path: Path) -> None:
    korean = tmp_path / "korean.db"
    shutil.copy(lived.database, korean)
    query(korean, "UPDATE incident SET reason = 'answered: 점검 중…'")
    done = answered(korean, subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"answered: ?? ??\n")
