"""A snapshot of a service's processes: what a restart destroys."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 8
"""Processes shown; a service with more is described by its first ones."""


def process_snapshot(pid: int) -> Sequence[str]:
    """Describe process *pid* and its children, a line each; none if they are gone.

    psutil is imported here because only failures need it.
    """
    import psutil  # noqa: PLC0415

    try:
        main = psutil.Process(pid)
        family = [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    lines = [line for process in family[:MOST] if (line := _describe(process))]
    if len(family) > MOST:
        lines.append(f"and {len(family) - MOST} more processes")
    return lines


def _describe(process: object) -> str:
    import psutil  # noqa: PLC0415

    assert isinstance(process, psutil.Process)  # noqa: S101 - for the type checker
    try:
        with process.oneshot():
            cpu = process.cpu_times()
            return (
                f"process {process.pid} {process.name()}: {process.status()}, "
                f"RSS {process.memory_info().rss / 1e6:.0f} MB, "
                f"CPU {cpu.user + cpu.system:.1f} s, {process.num_threads()} threads"
            )
    except psutil.Error:
        return ""
