"""The one canonical log line of a turn that changed something."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from watchdog.core.model import (
    Event,
    Note,
    NoteKind,
    Observation,
    RestartFinished,
    State,
)
from watchdog.core.service import Policy

log = structlog.get_logger()

_LOUD = frozenset({
    NoteKind.OPENED, NoteKind.GAVE_UP, NoteKind.FAILED, NoteKind.CRASHED, NoteKind.RESTART_FAILED,
})  # fmt: skip


def log_turn(
    policy: Policy,
    event: Event,
    before: State,
    state: State,
    notes: Sequence[Note],
    wall: float,
) -> None:
    """Write the line of the turn in which *event* led from *before* to *state*."""
    fields: dict[str, object] = {"phase": state.phase.value}
    if state.phase is not before.phase:
        fields["was"] = before.phase.value
    if isinstance(event, Observation):
        fields |= {"check": event.check, "verdict": event.verdict.value}
        fields |= {"reason": event.reason, "took_ms": round(event.duration * 1000, 1)}
    elif isinstance(event, RestartFinished):
        fields |= {"restart": event.outcome.value, "took_ms": round(event.duration * 1000, 1)}
    if state.failures:
        fields["failures"] = f"{state.failures}/{policy.max_failures}"
    if notes:
        fields["did"] = [note.text for note in notes]
    incident = state.incident or before.incident
    if incident is not None:
        fields["incident"] = incident.id
    write = log.warning if any(note.kind in _LOUD for note in notes) else log.info
    write(
        f"{state.service} is {state.phase.value}",
        service=state.service,
        seen=round(wall, 6),
        **fields,
    )
