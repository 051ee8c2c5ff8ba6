"""What is measured beside the verdict of a round: at a slow pace, at a round that comes anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from watchdog.core.model import Event, Observation, State, Verdict
from watchdog.core.standing import Measured, Reading, Started
from watchdog.ports import Clock, ServiceControl

log = structlog.get_logger()

SETTLED = 10.0
"""Seconds after its first passing round until a start is told of.

Each is written down. Where two hundred services die together, their restarts come first.
"""

Gauge = Callable[[float], Iterable[Reading]]
"""Measures at the given moment (wall), at once; what it cannot know for now has no value."""


class Gauging:
    """Turns passing rounds of one service into events about what was measured."""

    __slots__ = (
        *("_began", "_clock", "_control", "_due", "_every", "_gauges"),
        *("_passed", "_start", "_told_at"),
    )

    def __init__(
        self, gauges: Sequence[Gauge], control: ServiceControl, clock: Clock, every: float
    ) -> None:
        self._gauges = gauges
        self._control = control
        self._clock = clock
        self._every = every
        self._began = clock.now().mono
        self._due = self._began + every  # a start is busy enough
        self._passed = ""  # the run that has passed a round
        self._start: Started | None = None  # not told of yet
        self._told_at = 0.0  # mono

    def after_round(self, seen: Observation, state: State) -> Iterator[Event]:
        """Yield what the round that has *seen* is an occasion for; *state* is how it left things.

        While a service is in trouble there are other worries, and its rounds come fast.
        """
        if seen.verdict is not Verdict.PASS:
            return
        now = self._clock.now()
        run, started = self._control.identity, self._control.started
        if run != self._passed:
            self._passed, self._told_at = run, now.mono + SETTLED
            # Of a run that is older than our watch nobody knows when it first answered.
            is_known = started is not None and started >= self._began
            self._start = Started(round(now.mono - (started or 0.0), 3)) if is_known else None
        elif self._start is not None and now.mono >= self._told_at:
            yield self._start
            self._start = None
        if now.mono >= self._due:
            self._due = now.mono + self._every
            readings = tuple(self._readings(now.wall))
            if readings or state.warnings or state.healings:
                yield Measured(readings)

    def _readings(self, wall: float) -> Iterator[Reading]:
        for gauge in self._gauges:
            try:
                yield from gauge(wall)
            except Exception:  # the one guard: a broken gauge must not end the watch
                log.exception("cannot measure", gauge=getattr(gauge, "__name__", repr(gauge)))
