"""Waiting for processes to end."""

from __future__ import annotations

import os
import select


def has_ended(pid: int) -> bool:
    """Wait until process *pid* has ended, for a while: to be killed takes a moment."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 5)[0])
    finally:
        os.close(pidfd)
