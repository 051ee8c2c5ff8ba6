"""What a service uses: of its cgroup (cgroup v2) what the kernel counts, else of its processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from watchdog.core.limits import Usage
from watchdog.core.thresholds import Limits
from watchdog.ports import ServiceControl

PROC = Path("/proc")
MOST = 512
"""Processes that are looked at."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_UTIME = 11  # field of /proc/PID/stat after the name; utime, stime, cutime, cstime

_CACHED = ("inactive_file", "active_file", "slab_reclaimable")
"""Fields of memory.stat. Whoever reads a file twice makes its pages active, and needs them no more
for that; files in memory (tmpfs) are not among them."""

MEMORY, CPU, OPEN_FILES = "memory", "cpu", "open_files"


class UnmeasuredError(Exception):
    """Something cannot be measured, and why."""


def measure(control: ServiceControl, limits: Limits, mono: float) -> tuple[Usage, dict[str, str]]:
    """Return what the service uses of what *limits* names, and what could not be measured, why."""
    wanted = {MEMORY: limits.memory, CPU: limits.cpu, OPEN_FILES: limits.open_files}
    measures = {MEMORY: _memory, CPU: _cpu_time, OPEN_FILES: _open_files}
    values: dict[str, float] = {}
    troubles: dict[str, str] = {}
    for name, limit in wanted.items():
        if limit is None:
            continue
        try:
            values[name] = measures[name](control)
        except UnmeasuredError as error:
            troubles[name] = str(error)
        except (OSError, ValueError, IndexError) as error:
            troubles[name] = str(error)
    files = values.get(OPEN_FILES)
    usage = Usage(mono, values.get(MEMORY), values.get(CPU), None if files is None else int(files))
    return usage, troubles


def unit_memory(cgroup: str) -> tuple[float, float] | None:
    """Return the bytes that a cgroup uses, and its lower limit; None without a limit.

    MemoryHigh= counts as a limit too: beyond it the kernel takes memory back by force.
    """
    limits = []
    for name in ("memory.max", "memory.high"):
        with suppress(OSError, ValueError):
            limits.append(float(_number(f"{cgroup}/{name}")))
    limit = min(limits, default=0.0)
    return (_working_set(cgroup), limit) if limit else None


def oom_kills(cgroup: str) -> int | None:
    """Return how many processes of a cgroup were killed for want of memory; None: not known."""
    try:
        return int(_table(f"{cgroup}/memory.events")["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None


def open_files_trouble() -> str:
    """Say why the open files of other users' processes cannot be counted here; empty if not."""
    return "" if _counts_open_files() else "before Linux 6.2 only a process's own user may see them"


def _memory(control: ServiceControl) -> float:
    """Return bytes: the working set of a cgroup, or what the processes have to themselves."""
    cgroup = control.cgroup
    with suppress(OSError):  # no memory controller there
        return _working_set(cgroup)
    total, found = 0, False
    for pid in _processes(control):
        with suppress(OSError):
            _, resident, shared, *_ = _read(f"{PROC}/{pid}/statm").split()
            total += (int(resident) - int(shared)) * _PAGE
            found = True
    return float(total) if found else _nobody()


def _working_set(cgroup: str) -> float:
    """Return the memory that the kernel cannot take back: what it caches of files it can."""
    if not cgroup:
        raise FileNotFoundError
    current, held = int(_number(f"{cgroup}/memory.current")), _table(f"{cgroup}/memory.stat")
    return float(max(0, current - sum(int(held.get(name, 0)) for name in _CACHED)))


def _cpu_time(control: ServiceControl) -> float:
    """Return seconds of CPU: also of those that have ended, as far as somebody has counted them."""
    with suppress(OSError):
        if control.cgroup:
            return int(_table(f"{control.cgroup}/cpu.stat")["usage_usec"]) / 1e6
    ticks, found = 0, False
    for pid in _processes(control):
        with suppress(OSError):
            fields = _read(f"{PROC}/{pid}/stat").rpartition(")")[2].split()
            ticks += sum(map(int, fields[_UTIME : _UTIME + 4]))
            found = True
    return ticks / _TICK if found else _nobody()


def _open_files(control: ServiceControl) -> float:
    """Return the most that one process has: RLIMIT_NOFILE is of each process."""
    most, hidden, found = 0, False, False
    for pid in _processes(control):
        directory = f"{PROC}/{pid}/fd"
        try:
            if _counts_open_files():
                count = os.stat(directory).st_size  # noqa: PTH116 - of hundreds each time
            else:
                count = len(os.listdir(directory))  # noqa: PTH208 - a Path each is not needed
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it has just gone
        else:
            most, found = max(most, count), True
    if hidden:
        raise UnmeasuredError(open_files_trouble() or "no permission")
    return float(most) if found else _nobody()


@cache
def _counts_open_files() -> bool:
    """Tell whether the size of /proc/PID/fd is the count of what is in it, as of Linux 6.2."""
    try:
        return os.stat("/proc/self/fd").st_size > 0  # noqa: PTH116
    except OSError:
        return False


def _nobody() -> float:
    raise UnmeasuredError("its processes are not known")


def _processes(control: ServiceControl) -> Sequence[int]:
    if not control.cgroup:
        return control.pids()[:MOST]
    pids: list[int] = []
    for directory in _directories(control.cgroup):
        with suppress(OSError, ValueError):  # it has just gone, or is one of threads
            pids += map(int, _read(f"{directory}/cgroup.procs").split())
        if len(pids) >= MOST:
            break
    return pids[:MOST]


def _directories(top: str) -> Iterator[str]:
    for directory, _, _ in os.walk(top):
        yield directory


def _number(path: str) -> str:
    """Return what a file of the kernel holds; "max" is no number to whoever reads it as one."""
    return _read(path).strip()


def _table(path: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in _read(path).splitlines())


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - see above
        return file.read()
