"""What must hold between services: names and units of their own, dependencies without cycles."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from watchdog.config.problems import Path, Problems, did_you_mean, name_of, quoted
from watchdog.core.service import (
    Service,
    UnitControl,
)


def check_relations(services: Sequence[Service], problems: Problems) -> None:
    """Note what is wrong between *services*, which stand in the file in this order."""
    _check_unique([service.name for service in services], "name", problems)
    units = [
        service.control.unit if isinstance(service.control, UnitControl) else ""
        for service in services
    ]
    _check_unique(units, "unit", problems)
    places: dict[str, Path] = {
        service.name: ("service", i, "depends_on") for i, service in enumerate(services)
    }
    graph = {service.name: list[str]() for service in services}
    for index, service in enumerate(services):
        path = ("service", index, "depends_on")
        for place, other in enumerate(service.depends_on):
            if not other:
                continue  # reported where it was read
            if wrong := _wrong_dependency(other, service, graph):
                problems.add((*path, place), wrong)
            else:
                graph[service.name].append(other)
    _check_cycles(graph, places, problems)


def _wrong_dependency(other: str, service: Service, graph: dict[str, list[str]]) -> str:
    if other == service.name:
        return "a service cannot depend on itself; expected the name of another"
    if other in graph[service.name]:
        return f"{quoted(other)} is there twice; expected it once"
    if other not in graph:
        others = [name for name in graph if name and name != service.name]
        hint = did_you_mean(other, others) or "expected the name of another service"
        return f"no service is called {quoted(other)}; {hint}"
    return ""


def _check_unique(values: Sequence[str], key: str, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value and first.setdefault(value, index) != index:
            other = name_of(("service", first[value]))
            problems.add(
                ("service", index, key),
                f"{quoted(value)} is the {key} of {other} already; expected another",
            )


def _check_cycles(graph: dict[str, list[str]], places: dict[str, Path], problems: Problems) -> None:
    """Report each cycle, and break it so that the next one shows."""
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            # Each of them is needed by the next; people read it the other way round.
            cycle: list[str] = error.args[1][::-1]
            start = min(range(len(cycle) - 1), key=lambda i: list(places).index(cycle[i]))
            cycle = [*cycle[start:-1], *cycle[:start], cycle[start]]
            problems.add(
                places[cycle[0]],
                f"a cycle: {' needs '.join(cycle)}; expected an order to start them in",
            )
            graph[cycle[0]].remove(cycle[1])
        else:
            return
