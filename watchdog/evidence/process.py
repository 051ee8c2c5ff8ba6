"""A snapshot of a service's processes: what a restart destroys."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

MOST = 8
"""Processes shown; a service with more is described by its first ones."""


def process_snapshot(pid: int) -> Sequence[str]:
    """Describe process *pid* and its children, a line each; none if they are gone.

    psutil is imported here because only failures need it.
    """
    family = _family(pid)
    lines = [line for member in family[:MOST] if (line := _describe(member))]
    if len(family) > MOST:
        lines.append(f"and {len(family) - MOST} more processes")
    return lines


def _family(pid: int) -> Sequence[int]:
    """Return *pid* and its descendants, the eldest first.

    From /proc/PID/task/TID/children (proc_pid_task(5)): psutil looks for children among all
    processes of the host, which takes a tenth of a second where there are a thousand.
    """
    family = [pid]
    for member in family:
        for tasks in Path(f"/proc/{member}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                family += [int(child) for child in tasks.read_text().split()]
    return family


def _describe(pid: int) -> str:
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            cpu = process.cpu_times()
            return (
                f"process {process.pid} {process.name()}: {process.status()}, "
                f"RSS {process.memory_info().rss / 1e6:.0f} MB, "
                f"CPU {cpu.user + cpu.system:.1f} s, {process.num_threads()} threads"
            )
    except psutil.Error:
        return ""
