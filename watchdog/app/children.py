"""How the daemon's child processes are started and waited for."""

from __future__ import annotations

import asyncio
import os
import subprocess
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


def start_children_without_vfork() -> None:
    """Have subprocess fork children, so that one that is slow to start holds up its thread alone.

    After vfork(2) the parent is suspended until the child has called execve(2), and CPython before
    3.11.4, which Debian 12 has, holds the interpreter's lock meanwhile (gh-104372): all threads
    stand still, for as long as a stalled disk takes to deliver the program. After fork(2) it waits
    without the lock, at the price of copied page tables.
    """
    if sys.version_info < (3, 11, 4):
        subprocess._USE_VFORK = False  # type: ignore[misc]  # noqa: SLF001 - documented
