"""One service in depth, for a person who looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from watchdog.cli.output import coloured, mark, milliseconds, print_remarks
from watchdog.cli.terminal import has_signs
from watchdog.core.spans import span

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def print_detail(service: dict[str, Any], rows: Sequence[tuple[int, float | None]]) -> None:
    """Print how *service* stands, what its checks said, and how long its recent rounds took."""
    since = f" for {span(service['for'])}" if service["for"] is not None else ""
    pid = f", process {service['pid']}" if service["pid"] else ""
    print(coloured(f"{service['name']}: {service['phase']}{since}{pid}", service["code"]))
    for check in service["checks"]:
        took = f"{milliseconds(check['ms']):>6} ms"
        print(f"  {check['check']:8} {mark(check['verdict'])} {took}  {check['reason']}")
    if rows:
        print(f"  latency  {sparkline([took for _, took in rows])}")
        print(f"           {_summary([took for _, took in rows])}")
    print(f"  failures {service['failures']} of {service['max_failures']}")
    print(f"  restarts {service['restarts_left']} left{_due(service['restart_in'])}")
    if service["incident"]:
        print(
            f"  incident {service['incident']['id']}: service-watchdog incidents"
            f" {service['incident']['id']} shows all of it"
        )
    if service["next_round_in"] is not None:
        print(f"  next round in {span(max(0.0, service['next_round_in']))}")
    print_remarks(service)


def sparkline(took: Sequence[float | None]) -> str:
    """Return *took* (milliseconds) as bars, the highest for the slowest; a dot where none passed.

    Where a terminal has no such letters, as numbers.
    """
    if not has_signs():
        return " ".join("x" if ms is None else f"{ms:g}" for ms in took[-10:])
    slowest = max((ms for ms in took if ms is not None), default=0.0)
    steps = len(_BARS) - 1
    return "".join(
        _GAP if ms is None else _BARS[round(ms / slowest * steps) if slowest else 0] for ms in took
    )


def _summary(took: Sequence[float | None]) -> str:
    passed = [ms for ms in took if ms is not None]
    if not passed:
        return f"the last {len(took)} rounds did not pass"
    failed = f", {len(took) - len(passed)} did not pass" if len(passed) < len(took) else ""
    middle, worst = median(passed), max(passed)
    return f"{len(took)} rounds{failed}: median {middle:.3g} ms, slowest {worst:.3g} ms"


def _due(seconds: float | None) -> str:
    return f", the next in {span(max(0.0, seconds))}" if seconds is not None else ""
