"""The end of a log file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

LINES = 20

_TAIL = 16 * 1024


def last_lines(path: Path) -> Sequence[str]:
    """Return the last lines of the file at *path*, oldest first; none if there is no such file.

    Of a line that begins further up nothing is returned: what names a secret may be missing.
    Blocks. Raises OSError if it cannot be read.
    """
    try:
        # Not blocking: a FIFO without a writer would hold us up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no regular file", os.fspath(path))
    with os.fdopen(descriptor, "rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
        file.seek(start)
        tail = file.read(_TAIL)
    if start:
        _, _, tail = tail.partition(b"\n")
    return tail.decode("utf-8", "replace").splitlines()[-LINES:]


def log_lines(path: Path) -> Sequence[str]:
    """Return the last lines of the configured log at *path*, or why there are none. Blocks."""
    try:
        return last_lines(path) or [f"{path} is empty or does not exist"]
    except PermissionError:
        # Which group it is may be hidden from us: in a user namespace it has no name.
        grant = f"SupplementaryGroups= adds the group that `ls -l {path}` names to this daemon"
        return [f"cannot read {path}: not permitted; {grant}"]
    except OSError as error:
        return [f"cannot read {path}: {error.strerror}"]
