"""The end of a log file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

LINES = 20

_TAIL = 16 * 1024


def last_lines(path: Path) -> Sequence[str]:
    """Return the last lines of the file at *path*, oldest first; none if there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except FileNotFoundError:
        return []
    return tail.decode("utf-8", "replace").splitlines()[-LINES:]
