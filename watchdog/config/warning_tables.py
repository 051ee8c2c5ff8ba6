"""The tables of warnings and limits, key by key."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from watchdog.config.amounts import CpuShare, Factor, Lefts, MemorySize, Paths, Percents
from watchdog.config.kinds import Count, CountOrNever, FileCount, Flag, Window
from watchdog.config.table import Table, key


class WarningsTable(Table, frozen=True):
    """What of a service is worth a warning: to be done something about this week."""

    every: Annotated[
        Window | UnsetType,
        key("From one measurement to the next; at a round that comes anyway.", default="5m"),
    ] = UNSET
    certificate: Annotated[
        Lefts | UnsetType,
        key(
            "So long before the certificate of a https health URL ends; [] = off.",
            default='["21d", "7d", "1d"]',
        ),
    ] = UNSET
    memory: Annotated[
        Percents | UnsetType,
        key("Percent of the unit's MemoryHigh= or MemoryMax=; [] = off.", default="[90]"),
    ] = UNSET
    oom_kills: Annotated[
        Flag | UnsetType,
        key("The kernel has killed a process of the unit for want of memory.", default="true"),
    ] = UNSET
    slow_start: Annotated[
        Factor | UnsetType, key("So many times slower than it used to start; 0 = off.", default="2")
    ] = UNSET
    healed_limit: Annotated[
        CountOrNever | UnsetType,
        key("So many restarts that healed within healed_window; 0 = off.", default="4"),
    ] = UNSET
    healed_window: Annotated[
        Window | UnsetType, key("The window of healed_limit.", default="6h")
    ] = UNSET


class HostWarningsTable(Table, frozen=True):
    """Warnings about the host itself."""

    every: Annotated[Window | UnsetType, key("From one measurement to the next.", default="5m")] = (
        UNSET
    )
    disk: Annotated[
        Paths | UnsetType,
        key("Paths whose file systems are measured beside / and that of state_dir.", default="[]"),
    ] = UNSET
    disk_used: Annotated[
        Percents | UnsetType,
        key("Percent of a file system, as df counts it; [] = off.", default="[80, 90, 95]"),
    ] = UNSET
    inodes_used: Annotated[
        Percents | UnsetType,
        key("Percent of the inodes of a file system; [] = off.", default="[80, 90, 95]"),
    ] = UNSET


class LimitsTable(Table, frozen=True):
    """What a service may use; beyond it for several rounds in a row something is done."""

    memory: Annotated[
        MemorySize | UnsetType, key("Of all its processes together.", default="none")
    ] = UNSET
    cpu: Annotated[
        CpuShare | UnsetType,
        key("Average over all the rounds; 100% is one CPU.", default="none"),
    ] = UNSET
    open_files: Annotated[
        FileCount | UnsetType, key("Of any one of its processes.", default="none")
    ] = UNSET
    rounds: Annotated[Count, key("Regular rounds in a row.")] = 5
    action: Annotated[
        Literal["warn", "restart"],
        key("A warning; or a failure of the check limits, for which restart_after holds."),
    ] = "warn"
