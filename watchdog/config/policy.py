"""From the keys of a service and of [defaults] to its core Policy."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from msgspec import UNSET, UnsetType

from watchdog.config.durations import format_duration
from watchdog.config.problems import Path, Problems
from watchdog.config.service_tables import PolicyTable, RestartAfterTable
from watchdog.config.warnings import warnings_of
from watchdog.core.service import Policy

_STANDARD = Policy()
_KEYS = tuple(field.name for field in fields(Policy))
_ORDERED = (
    ("fast_interval", "interval"),
    ("recovery_interval", "interval"),
    ("backoff_first", "backoff_max"),
)
"""Pairs of keys of which the first must not exceed the second."""


def policy_of(table: PolicyTable, defaults: PolicyTable, path: Path, problems: Problems) -> Policy:
    """Return the policy of the service *table* at *path*, over *defaults*, over the core's own.

    A default gives way to what is configured: a short ``interval`` shortens the faster ones.
    """
    stated = _stated(defaults) | _stated(table)
    policy: dict[str, Any] = {key: getattr(_STANDARD, key) for key in _KEYS} | stated
    for pace in ("fast_interval", "recovery_interval"):
        if pace not in stated:
            policy[pace] = min(policy[pace], policy["interval"])
    if "backoff_max" not in stated:
        policy["backoff_max"] = max(policy["backoff_max"], policy["backoff_first"])
    policy["restart_after"] = (
        dict(_STANDARD.restart_after)
        | {"http": policy["max_failures"]}
        | _stated(defaults.restart_after)
        | _stated(table.restart_after)
    )
    policy["warnings"] = warnings_of(
        table.warnings, defaults.warnings, (*path, "warnings"), problems
    )
    for low, high in _ORDERED:
        if policy[low] > policy[high] and sure(low, path, problems) and sure(high, path, problems):
            problems.add(
                _place(table, path, low, high),
                f"{low} {format_duration(policy[low])} exceeds"
                f" {high} {format_duration(policy[high])}; expected at most that",
            )
    return Policy(**policy)


def sure(key: str, path: Path, problems: Problems) -> bool:
    """Tell whether nothing was wrong with the policy's *key*, so that others can be held to it."""
    return not (problems.touch((*path, key)) or problems.touch(("defaults", key)))


def _stated(table: PolicyTable | RestartAfterTable | UnsetType) -> dict[str, Any]:
    """Return the keys of the policy, or of ``restart_after``, that *table* sets."""
    known = _KEYS if isinstance(table, PolicyTable) else _STANDARD.restart_after
    values = {key: getattr(table, key, UNSET) for key in known}
    return {key: value for key, value in values.items() if value is not UNSET}


def _place(table: PolicyTable, path: Path, low: str, high: str) -> Path:
    """Return where to point: at the service's own key if it has one of the two."""
    for key in (low, high):
        if getattr(table, key) is not UNSET:
            return (*path, key)
    return ("defaults", low)
