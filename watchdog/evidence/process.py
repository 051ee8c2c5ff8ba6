"""A snapshot of a service's processes: what a restart destroys."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.evidence.cgroup import MOST, pids_in, unit_cgroup

if TYPE_CHECKING:
    import psutil

SHOWN = 10
"""Processes shown: the main one, and those with the most memory."""

_MOMENT = 0.1  # seconds over which the present use of the CPU is measured; a tick is 0.01


def process_snapshot(pid: int) -> Sequence[str]:
    """Describe the processes of the unit of *pid*, a line each; none if they are gone.

    Without a unit: *pid* and its descendants. Blocks for a moment. psutil is imported here because
    only failures need it.
    """
    import psutil  # noqa: PLC0415

    members = []
    for number in _members(pid):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(number)
            members.append((process.pid != pid, -process.memory_info().rss, process))
    members.sort(key=lambda member: member[:2])
    shown = [process for *_, process in members[:SHOWN]]
    before = [_cpu_time(process) for process in shown]
    time.sleep(_MOMENT)
    lines = [
        line
        for process, cpu in zip(shown, before, strict=True)
        if (line := _describe(process, cpu))
    ]
    if len(members) > 1:
        rss = -sum(size for _, size, _ in members) / 1e6
        many = f"{len(members)} processes" if len(members) < MOST else f"{MOST} processes or more"
        lines.insert(0, f"{many}, RSS {rss:.0f} MB in all")
    if len(members) > SHOWN:
        lines.append(f"and {len(members) - SHOWN} more processes")
    return lines


def _members(pid: int) -> Sequence[int]:
    cgroup = unit_cgroup(pid)
    found = pids_in(cgroup) if cgroup is not None else ()
    return found if pid in found else _family(pid)


def _family(pid: int) -> Sequence[int]:
    """Return *pid* and its descendants, the eldest first.

    From /proc/PID/task/TID/children (proc_pid_task(5)): psutil looks for children among all
    processes of the host, which takes a tenth of a second where there are a thousand.
    """
    family = [pid]
    for member in family:
        if len(family) >= MOST:
            break
        for tasks in Path(f"/proc/{member}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                family += [int(child) for child in tasks.read_text().split()]
    return family[:MOST]


def _cpu_time(process: psutil.Process) -> float:
    import psutil  # noqa: PLC0415

    try:
        cpu = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(cpu.user + cpu.system)


def _describe(process: psutil.Process, cpu_before: float) -> str:
    import psutil  # noqa: PLC0415

    try:
        with process.oneshot():
            cpu = process.cpu_times()
            spent = cpu.user + cpu.system
            facts = [
                f"process {process.pid} {process.name()}: {process.status()}",
                f"RSS {process.memory_info().rss / 1e6:.0f} MB",
                f"CPU {spent:.1f} s ({max(0.0, spent - cpu_before) / _MOMENT:.0%} now)",
                f"{process.num_threads()} threads",
            ]
    except psutil.Error:
        return ""
    with contextlib.suppress(psutil.Error):  # only ours to see with CAP_SYS_PTRACE
        facts.append(f"{process.num_fds()} open files")
    return ", ".join(facts)
