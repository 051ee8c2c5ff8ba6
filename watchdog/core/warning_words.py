"""Warnings in English, for the ledger, the log and the command line."""

from __future__ import annotations

from watchdog.core.spans import span
from watchdog.core.telling import Circumstance, CircumstanceKind

_DAY = 86400.0
_KIB = 1024.0


def whole_days(seconds: float) -> int:
    """Return the whole days in *seconds*, if people would count in days: from two on; else 0."""
    days = int(seconds // _DAY)
    return days if days > 1 else 0


def size(count: float) -> str:
    """Say a number of bytes, as systemd counts them: ``800 MiB``, ``1.5 GiB``."""
    mib = count / _KIB**2
    return f"{mib:.0f} MiB" if mib < _KIB else f"{mib / _KIB:.1f} GiB"


def percent(value: float) -> int:
    """Return *value* as people are told it; rounded up it might name a step not reached yet."""
    return int(value)


def in_english(told: Circumstance) -> str:  # noqa: C901, PLR0911, PLR0912 - its arms are the table
    """Say what a warning is about. Of anything else, return its reason."""
    kind, value, limit = told.kind, told.value, told.limit
    match kind:
        case CircumstanceKind.CERTIFICATE if value < 0:
            return f"certificate of {told.subject} ended {_days(-value)} ago"
        case CircumstanceKind.CERTIFICATE:
            return f"certificate of {told.subject} ends in {_days(value)}"
        case CircumstanceKind.DISK:
            return f"file system {told.subject} is {percent(value)} % full, {size(limit)} free"
        case CircumstanceKind.INODES:
            return f"file system {told.subject} has used {percent(value)} % of its inodes"
        case CircumstanceKind.MEMORY:
            return f"memory is at {size(value)} of its unit's limit of {size(limit)}"
        case CircumstanceKind.OOM_KILLS:
            whom = "a process" if told.count == 1 else f"{told.count} processes"
            return f"the kernel killed {whom} of this run for want of memory"
        case CircumstanceKind.SLOW_START:
            return f"starts take {value:.1f} s, formerly {limit:.1f} s"
        case CircumstanceKind.HEALED_OFTEN:
            often = f"{told.count} times in {span(told.lasted)}"
            return f"healed {often}: the restarts hide a bug"
        case CircumstanceKind.MEMORY_LIMIT:
            return f"memory is at {size(value)}, above its limit of {size(limit)}"
        case CircumstanceKind.CPU_LIMIT:
            return f"CPU is at {value * 100:.0f} %, above its limit of {limit * 100:.0f} %"
        case CircumstanceKind.OPEN_FILES_LIMIT:
            return f"a process has {value:.0f} open files, above its limit of {limit:.0f}"
        case CircumstanceKind.UNMEASURED:
            return f"cannot measure {told.subject}: {told.reason}"
        case _:
            return told.reason


def _days(seconds: float) -> str:
    days = whole_days(seconds)
    return f"{days} days" if days else span(seconds)
