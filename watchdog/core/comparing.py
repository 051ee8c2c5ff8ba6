"""What a policy would have done beside what was done in fact."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchdog.core.history import Record, Turn, Withdrawn
from watchdog.core.model import QUIET, Alert, AlertKind, Restart
from watchdog.core.replay import SAME, Deed

PAGES = frozenset({AlertKind.FIRING, AlertKind.GAVE_UP, AlertKind.REMINDER})
"""Alerts that get somebody up."""


@dataclass(frozen=True, slots=True)
class Act:
    """A restart that the daemon decides, or an alert."""

    wall: float
    what: str  # "restart", or the kind of the alert


@dataclass(frozen=True, slots=True)
class Difference:
    """An act of only one of the two."""

    act: Act
    in_fact: bool  # False: only the policy that is tried would have done it


def of_deeds(deeds: Iterable[Deed], since: float) -> Sequence[Act]:
    """Return the acts among *deeds* from *since* (wall) on."""
    acts = []
    for deed in deeds:
        match deed.effect:
            case Restart(wanted_by=""):
                acts.append(Act(deed.now.wall, "restart"))
            case Alert(kind=kind) if kind not in QUIET:
                acts.append(Act(deed.now.wall, kind.value))
    return [act for act in acts if act.wall >= since]


def of_records(records: Iterable[Record], since: float) -> Sequence[Act]:
    """Return the acts that are on record from *since* (wall) on."""
    acts = []
    for record in records:
        if isinstance(record, Turn | Withdrawn):
            acts += [Act(record.now.wall, kind.value) for kind in record.alerts]
        if isinstance(record, Turn) and record.restart == "":
            acts.append(Act(record.now.wall, "restart"))
    return [act for act in acts if act.wall >= since]


def differences(tried: Sequence[Act], in_fact: Sequence[Act]) -> Sequence[Difference]:
    """Return the acts that only one of the two has, oldest first.

    Two of a kind within a minute are one and the same.
    """
    waiting: dict[str, deque[Act]] = {}
    found = []
    for act in in_fact:
        waiting.setdefault(act.what, deque()).append(act)
    for act in tried:
        others = waiting.get(act.what, deque())
        while others and others[0].wall < act.wall - SAME:
            found.append(Difference(others.popleft(), in_fact=True))
        if others and others[0].wall <= act.wall + SAME:
            others.popleft()
        else:
            found.append(Difference(act, in_fact=False))
    found += [Difference(act, in_fact=True) for acts in waiting.values() for act in acts]
    return sorted(found, key=lambda each: (each.act.wall, each.act.what))


def count(acts: Iterable[Act], *kinds: str) -> int:
    """Return how many of *acts* are of one of *kinds*."""
    return sum(act.what in kinds for act in acts)
