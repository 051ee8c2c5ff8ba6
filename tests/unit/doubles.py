"""Stand-ins for what workers talk to: they keep the same contract and remember what they saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from watchdog.core.model import (
    Alert,
    AlertKind,
    Crashed,
    NoteKind,
    Now,
    Observation,
    RestartFinished,
    RestartOutcome,
    Verdict,
)
from watchdog.ports import Change, Delivery, Left, Listener, Receipt

UP = Observation(Verdict.PASS, "unit", "active")
DEAD = Observation(Verdict.FAIL, "unit", "killed by SIGKILL", dead=True)


@dataclass
class ScriptedControl:
    """A service that is what a test says it is."""

    answer: Observation = UP
    outcome: RestartOutcome = RestartOutcome.DONE
    heals: bool = True  # a restart brings it up
    identity: str = "run 1"
    started: float | None = None
    main_pid: int | None = 4711
    ending: bool = False
    cgroup: str = ""
    restarts: int = 0
    last_asked: float = 0.0
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # a restart has been asked for
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # a restart ends when it is set
    changed: Callable[[], None] = lambda: None
    crashed: Callable[[Crashed], None] = lambda _: None

    def __post_init__(self) -> None:
        self.gate.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        pass

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        self.changed, self.crashed = changed, crashed

    async def observe(self, now: Now) -> Observation:
        self.last_asked = now.mono
        return self.answer

    async def is_ending(self) -> bool:
        return self.ending

    async def restart(self) -> RestartFinished:
        self.restarts += 1
        self.begun.set()
        await self.gate.wait()
        if self.outcome is RestartOutcome.DONE:
            self.identity = f"run {self.restarts + 1}"
            self.started = self.last_asked
            if self.heals:
                self.answer = UP
        return RestartFinished(self.outcome, f"job {self.outcome.value}")

    def pids(self) -> Sequence[int]:
        return () if self.main_pid is None else (self.main_pid,)

    def owns(self, listener: Listener) -> bool:
        return True

    def become(self, answer: Observation) -> None:
        """Change, and signal it as systemd does."""
        self.answer = answer
        self.changed()


@dataclass
class ListStore:
    """Remembers every change in order; what is committed is never lost."""

    lefts: Mapping[str, Left] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    filed: dict[str, Sequence[str]] = field(default_factory=dict)

    async def load(self, now: Now) -> Mapping[str, Left]:
        return self.lefts

    async def commit(self, change: Change) -> None:
        self.changes.append(change)

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        return ()

    async def delivered(
        self, deliveries: Sequence[Delivery], receipt: Receipt, wall: float
    ) -> None:
        raise NotImplementedError

    async def progressed(self, deliveries: Sequence[Delivery], wall: float) -> None:
        raise NotImplementedError

    async def attempt_failed(
        self, deliveries: Sequence[Delivery], reason: str, wall: float
    ) -> None:
        raise NotImplementedError

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        raise NotImplementedError

    async def save_evidence(self, incident: str, lines: Sequence[str]) -> None:
        self.filed[incident] = lines

    async def evidence(self, incident: str) -> Sequence[str]:
        return self.filed.get(incident, ())

    @property
    def alerts(self) -> list[Alert]:
        """What everybody is told."""
        return [alert for alert in self._alerts if alert.kind is not AlertKind.UPDATE]

    @property
    def updates(self) -> list[Alert]:
        """What only those are told who hold a conversation."""
        return [alert for alert in self._alerts if alert.kind is AlertKind.UPDATE]

    @property
    def _alerts(self) -> list[Alert]:
        return [each.alert for change in self.changes for each in change.alerts]

    @property
    def kinds(self) -> list[AlertKind]:
        return [alert.kind for alert in self.alerts]

    @property
    def notes(self) -> list[NoteKind]:
        return [note.kind for change in self.changes for note in change.notes]
