"""What is measured beside the rounds, and the warnings that stand because of it."""

from __future__ import annotations

from dataclasses import dataclass

from watchdog.core.telling import Circumstance


@dataclass(frozen=True, slots=True)
class Reading:
    """Something measured: *about* says it in numbers and is known by its kind and subject."""

    about: Circumstance
    value: float | None  # held against the steps of its kind; None: not known for now


@dataclass(frozen=True, slots=True)
class Measured:
    """An event: all that is measured of a service was measured."""

    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """An event: a run that began while we watched has passed its first round."""

    took: float  # seconds since it began


@dataclass(frozen=True, slots=True)
class StandingWarning:
    """A warning from its first step to its end."""

    id: str
    about: Circumstance  # as of the last time that it was as bad as its level
    since: float  # wall
    level: int  # the step it stands at, from 1
    told: int = 0  # the step that people know of
    better_since: float | None = None  # mono: below its level ever since
