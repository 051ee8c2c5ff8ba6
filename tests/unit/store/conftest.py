from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.unit.store.faults import Disk
from tests.unit.store.values import BOOT, WALL
from watchdog.store import SqliteStore

MakeStore = Callable[..., SqliteStore]


SHARED_MEMORY = Path("/dev/shm")
"""A real file system, where no fsync costs anything; what is on disk there, SQLite cannot tell."""


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """Return a directory like ``tmp_path`` for tests that write a thousand times."""
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def make_store(path: Path, disk: Disk) -> MakeStore:
    """Return a function that makes a store at ``path``, as a daemon that starts again would."""

    def make(**options: object) -> SqliteStore:
        defaults = {
            "boot_id": BOOT,
            "wall": lambda: WALL,
            "factory": disk.connection(),
            "ballast_size": 64 * 1024,
        }
        return SqliteStore(path, **{**defaults, **options})  # type: ignore[arg-type]

    return make


@pytest.fixture
def store(make_store: MakeStore) -> SqliteStore:
    return make_store()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MiB."""
    if os.geteuid() != 0:
        reason = "needs root to mount a file system that can be filled"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def remount_read_only(directory: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)


def mount_read_only(directory: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", directory], check=True)
