"""What the process that runs the tests takes itself: memory, files, and the database it keeps."""

from __future__ import annotations

import gc
import mmap
import sys
from pathlib import Path

from tests.soak.flatness import Trend

OWN = Path("/proc/self")

NAMES = ("memory", "containers", "objects", "files", "database")
"""Resident MB; objects that can hold others; pieces of memory handed out, for whatever; KiB."""

Taken = tuple[float, ...]
"""A value for each of NAMES. A plain tuple of numbers is no container, so that looks do not add."""


def taken(database: Path) -> Taken:
    """Look at this process, once all that is garbage is gone, and at the file *database*."""
    gc.collect()
    return (
        int((OWN / "statm").read_text().split()[1]) * mmap.PAGESIZE / 2**20,
        len(gc.get_objects()),
        sys.getallocatedblocks(),
        len(list((OWN / "fd").iterdir())),
        database.stat().st_size / 1024,
    )


def trends(looks: list[Taken]) -> dict[str, Trend]:
    """Return how each of NAMES has moved."""
    return {name: Trend.of(row) for name, row in zip(NAMES, zip(*looks, strict=True), strict=True)}
