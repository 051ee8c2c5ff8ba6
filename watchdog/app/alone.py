"""Refuses a second daemon in directories that another one uses."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator

from watchdog.errors import WatchdogError


@contextlib.contextmanager
def alone(directories: Iterable[str]) -> Iterator[None]:
    """Hold *directories* for this daemon. Raises WatchdogError if another one holds them.

    Two would end each other's processes, take each other's control socket and restart twice. The
    lock is on the directory itself (flock(2)): a full disk does not forbid it, and the kernel lets
    go of it with the process, however that ends.
    """
    with contextlib.ExitStack() as stack:
        for directory in sorted({os.path.realpath(path) for path in directories}):
            try:
                descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue  # whoever needs it tells what is wrong with it
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WatchdogError(
                    f"cannot run: another service-watchdog uses {directory}; end it first, or give "
                    "this one its own state_dir and runtime_dir"
                ) from None
            except OSError:
                continue  # a file system without locks
        yield
