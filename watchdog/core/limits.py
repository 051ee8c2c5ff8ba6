"""What a service uses, held against what it may: beyond it for several rounds in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.core.thresholds import Limits


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service used at a moment; None: not measured, or nobody could tell."""

    mono: float
    memory: float | None = None  # bytes
    cpu_time: float | None = None  # seconds of CPU since some beginning
    open_files: int | None = None  # of the process that has the most


def exceeded(limits: Limits, usages: Sequence[Usage]) -> tuple[Circumstance, ...]:
    """Return which limits were exceeded in each of the last rounds; *usages* oldest first.

    CPU is averaged over all of them: who computes and rests by turns is below it in between.
    """
    latest, count = usages[-limits.rounds :], limits.rounds
    memory = _lasting([usage.memory for usage in latest], limits.memory, count)
    files = _lasting([usage.open_files for usage in latest], limits.open_files, count)
    cpu = average_cpu(usages[-count - 1 :]) if len(usages) > count else None
    found = {
        CircumstanceKind.MEMORY_LIMIT: (memory, limits.memory),
        CircumstanceKind.CPU_LIMIT: (cpu, limits.cpu),
        CircumstanceKind.OPEN_FILES_LIMIT: (files, limits.open_files),
    }
    return tuple(
        Circumstance(kind, value=value, limit=limit)
        for kind, (value, limit) in found.items()
        if value is not None and limit is not None and value > limit
    )


def _lasting(values: Sequence[float | None], limit: float | None, count: int) -> float | None:
    """Return the last of *values* if there are *count* and each of them exceeds *limit*."""
    known = [value for value in values if value is not None]
    if limit is None or len(known) < count or min(known) <= limit:
        return None
    return known[-1]


def average_cpu(usages: Sequence[Usage]) -> float | None:
    """Return how many CPUs were busy from the first of *usages* to the last, if that is known."""
    if len(usages) <= 1:
        return None
    first, last = usages[0], usages[-1]
    if first.cpu_time is None or last.cpu_time is None or last.mono <= first.mono:
        return None
    return max(0.0, last.cpu_time - first.cpu_time) / (last.mono - first.mono)
