"""Order and blame among services that depend on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from watchdog.core.model import (
    Observation,
    Phase,
    State,
    Verdict,
)
from watchdog.core.service import Service

_CALM = frozenset({Phase.HEALTHY, Phase.PENDING})
"""Phases that explain no failure elsewhere. Being deployed, stopped on purpose or in maintenance
does; PENDING, where a probe that cannot run may stay for long, does not."""


def start_order(services: Sequence[Service]) -> tuple[str, ...]:
    """Return the services' names, each after those it depends on.

    Raises ValueError naming the cycle, if there is one.
    """
    graph = {service.name: service.depends_on for service in services}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        # graphlib names each before those that depend on it; people read "needs" the other way.
        raise ValueError(" -> ".join(reversed(error.args[1]))) from None


def dependencies(name: str, depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return all that *name* depends on, directly or through others, nearest first."""
    found: dict[str, None] = {}
    queue = list(depends_on.get(name, ()))
    while queue:
        nearest = queue.pop(0)
        if nearest not in found:
            found[nearest] = None
            queue.extend(depends_on.get(nearest, ()))
    return tuple(found)


def first_cause(
    seen: Observation, needed: Sequence[str], states: Mapping[str, State]
) -> Observation:
    """Return *seen*, or a HOLD if a service that it needs is broken or being worked on.

    A process that is gone is its own trouble whatever else is broken, and so is a cause that
    has nothing to do with others, like a stranger on the port.
    """
    if seen.verdict is not Verdict.FAIL or seen.dead or not seen.curable:
        return seen
    for name in needed:
        state = states.get(name)
        if state is not None and state.phase not in _CALM:
            reason = f"waits for {name}, which is {state.phase.value}; {seen.reason}"
            return replace(seen, verdict=Verdict.HOLD, reason=reason)
    return seen
