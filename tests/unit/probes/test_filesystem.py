"""How full a file system is: real ones, and as df counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog.probes.filesystem import filesystem_of

ROOT = Path(__file__).parents[3]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")

# In a mount namespace of its own: nobody else ever sees what is mounted.
LOOK = """
import os, subprocess
from watchdog.probes.filesystem import filesystem_of
path = "/mnt"
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=100", "tmpfs", path], check=True)
os.mkdir(f"{path}/below")
with open(f"{path}/below/a", "wb") as file:
    file.write(bytes(943_000))
for number in range(88):
    open(f"{path}/{number}", "w").close()
found = filesystem_of(f"{path}/below")
print(found.path, round(found.used), round(found.free), round(found.inodes_used))
"""


@needs_root
def test_a_file_system_is_as_full_as_df_says() -> None:
    done = subprocess.run(
        ["unshare", "--mount", "--propagation=private", sys.executable, "-c", LOOK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    path, used, free, inodes = done.stdout.split()
    assert path == "/mnt"
    assert used == "90"
    assert 90_000 < int(free) < 110_000
    assert inodes == "91"


def test_df_agrees_about_the_root() -> None:
    fields = subprocess.run(
        ["df", "--block-size=1", "--output=used,avail,target", "/"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    used, free, target = fields[-3:]
    found = filesystem_of("/")
    assert found.path == target == "/"
    assert abs(found.used - 100 * int(used) / (int(used) + int(free))) < 1
    assert abs(found.free - int(free)) < 1e9


# Full to the last block: what nobody can write to stays as it is; the daemon's own view is no sign.
IMAGES = """
import os, subprocess, sys
from watchdog.probes.filesystem import filesystem_of
def mount(options, *what):
    subprocess.run(["mount", "-o", options, *what], check=True)
mount("size=64k", "-t", "tmpfs", "tmpfs", "/mnt")
with open("/mnt/a", "wb") as file:
    file.write(bytes(64 << 10))
print(filesystem_of("/mnt").used)
mount("bind", "/mnt", "/mnt")
mount("remount,bind,ro", "/mnt")
print(filesystem_of("/mnt").used)
mount("remount,ro", "/mnt")
print(filesystem_of("/mnt").used, filesystem_of("/mnt").inodes_used)
"""


@needs_root
def test_an_image_that_nobody_can_write_to_does_not_fill() -> None:
    done = subprocess.run(
        ["unshare", "--mount", "--propagation=private", sys.executable, "-c", IMAGES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["100.0", "100.0", "0.0 None"]


def test_what_is_not_there_cannot_be_measured() -> None:
    with pytest.raises(FileNotFoundError):
        filesystem_of("/does/not/exist")


def test_a_file_system_without_a_count_of_inodes_has_none() -> None:
    assert filesystem_of("/proc").inodes_used is None
    assert filesystem_of("/proc").used == 0
