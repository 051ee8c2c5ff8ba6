"""The configured services, each watched by a worker of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.core import chain, schedule
from watchdog.core.history import Withdrawn
from watchdog.core.model import (
    QUIET,
    Alert,
    Note,
    Phase,
    State,
)
from watchdog.core.service import (
    Policy,
    Service,
)
from watchdog.core.warning import HOST
from watchdog.core.withdrawal import withdrawn
from watchdog.gauging import Gauge, Gauging
from watchdog.ports import Change, Left, ServiceControl
from watchdog.rounds import Question, Round
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

Collect = Callable[[str, int | None], Awaitable[Sequence[str]]]
"""Gathers evidence of a run, by its identity and, while it lives, its process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is watched with."""

    control: ServiceControl
    questions: Sequence[Question]
    collect: Collect
    gauges: Sequence[Gauge] = ()  # beside the rounds, for warnings


class Services:
    """Runs a worker for each service."""

    def __init__(
        self, make_parts: Callable[[Service], Parts], around: Surroundings, tasks: asyncio.TaskGroup
    ) -> None:
        self._make_parts = make_parts
        self._around = around
        self._tasks = tasks
        self.workers: dict[str, Worker] = {}  # in the configuration's order
        self._running: dict[str, asyncio.Task[None]] = {}

    async def apply(self, services: Sequence[Service]) -> None:
        """Watch *services*; a worker whose service has not changed goes on as it is."""
        before = self.workers
        after = {service.name: service for service in services}
        changed = [name for name, worker in before.items() if after.get(name) != worker.service]
        ending = [self._running.pop(name) for name in changed]
        for task in ending:
            task.cancel()
        if ending:  # at the same time: a process may take its stop_timeout to end
            await asyncio.wait(ending)
        unchanged = {name: worker for name, worker in before.items() if name in self._running}
        lefts: Mapping[str, Left] = {}
        if len(unchanged) < len(after):
            lefts = await self._around.store.load(self._around.clock.now())
        await self._withdraw(
            {
                **{name: left.state for name, left in lefts.items() if name not in after},
                **{name: before[name].state for name in changed if name not in after},
            }
        )
        depends_on = {service.name: service.depends_on for service in services}
        self.workers = {
            name: unchanged.get(name)
            or self._worker(
                service,
                chain.dependencies(name, depends_on),
                schedule.spread(index, len(after), service.policy.interval),
                lefts.get(name),
            )
            for index, (name, service) in enumerate(after.items())
        }
        self._around.workers = self.workers
        for name, worker in self.workers.items():
            # What it depends on through others may have changed though its own table has not.
            worker.needed = chain.dependencies(name, depends_on)
            if name not in self._running:
                self._running[name] = self._tasks.create_task(worker.run(), name=name)

    async def _withdraw(self, states: Mapping[str, State]) -> None:
        """End what was told of services that are no longer in the configuration."""
        around = self._around
        for name, state in states.items():
            around.sight.forget(name)
            if name != HOST and (state.incident is not None or state.warnings):
                now = around.clock.now()
                step = withdrawn(state, Policy(), now)
                notes = [effect for effect in step.effects if isinstance(effect, Note)]
                alerts = [effect for effect in step.effects if isinstance(effect, Alert)]
                kinds = tuple(alert.kind for alert in alerts if alert.kind not in QUIET)
                history = (Withdrawn(now, kinds),) if state.incident is not None else ()
                await around.store.commit(
                    Change(step.state, now, notes, around.book.address(alerts), history=history)
                )

    async def first_rounds(self, progress: Callable[[], None]) -> None:
        """Return once every service has been judged at least once; *progress* is called at each."""
        for worker in list(self.workers.values()):
            await worker.judged.wait()
            progress()

    def stuck(self, mono: float) -> Sequence[str]:
        """Return the services whose worker should have moved by now and has not."""
        return [name for name, worker in self.workers.items() if worker.is_stuck(mono)]

    def sentence(self) -> str:
        """Return the state of all services in one line, the troubled ones by name."""
        workers = self.workers.values()
        calm = sum(1 for worker in workers if worker.state.phase is Phase.HEALTHY)
        troubled = [worker for worker in workers if worker.state.phase is not Phase.HEALTHY]
        words = [_in_words(worker) for worker in troubled[:3]]
        if len(troubled) > len(words):
            words.append(f"{len(troubled) - len(words)} more not healthy")
        return "; ".join([f"{calm} of {len(workers)} services healthy", *words])

    def _worker(
        self, service: Service, needed: Sequence[str], offset: float, left: Left | None
    ) -> Worker:
        parts = self._make_parts(service)
        around, timeout = self._around, service.policy.start_timeout
        pace, redacted = service.policy.warnings.every, around.redactor.event
        return Worker(
            service,
            parts.control,
            Round(parts.control, parts.questions, timeout, around.clock, redacted, hears=True),
            around,
            needed=needed,
            offset=offset,
            left=left,
            gauging=Gauging(parts.gauges, parts.control, around.clock, pace),
            collect=parts.collect,
        )


def _in_words(worker: Worker) -> str:
    state = worker.state
    if state.phase in {Phase.PENDING, Phase.MAINTENANCE}:
        return f"{state.service} {state.phase.value}"
    reason = state.cause.reason if state.cause is not None else ""
    if state.phase is Phase.HELD and worker.seen is not None:
        reason = worker.seen.reason
    return f"{state.service} {state.phase.value}" + (f": {reason}" if reason else "")
