"""The file that a child writes its output to, kept short while the child goes on writing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

LONGEST = 1024 * 1024
KEPT = 256 * 1024  # of a file that has grown too long


def append_to(path: Path) -> BinaryIO:
    """Open *path* for a child to append to, readable for us alone: who knows what it prints."""
    return open(
        path,
        "ab",
        buffering=0,
        opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, 0o600),
    )


def shorten(path: Path) -> None:
    """Leave only the last lines of the file, if it has grown too long.

    Its writer appends, so it goes on at the new end; what it writes in this very instant may be
    lost, or stand before older lines.
    """
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= LONGEST:
                return
            file.seek(size - KEPT)
            tail = file.read(KEPT).partition(b"\n")[2]
            file.truncate(0)
    except OSError:
        return  # not there, or not ours: then it is not ours to keep short
    with append_to(path) as output:
        output.write(tail)
