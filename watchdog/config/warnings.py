"""From the tables of warnings and limits to the core's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

from msgspec import UNSET, UnsetType

from watchdog.config.problems import Path, Problems
from watchdog.config.table import Table
from watchdog.config.warning_tables import HostWarningsTable, LimitsTable, WarningsTable
from watchdog.core.thresholds import HostWarnings, LimitAction, Limits, Warnings

_STEPS = frozenset({"certificate", "memory", "disk_used", "inodes_used"})
"""Arrays of which each element is worse than the one before."""

_FALLING = frozenset({"certificate"})
"""Those of them in which less is worse."""


def warnings_of(
    table: WarningsTable | UnsetType,
    defaults: WarningsTable | UnsetType,
    path: Path,
    problems: Problems,
) -> Warnings:
    """Return what a service is to be warned of: *table* at *path*, over *defaults*."""
    stated = _stated(defaults, ("defaults", "warnings"), problems)
    return replace(Warnings(), **{**stated, **_stated(table, path, problems)})


def host_warnings_of(table: HostWarningsTable, problems: Problems) -> HostWarnings:
    """Return what the host is to be warned of."""
    return replace(HostWarnings(), **_stated(table, ("warnings",), problems))


def limits_of(
    table: LimitsTable | UnsetType, path: Path, problems: Problems, *, has_control: bool
) -> Limits:
    """Return what a service may use; note what is wrong with *table*, which stands at *path*."""
    if table is UNSET:
        return Limits()
    limits = Limits(
        memory=None if table.memory is UNSET else table.memory,
        cpu=None if table.cpu is UNSET else table.cpu,
        open_files=None if table.open_files is UNSET else table.open_files,
        rounds=table.rounds,
        action=LimitAction(table.action),
    )
    if has_control:
        why = "with control nobody knows the processes"
        problems.add(path, f"has no meaning here: {why}; expected only with unit or command")
    elif not limits and not problems.touch(path):
        problems.add(path, "limits nothing; expected memory, cpu or open_files")
    return limits


def _stated(table: Table | UnsetType, path: Path, problems: Problems) -> Mapping[str, Any]:
    """Return the keys that *table* sets; note arrays whose steps are in no order."""
    if table is UNSET:
        return {}
    values = {name: getattr(table, name) for name in table.__struct_fields__}
    stated = {name: value for name, value in values.items() if value is not UNSET}
    for name in _STEPS & stated.keys():
        wrong = _disorder(stated[name], falls=name in _FALLING)
        if wrong and not problems.touch((*path, name)):
            problems.add((*path, name), wrong)
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()
    }


def _disorder(steps: Sequence[float], *, falls: bool) -> str:
    """Say what is wrong with the order of *steps*; empty if nothing is."""
    ordered = steps[::-1] if falls else steps
    if all(low < high for low, high in pairwise(ordered)):
        return ""
    return f"not in order; expected each {'shorter' if falls else 'higher'} than the one before"


def shown(values: Warnings | HostWarnings | Limits) -> Mapping[str, Any]:
    """Return *values* by their keys, those that are not set left out."""
    named = {field.name: getattr(values, field.name) for field in fields(values)}
    return {name: value for name, value in named.items() if value is not None}
