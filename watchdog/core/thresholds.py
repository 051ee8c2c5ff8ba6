"""From where on something is worth a warning, and what a service may use. Data; no rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DAY, HOUR = 86400.0, 3600.0


@dataclass(frozen=True, slots=True)
class Steps:
    """From which values on it is bad, worse, worst; none: never.

    A step is left behind only *margin* below it, so that a value that trembles tells nothing new.
    """

    at: tuple[float, ...] = ()
    margin: float = 0.0

    def reached(self, value: float, before: int = 0) -> int:
        """Return how many steps *value* has reached, where *before* were reached earlier."""
        kept = sum(value > step - self.margin for step in self.at)
        return max(sum(value >= step for step in self.at), min(before, kept))


@dataclass(frozen=True, slots=True)
class Warnings:
    """What of a service is worth a warning; empty or 0: nothing."""

    every: float = 300.0  # seconds from one measurement to the next
    certificate: tuple[float, ...] = (21 * DAY, 7 * DAY, DAY)  # seconds before its end
    memory: tuple[float, ...] = (90.0,)  # percent of the unit's own limit
    oom_kills: bool = True
    slow_start: float = 2.0  # times as slow as it used to be
    healed_limit: int = 4  # restarts that healed within healed_window
    healed_window: float = 6 * HOUR


@dataclass(frozen=True, slots=True)
class HostWarnings:
    """What of the host is worth a warning; empty: nothing."""

    every: float = 300.0  # seconds from one measurement to the next
    disk: tuple[str, ...] = ()  # paths whose file systems are measured beside the usual ones
    disk_used: tuple[float, ...] = (80.0, 90.0, 95.0)  # percent of what users may fill
    inodes_used: tuple[float, ...] = (80.0, 90.0, 95.0)  # percent


class LimitAction(StrEnum):
    """What a limit exceeded leads to."""

    WARN = "warn"
    RESTART = "restart"  # as a failure of the check "limits"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service may use; None: as much as it likes."""

    memory: float | None = None  # bytes, of all its processes
    cpu: float | None = None  # CPUs, on average over all the rounds
    open_files: int | None = None  # of each process
    rounds: int = 5  # in a row
    action: LimitAction = LimitAction.WARN

    def __bool__(self) -> bool:
        return any(limit is not None for limit in (self.memory, self.cpu, self.open_files))
