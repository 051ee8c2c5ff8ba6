"""How asyncio waits for the daemon's child processes."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress


def follow_children_without_threads() -> None:
    """Have asyncio wait for children by pidfd, as Python 3.12 and later do by themselves.

    Python 3.11 starts a thread for each child, which costs more than the child's fork. Where the
    kernel lacks pidfd_open(2) (before Linux 5.3), or a sandbox forbids it, that stays so.
    """
    if sys.version_info < (3, 12):
        with suppress(OSError):
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
