"""A file that only takes up room, to be thrown overboard when the disk is full.

SQLite in WAL mode needs room even for a DELETE, so a full disk cannot be helped from within.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SIZE = 1024 * 1024

SPARE = 4  # times its size must be free before it is made again, or it would come and go


class Ballast:
    """Room kept in reserve beside the database. Nothing here raises OSError."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self.path = path
        self.size = size

    @property
    def is_there(self) -> bool:
        """Tell whether the reserve is complete."""
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return False

    def release(self) -> bool:
        """Give the reserve up; tell whether that made room."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True

    def fill(self) -> bool:
        """Make the reserve if there is room to spare; tell whether it is there now."""
        if self.is_there:
            return True
        try:
            free = os.statvfs(self.path.parent)
            if free.f_bavail * free.f_frsize < SPARE * self.size:
                return False
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            with open(os.open(self.path, flags, 0o600), "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
                # Random: a file system that compresses would keep no room for zeros.
                file.write(os.urandom(self.size))
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                self.path.unlink()
            return False
        return self.is_there
