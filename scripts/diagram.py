"""Draw the state machine by running it: every event in every state that can be reached."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchdog.core.machine import step
from watchdog.core.maintenance import is_leased
from watchdog.core.model import (
    Alert,
    AlertKind,
    Began,
    Crashed,
    Effect,
    Event,
    Leased,
    Now,
    Observation,
    Paused,
    Phase,
    Released,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Verdict,
)
from watchdog.core.service import Policy

PAGE = Path(__file__).parents[1] / "docs/reference/state-machine.md"
BEGIN = "<!-- Written by scripts/diagram. Do not edit: run it. -->"
END = "<!-- The end of what scripts/diagram has written. -->"

# Reminders, flapping and warnings know no phase of their own, and make ten times the states.
POLICY = Policy(restart_budget=2, remind_after=0, flap_limit=0, flap_window=0)
"""The defaults, with a budget that is soon spent."""

PAUSES = (0.0, 1000.0)
"""Seconds before an event: at once, and when backoff, retry and proof of stable health are due."""

EVENTS: Mapping[str, Event] = {
    "a round passes": Observation(Verdict.PASS, "http", ""),
    "a check fails": Observation(Verdict.FAIL, "http", ""),
    "the process is dead": Observation(Verdict.FAIL, "unit", "", dead=True),
    "a failure no restart can cure": Observation(Verdict.FAIL, "port", "", curable=False),
    "not to be judged now": Observation(Verdict.HOLD, "unit", ""),
    "the probe cannot run": Observation(Verdict.UNKNOWN, "unit", ""),
    "the restart is done": RestartFinished(RestartOutcome.DONE, ""),
    "the restart failed": RestartFinished(RestartOutcome.FAILED, ""),
    "the restart yielded": RestartFinished(RestartOutcome.YIELDED, ""),
    "the restart is impossible": RestartFinished(RestartOutcome.IMPOSSIBLE, ""),
    "a crash": Crashed(1, ""),
    "a crash loop": Crashed(POLICY.crash_limit, ""),
    "the daemon is back": Began(restarted=True),
    "the daemon is back, its restart was not issued": Began(restarted=False),
    "a person pauses": Paused(1e12, "", ""),
    "maintenance ends": Resumed(""),
    "a deploy begins": Leased("a", 1e12, ""),
    "the deploy is over": Released("a", ""),
    "a person wants a restart": RestartRequested(""),
}

DRAWN: Mapping[str, str] = {
    "a check fails": "a round fails",
    "the process is dead": "a round fails",
    "a failure no restart can cure": "a round fails",
    "the deploy is over": "maintenance ends",
    "the daemon is back, its restart was not issued": "the daemon is back",
}
"""What the diagram says in fewer words; the table has them all."""

MANY = 6
"""An event that leads from so many phases to one and the same is drawn once, from any phase."""


@dataclass
class Arrow:
    """From one phase to another on one event."""

    restarts: bool = False  # a restart may be asked for
    alerts: bool = False  # an alert may be sent

    def marks(self) -> str:
        """Return what the arrow brings about, in signs."""
        return " ↻" * self.restarts + " ✉" * self.alerts


@dataclass
class Map:
    """All arrows: by event, phase and next phase."""

    arrows: dict[str, dict[Phase, dict[Phase, Arrow]]] = field(default_factory=dict)

    def add(self, event: str, before: Phase, after: Phase, *, restarts: bool, alerts: bool) -> None:
        """Add what was seen once."""
        cell = self.arrows.setdefault(event, {}).setdefault(before, {})
        arrow = cell.setdefault(after, Arrow())
        arrow.restarts |= restarts
        arrow.alerts |= alerts

    def moves(self, event: str) -> Iterator[tuple[Phase, Phase]]:
        """Yield from where to where *event* leads, where it leads elsewhere."""
        for before, cell in self.arrows[event].items():
            for after in cell:
                if after is not before:
                    yield before, after


def _is_told(effect: Effect) -> bool:
    """Tell whether *effect* is told everywhere; there would be an update on most arrows."""
    return isinstance(effect, Alert) and effect.kind is not AlertKind.UPDATE


def explore() -> Map:
    """Run every event in every state that can be reached from the first."""
    found = Map()
    start = State("api")
    queue, seen = deque([(start, 0.0)]), {kind_of(start, 0.0)}
    while queue:
        state, mono = queue.popleft()
        for name, event in EVENTS.items():
            # What people and the daemon itself do never waits for anything to be due.
            pauses = PAUSES if isinstance(event, Observation | RestartFinished) else PAUSES[:1]
            for pause in pauses:
                now = Now(mono + pause, mono + pause)
                result = step(state, event, POLICY, now)
                found.add(
                    name,
                    state.phase,
                    result.state.phase,
                    restarts=any(isinstance(effect, Restart) for effect in result.effects),
                    alerts=any(_is_told(effect) for effect in result.effects),
                )
                kind = kind_of(result.state, now.mono)
                if kind not in seen:
                    seen.add(kind)
                    queue.append((simplified(result.state), now.mono))
    return found


def simplified(state: State) -> State:
    """Return *state* without crashes that are no loop: the event "a crash" is the first one."""
    looping = state.incident is not None and state.incident.crash_loop
    return state if looping else replace(state, crashes=())


def kind_of(state: State, mono: float) -> tuple[object, ...]:
    """Return what of *state* decides: two states of one kind are explored once."""
    incident = state.incident
    return (
        state.phase,
        min(state.failures, POLICY.max_failures),
        state.phase is not Phase.HEALTHY and state.passes,
        state.restart_at is not None and mono >= state.restart_at,
        min(len(state.restarts), POLICY.restart_budget),
        state.attempts > 0,
        state.gave_up,
        state.unfinished,
        is_leased(state),
        incident is not None,
        incident is not None and incident.crash_loop,
    )


def drawing(found: Map) -> Iterator[str]:
    """Yield the lines of the Mermaid diagram."""
    yield "stateDiagram-v2"
    yield '    state "any phase" as any'
    yield from (f'    state "{phase.value}" as {name_of(phase)}' for phase in Phase)
    yield f"    [*] --> {name_of(Phase.PENDING)}"
    from_any: dict[str, Phase] = {}
    for event in EVENTS:
        targets = {after for _, after in found.moves(event)}
        if len(targets) == 1 and len(list(found.moves(event))) >= MANY:
            from_any[event] = targets.pop()
    for event, after in from_any.items():
        yield f"    any --> {name_of(after)}: {event}"
    labels: dict[tuple[Phase, Phase], dict[str, None]] = {}
    for event in EVENTS:
        if event not in from_any:
            for move in found.moves(event):
                labels.setdefault(move, {})[DRAWN.get(event, event)] = None
    order = list(Phase)
    for before, after in sorted(labels, key=lambda move: [order.index(phase) for phase in move]):
        words = " / ".join(labels[before, after])
        yield f"    {name_of(before)} --> {name_of(after)}: {words}"


def name_of(phase: Phase) -> str:
    """Return *phase* as Mermaid takes it."""
    return phase.value.replace("-", "_")


def table(found: Map) -> Iterator[str]:
    """Yield the lines of the table of phases and events."""
    yield "| | " + " | ".join(phase.value for phase in Phase) + " |"
    yield "|---" * (len(Phase) + 1) + "|"
    for event in EVENTS:
        cells = (cell_of(found.arrows[event][phase], phase) for phase in Phase)
        yield f"| **{event}** | " + " | ".join(cells) + " |"


def cell_of(arrows: Mapping[Phase, Arrow], before: Phase) -> str:
    """Return the phases that may follow *before*; itself is written as a dot."""
    order = [before, *(phase for phase in Phase if phase is not before)]
    return ", ".join(
        ("·" if after is before else after.value) + arrows[after].marks()
        for after in order
        if after in arrows
    )


def generated() -> str:
    """Return all of the page that is not written by hand."""
    found = explore()
    return "\n".join(["```mermaid", *drawing(found), "```", "", *table(found)])


def renewed(page: str) -> str:
    """Return *page* with what is generated as it should be now."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"cannot write {PAGE}: the lines that mark the generated part are gone")
    return f"{before}{begin}\n\n{generated()}\n\n{end}{after}"


def is_stale() -> bool:
    """Tell whether the page says something else than the code does."""
    page = PAGE.read_text("utf-8")
    return renewed(page) != page


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(prog="diagram", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether the page is stale")
    if parser.parse_args().check:
        if is_stale():
            print(f"{PAGE} is stale: the state machine has changed; run: scripts/diagram")
            return 1
        return 0
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
