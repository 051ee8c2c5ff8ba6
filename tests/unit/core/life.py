"""A service's life as the state machine sees it: events one after another, on a clock by hand."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.core import schedule
from watchdog.core.machine import step
from watchdog.core.model import (
    QUIET,
    Alert,
    AlertKind,
    Began,
    Crashed,
    Effect,
    Event,
    Note,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.standing import Measured, Reading, Started
from watchdog.core.telling import Circumstance, CircumstanceKind

MONO = 1000.0
WALL = 1_763_777_580.0  # 2025-11-22 02:13:00 UTC

PASS = Observation(Verdict.PASS, "http", "200")
HTTP = Observation(Verdict.FAIL, "http", "/health answered 500")
DEAD = Observation(Verdict.FAIL, "unit", "api.service was killed by SIGKILL", dead=True)
PORT = Observation(Verdict.FAIL, "port", "nobody listens on 127.0.0.1:8000")
STRANGER = Observation(Verdict.FAIL, "port", "port 8000 is held by nginx.service", curable=False)
MASKED = Observation(Verdict.FAIL, "unit", "api.service is masked", curable=False, dead=True)
HOLD = Observation(Verdict.HOLD, "unit", "api.service is starting", until=MONO + 90)
UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd")
DONE = RestartFinished(RestartOutcome.DONE, "systemd restarted api.service", 0.2)
FAILED = RestartFinished(RestartOutcome.FAILED, "api.service did not start", 0.2)
YIELDED = RestartFinished(RestartOutcome.YIELDED, "another job replaced it", 0.1)
IMPOSSIBLE = RestartFinished(RestartOutcome.IMPOSSIBLE, "no permission", 0.1)
CRASH = Crashed(1, "api.service was killed by SIGSEGV")
BEGAN = Began(restarted=True)
BEGAN_BEFORE_IT = Began(restarted=False)
RESUME = Resumed("kim")
ASKED = RestartRequested("kim")
STARTED = Started(4.2)


def memory(percent: float | None) -> Measured:
    """Return that a service uses so much of what its unit allows it."""
    told = Circumstance(CircumstanceKind.MEMORY, value=(percent or 0) * 1e7, limit=1e9)
    return Measured((Reading(told, percent),))


class Life:
    """Takes events as they come and remembers what was to be done about them."""

    def __init__(self, policy: Policy | None = None, state: State | None = None) -> None:
        self.policy = policy or Policy()
        self.state = state or State("api")
        self.now = Now(MONO, WALL)
        self.last: Sequence[Effect] = ()
        self.effects: list[Effect] = []

    def wait(self, seconds: float) -> Life:
        self.now = Now(self.now.mono + seconds, self.now.wall + seconds)
        return self

    def on(self, *events: Event, every: float = 0.0) -> Life:
        """Take *events*, each *every* seconds after the one before."""
        for event in events:
            self.wait(every)
            result = step(self.state, event, self.policy, self.now)
            self.state, self.last = result.state, result.effects
            self.effects += result.effects
        return self

    def see(self, answer: Observation, seconds: float) -> Life:
        """Let rounds come as they are due for so long; all of them, and restarts, end alike."""
        end = self.now.mono + seconds
        while True:
            due = schedule.next_round(self.state, self.policy, self.now.mono, 0.0, answer.until)
            if due > end:
                return self.wait(end - self.now.mono)
            self.wait(due - self.now.mono).on(answer)
            if self.state.phase is Phase.RESTARTING:
                self.on(DONE)

    def pause(self, seconds: float = 600.0) -> Life:
        return self.on(Paused(self.now.mono + seconds, "kim", "deploy"))

    @property
    def phase(self) -> Phase:
        return self.state.phase

    @property
    def alerts(self) -> list[Alert]:
        """What everybody is told."""
        return [alert for alert in self._alerts if alert.kind not in QUIET]

    @property
    def updates(self) -> list[Alert]:
        """What only those are told who hold a conversation."""
        return [alert for alert in self._alerts if alert.kind is AlertKind.UPDATE]

    @property
    def ends(self) -> list[Alert]:
        """What only those are told who can close a warning."""
        return [alert for alert in self._alerts if alert.kind is AlertKind.WARNING_OVER]

    @property
    def _alerts(self) -> list[Alert]:
        return [effect for effect in self.effects if isinstance(effect, Alert)]

    @property
    def told(self) -> list[AlertKind]:
        return [alert.kind for alert in self.alerts]

    @property
    def restarts(self) -> list[Restart]:
        return [effect for effect in self.effects if isinstance(effect, Restart)]

    @property
    def notes(self) -> list[Note]:
        return [effect for effect in self.effects if isinstance(effect, Note)]

    @property
    def noted(self) -> list[NoteKind]:
        return [note.kind for note in self.notes]
