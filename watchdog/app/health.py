"""Whether the daemon itself does its work, and the same in a few lines for somebody elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import watchdog
from watchdog.core.model import Phase
from watchdog.core.spans import span
from watchdog.heartbeat.lag import LAG
from watchdog.heartbeat.report import Report

if TYPE_CHECKING:
    from watchdog.app.engine import Engine
    from watchdog.worker import Worker

LINE = 300  # characters of what others have said
NAMED = 50  # services that are named


def unwell(lag: float, stuck: Sequence[str]) -> str:
    """Return why the daemon is not to be called alive; empty if it is.

    A failing service or a dead channel is none of its business: their tasks move.
    """
    reasons = [f"the event loop is {lag:.1f} s late"] if lag > LAG else []
    reasons += [f"does not move: {', '.join(stuck)}"] if stuck else []
    return "; ".join(reasons)


class Health:
    """Reports on *engine*: it is not well if stuck, blind, or unable to tell anybody."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.patience = 300.0  # seconds that all channels may fail
        self._deaf_since: float | None = None  # mono

    def report(self, lag: float) -> Report:
        """Return how the daemon does, its loop being *lag* seconds late."""
        engine = self._engine
        reasons = list(filter(None, [unwell(lag, engine.stuck()), self._blind(), self._deaf()]))
        text = "\n".join([*(f"not well: {reason}" for reason in reasons), *self._lines()])
        return Report(not reasons, engine.redacted(text))

    def last_words(self) -> str:
        """Return what is said at a stop that was asked for."""
        return f"service-watchdog on {self._engine.host} is being stopped; nothing is watched"

    def _blind(self) -> str:
        """Return which services cannot be judged, if people have been told so."""
        mono = self._engine.clock.now().mono
        lasting = self._engine.sight.lasting(mono)
        if not lasting:
            return ""
        since, why = min((since, why) for since, why in lasting.values())
        names = ", ".join(list(lasting)[:NAMED])
        return f"cannot judge {names} for {span(mono - since)}: {why[:LINE]}"

    def _deaf(self) -> str:
        """Return that no channel takes alerts, if that has lasted."""
        mono, failing = self._engine.clock.now().mono, self._engine.channels.failing
        if not failing or len(failing) < len(self._engine.channels.destinations):
            self._deaf_since = None
            return ""
        if self._deaf_since is None:
            self._deaf_since = mono
        lasted = mono - self._deaf_since
        if lasted < self.patience:
            return ""
        return f"no channel has taken an alert for {span(lasted)}"

    def _lines(self) -> Iterator[str]:
        engine = self._engine
        workers = engine.workers.values()
        phases = Counter(worker.state.phase for worker in workers)
        counts = ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))
        yield f"service-watchdog {watchdog.__version__} on {engine.host}: {counts}"
        troubled = [worker for worker in workers if worker.state.phase is not Phase.HEALTHY]
        for worker in troubled[:NAMED]:
            yield _in_words(worker)
        if len(troubled) > NAMED:
            yield f"and {len(troubled) - NAMED} more"
        yield from (f"! {sentence[:LINE]}" for sentence in engine.troubles())


def _in_words(worker: Worker) -> str:
    state = worker.state
    reason = f": {state.cause.reason[:LINE]}" if state.cause is not None else ""
    incident = f" (incident {state.incident.id})" if state.incident is not None else ""
    return f"{state.service} {state.phase}{incident}{reason}"
