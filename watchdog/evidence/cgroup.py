"""The cgroup of a service: its processes, and what the kernel counts of it (cgroups(7))."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))  # cgroup v2 alone; beside v1

PROC = Path("/proc")

MOST = 512
"""Processes that are looked at."""

_KINDS = (".service", ".scope")


def unit_cgroup(pid: int, proc: Path = PROC) -> Path | None:
    """Return the directory of the unit that process *pid* belongs to; None if it has none.

    A unit may have cgroups of its own within. The one that we are in ourselves is no service's:
    what we start as our child is told apart by its parent only.
    """
    path = _path(proc / str(pid) / "cgroup")
    parts = path.split("/")
    while parts and not parts[-1].endswith(_KINDS):
        parts.pop()
    own = _path(proc / "self" / "cgroup")
    if not parts or f"{own}/".startswith(f"{'/'.join(parts)}/"):
        return None
    found = [root / "/".join(parts).lstrip("/") for root in ROOTS]
    return next((each for each in found if (each / "cgroup.procs").exists()), None)


def pids_in(cgroup: Path) -> Sequence[int]:
    """Return the processes in *cgroup* and below it, the first MOST of them."""
    pids: list[int] = []
    for directory, _, _ in os.walk(cgroup):
        try:
            pids += map(int, (Path(directory) / "cgroup.procs").read_text().split())
        except (OSError, ValueError):
            continue  # it has just gone, or is one of threads
        if len(pids) >= MOST:
            break
    return sorted(pids)[:MOST]


def memory_lines(pid: int, proc: Path = PROC) -> Sequence[str]:
    """Say whether the kernel killed processes of *pid*'s unit in this run; nothing if it did not.

    Of a unit that goes on when one of its workers is killed nothing else tells.
    """
    cgroup = unit_cgroup(pid, proc)
    if cgroup is None:
        return ()
    try:
        rows = (line.split() for line in (cgroup / "memory.events").read_text().splitlines())
        count = int(dict(rows).get("oom_kill", "0"))
    except (OSError, ValueError):
        return ()  # no memory controller
    if not count:
        return ()
    whom = "a process" if count == 1 else f"{count} processes"
    return [f"out of memory: the kernel has killed {whom} of this run"]


def _path(file: Path) -> str:
    """Return the path of the cgroup v2 that *file* (/proc/PID/cgroup) names; empty if none."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return ""
    return next((line[3:] for line in lines if line.startswith("0::")), "").rstrip("/")
