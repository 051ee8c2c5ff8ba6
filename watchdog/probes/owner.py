"""Who holds a listening socket: from the cgroup it was made in to a unit and a process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from watchdog.ports import Listener
from watchdog.probes.text import clean

_CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))  # cgroup v2 alone; beside v1
_PROC = Path("/proc")
_MOST_NAMES = 3
_MOST_PROCESSES = 2000  # whose descriptors are looked through
_UNITS = (".service", ".scope", ".socket")


def describe(listener: Listener) -> str:
    """Name the process that holds *listener*, or say what is known of it.

    Blocks: it walks the tree of cgroups and, as far as permitted, the descriptors of processes.
    """
    cgroup = _find_cgroup(listener.cgroup)
    pids = _pids(cgroup) if cgroup is not None else _all_pids()
    unit = _unit(cgroup) if cgroup is not None else ""
    holder = _holder(pids, listener.inode)
    if holder is not None:
        return _named([holder], unit)
    # The descriptors of others are not ours to see. That leaves the processes of the cgroup, if it
    # is one of a unit: the cgroup of everything else says nothing.
    if unit and pids:
        return _named(pids, unit)
    return _unnamed(listener, unit, cgroup)


def unit_of(listener: Listener) -> str:
    """Return the unit in whose cgroup *listener* was made; empty if that cannot be told.

    Of a unit of a user's own manager that is named as well: ``user@0.service/x.service``. Blocks:
    it walks the tree of cgroups.
    """
    cgroup = _find_cgroup(listener.cgroup)
    if cgroup is None:
        return ""
    unit = _unit(cgroup)
    manager = next((part for part in cgroup.parts if part.startswith("user@")), "")
    return f"{manager}/{unit}" if manager and manager != unit else unit


def _named(pids: Iterable[int], unit: str) -> str:
    """Word it: ``nginx (pid 77, nginx.service)``, or ``one of …`` where it may be any of them."""
    first: dict[str, int] = {}  # of each name, the process that started first
    for pid in sorted(pids):
        first.setdefault(_name(pid), pid)
    where = f", {unit}" if unit else ""
    if len(first) == 1:
        ((name, pid),) = first.items()
        return f"{name} (pid {pid}{where})"
    names = list(first)[:_MOST_NAMES]
    more = "" if len(first) <= _MOST_NAMES else f" and {len(first) - _MOST_NAMES} more"
    return f"one of {', '.join(names)}{more} ({unit})"


def _unnamed(listener: Listener, unit: str, cgroup: Path | None) -> str:
    known = [f"uid {listener.uid}"]
    if unit:
        known.append(unit)
    elif cgroup is not None and cgroup not in _CGROUPS:
        known.append(f"cgroup {cgroup.name}")
    return f"a process that cannot be named ({', '.join(known)})"


def _find_cgroup(number: int) -> Path | None:
    """Return the directory of the cgroup with id *number*: the id is the directory's inode."""
    if not number:
        return None
    for root in reversed(_CGROUPS):  # beside v1, /sys/fs/cgroup itself is no cgroup
        if not (root / "cgroup.procs").exists():
            continue
        for directory, _, _ in os.walk(root):
            try:
                if Path(directory).stat().st_ino == number:
                    return Path(directory)
            except OSError:
                continue  # it has just gone
        break
    return None


def _unit(cgroup: Path) -> str:
    """Return the unit that *cgroup* belongs to; services may have cgroups of their own within."""
    return next((part for part in reversed(cgroup.parts) if part.endswith(_UNITS)), "")


def _pids(cgroup: Path) -> list[int]:
    try:
        return sorted(int(line) for line in (cgroup / "cgroup.procs").read_text().split())
    except (OSError, ValueError):
        return []


def _all_pids() -> list[int]:
    return sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _holder(pids: Iterable[int], inode: int) -> int | None:
    """Return the first of *pids* that has the socket open, as far as we may look."""
    wanted = f"socket:[{inode}]"
    for pid in list(pids)[:_MOST_PROCESSES]:
        if wanted in _descriptors(pid):
            return pid
    return None


def _descriptors(pid: int) -> Iterator[str]:
    directory = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(directory):  # noqa: PTH208 - names; a Path each is not needed
            try:
                yield os.readlink(f"{directory}/{descriptor}")  # noqa: PTH115 - a name, not a path
            except OSError:
                continue  # closed meanwhile
    except OSError:
        return  # gone, or not ours to see


def _name(pid: int) -> str:
    try:
        return clean((_PROC / str(pid) / "comm").read_text(errors="replace"))
    except OSError:
        return "a process that has gone"
