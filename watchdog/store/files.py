"""The database's files: where they may be, and how they are moved out of the way together."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from watchdog.errors import StoreError

SUFFIXES = ("", "-wal", "-shm")

KEPT = 3
"""So many damaged databases are kept for whoever wants to know; older ones are deleted."""


def family(path: Path) -> list[Path]:
    """Return those of the database, its log and its shared memory that exist."""
    members = [path.with_name(path.name + suffix) for suffix in SUFFIXES]
    return [member for member in members if os.path.lexists(member)]


def check_directory(path: Path) -> None:
    """Raise StoreError if *path* cannot be a database for a reason that a person must mend."""
    directory = path.parent
    if not os.path.lexists(directory) or not directory.is_dir():
        what = "is not a directory" if os.path.lexists(directory) else "does not exist"
        raise StoreError(
            f"cannot keep {path}: {directory} {what}; create it with: install -d -m 0700"
            f" -o USER {directory} (under systemd: StateDirectory=)"
        )
    if os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        return
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise StoreError(
            f"cannot keep {path}: {directory} is on a read-only file system; remount it"
            " (under systemd: StateDirectory= or ReadWritePaths=)"
        )
    raise StoreError(
        f"cannot keep {path}: user {os.geteuid()} may not write in {directory};"
        f" run: chown {os.geteuid()} {directory}"
    )


def make_private(path: Path) -> None:
    """Create *path* empty, for its owner alone; SQLite gives its log the same mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))


def put_in_place(fresh: Path, path: Path) -> None:
    """Rename the finished file *fresh* to *path*, durably."""
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def set_aside(path: Path, label: str, wall: float) -> Path:
    """Rename database, log and shared memory together; return the new name of the first.

    Of those labelled ``corrupt`` only the newest few stay, so that they never fill the disk.
    """
    stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (f"{path.name}.{label}-{stamp}" + (f"-{n}" if n else "") for n in itertools.count())
    aside = next(name for name in map(path.with_name, names) if not family(name))
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    _forget_oldest(path)
    return aside


def _forget_oldest(path: Path) -> None:
    names = sorted(path.parent.glob(f"{path.name}.corrupt-*Z*"))
    stems = sorted({name.name.removesuffix("-wal").removesuffix("-shm") for name in names})
    for stem in stems[:-KEPT]:
        for member in family(path.with_name(stem)):
            with suppress(OSError):
                member.unlink()
