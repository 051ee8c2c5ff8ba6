"""One task per service: event -> step -> commit -> effects.

A worker is the only writer of its service's state. Signals only cause an early round; they never
go round ``step``. Effects are carried out after the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial

from watchdog.bell import Bell
from watchdog.core import chain, schedule
from watchdog.core.history import Recorder
from watchdog.core.machine import step
from watchdog.core.model import (
    Alert,
    Began,
    Event,
    Note,
    NoteKind,
    Observation,
    Phase,
    Restart,
    RestartFinished,
    State,
    Verdict,
)
from watchdog.core.service import (
    CommandControl,
    Service,
)
from watchdog.core.standing import Started
from watchdog.errors import WatchdogError
from watchdog.gauging import Gauging
from watchdog.latency import Latency
from watchdog.ports import Change, Left, ServiceControl
from watchdog.rounds import Round, RoundAbandoned
from watchdog.surroundings import Surroundings
from watchdog.turn_log import log_turn

_TROUBLE = frozenset({NoteKind.FAILED, NoteKind.CRASHED, NoteKind.RESTART_FAILED})
_UNJUDGED = frozenset({Phase.RESTARTING, Phase.MAINTENANCE})


async def _nothing(_run: str, _pid: int | None) -> Sequence[str]:
    return ()


class Worker:
    """Watches one service and acts on what it sees."""

    def __init__(  # noqa: PLR0913 - each a part of its own
        self,
        service: Service,
        control: ServiceControl,
        rounds: Round,
        around: Surroundings,
        *,
        needed: Sequence[str] = (),
        offset: float = 0.0,
        left: Left | None = None,
        gauging: Gauging | None = None,
        collect: Callable[[str, int | None], Awaitable[Sequence[str]]] = _nothing,
    ) -> None:
        self.service = service
        self.state = left.state if left is not None else State(service.name)
        self.seen: Observation | None = None  # what the last round found
        self.next_round: float | None = None  # mono; None while a restart is under way
        self.judged = Bell()  # set by the first round
        self.finished: RestartFinished | None = None  # how the last restart ended
        self.latency = Latency()
        self.ended = False  # it watches no more: a reload has taken its place
        self._left = left
        self._control = control
        self._rounds = rounds
        self._around = around
        self.needed = needed  # all that this one depends on; a reload may change it
        self._offset = offset
        self._collect = collect
        self._gauging = gauging
        self._inbox: list[Event] = []  # a deque takes 0.7 kB, and there is mostly nothing in it
        self._bell = Bell()
        self._ring = self._bell.set  # one for all timers
        self._woken = True  # the first round is due at once
        self._began = 0.0  # mono: the last round's beginning
        self._early = True  # the last round was not due when it began
        self._recorder = Recorder()
        self._in_round = False
        self._looked_at: str | None = None  # the run whose evidence has been gathered
        self._judgements = 0  # rounds that came to their end
        self._turn: asyncio.Future[None] | None = None  # resolved at the end of each turn
        self._expected = float("inf")  # mono: when this worker must have moved at the latest
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def control(self) -> ServiceControl:
        """Return how the service is watched and restarted."""
        return self._control

    @property
    def began(self) -> float:
        """Return when the last round began (mono); 0 if there was none."""
        return self._began

    @property
    def results(self) -> Sequence[Observation]:
        """Return the answers of the last round, check by check."""
        return self._rounds.results

    def is_stuck(self, mono: float) -> bool:
        """Tell whether this worker should have moved by now and has not."""
        return not self.ended and mono > self._expected

    def post(self, event: Event) -> None:
        """Let the worker take *event* as soon as it is free; secrets stay outside."""
        self._inbox.append(self._around.redactor.event(event))
        self._bell.set()

    def wake(self) -> None:
        """Have a round at once; one that is under way is given up for it."""
        self._woken = True
        self._bell.set()
        self._rounds.abandon()

    async def tell(self, event: Event) -> None:
        """Let the worker take *event*, and return once it has; it may be in a round first.

        Raises WatchdogError if a reload or the daemon's end came before it.
        """
        self.post(event)
        while any(waiting is event for waiting in self._inbox):
            if self.ended:
                raise WatchdogError(
                    f"{self.service.name} was just reloaded or is no longer watched; "
                    "look at its status, and try again"
                )
            await self.turned()

    async def fresh(self) -> None:
        """Return once a round has been judged after this call, or none can be had now."""
        before = self._judgements
        while self._judgements == before and self.state.phase not in _UNJUDGED and not self.ended:
            if not self._in_round:
                self._woken = True
                self._bell.set()
            await self.turned()

    async def turned(self) -> None:
        """Return at the end of the worker's next turn: a round, or an event taken."""
        if self.ended:
            return
        if self._turn is None:
            self._turn = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._turn)

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            await self._watch()
        finally:
            self.ended = True
            self._end_turn()  # whoever waits must not wait for ever
            if self.judged.is_set():
                await self._write_history()

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as self._tasks, self._control:
            self._control.listen(self.wake, self.post)
            known = self.state if self._left is not None else None
            self._recorder.begin(self._around.clock.now(), known, self._offset)
            if self._left is not None:
                await self._take(Began(restarted=self._was_restarted()))
            try:
                while True:
                    await self._move()
            finally:
                self._recorder.end(self._around.clock.now())
                self._expected = float("inf")  # how long its process takes to end, it knows

    async def _move(self) -> None:
        if self._inbox:
            await self._take(self._inbox[0])
            self._inbox.pop(0)  # only now: `tell` waits for this
            self._end_turn()
        elif self._is_round_due():
            await self._hold_round()
            self._end_turn()
        else:
            await self._wait()

    # --- rounds ---------------------------------------------------------------------------------

    def _is_round_due(self) -> bool:
        if self.state.phase is Phase.RESTARTING:
            self._woken = False  # what wakes us now is our own doing
            return False
        due = self.next_round
        return self._woken or (due is not None and self._around.clock.now().mono >= due)

    async def _hold_round(self) -> None:
        clock, due = self._around.clock, self.next_round
        self._began = clock.now().mono
        self._early = due is None or self._began < due
        if not self._woken and due is not None:
            self._around.late.append(self._began - due)
        self._woken = False
        own = self.service.control
        patience = own.timeout if isinstance(own, CommandControl) else 0.0
        self._expect(self._rounds.longest + patience)
        self._in_round = True
        try:
            seen = await self._blame(await self._rounds.run())
        except RoundAbandoned:
            return  # woken: the next round is due at once
        finally:
            self._in_round = False
        self.seen = seen
        took = self.results[-1].duration if seen.verdict is Verdict.PASS else None
        self.latency.add(clock.now().wall, took)
        await self._take(seen)
        if self.state.phase is not Phase.MAINTENANCE or seen.verdict is not Verdict.UNKNOWN:
            self._around.sight.take(self.service.name, seen, self._began)
        self._judgements += 1
        self.judged.set()
        self._plan(seen.until)
        if self._gauging is not None:
            for event in self._gauging.after_round(seen, self.state):
                await self._take(event)

    async def _blame(self, seen: Observation) -> Observation:
        """Return *seen*, or a HOLD if a service that this one needs is the cause."""
        if seen.verdict is not Verdict.FAIL or not self.needed:
            return seen
        workers = [self._around.workers.get(name) for name in self.needed]
        self._expected = float("inf")  # bounded by their rounds, which are looked after
        await asyncio.gather(*(worker.fresh() for worker in workers if worker is not None))
        self._expect(0)
        return chain.first_cause(seen, self.needed, self._around.states)

    def _plan(self, until: float | None = None) -> None:
        if self.state.phase is Phase.RESTARTING:
            self.next_round = None
        else:
            policy = self.service.policy
            due = schedule.next_round(self.state, policy, self._began, self._offset, until)
            # Rounds never overlap: one that outlasts the pace is followed at once, not late.
            self.next_round = max(due, self._around.clock.now().mono)

    async def _wait(self) -> None:
        """Wait for an event, a signal, or the next round."""
        self._bell.clear()
        due = self.next_round
        if due is None:
            self._expected = float("inf")  # the restart is bounded by the one who restarts
            await self._bell.wait()
            return
        timer = self._around.clock.call_at(due, self._ring)
        self._expect(max(0.0, due - self._around.clock.now().mono))
        try:
            await self._bell.wait()
        finally:
            timer.cancel()

    def _expect(self, seconds: float) -> None:
        self._expected = self._around.clock.now().mono + seconds + _SLACK

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.set_result(None)
            self._turn = None

    # --- one turn -------------------------------------------------------------------------------

    async def _take(self, event: Event) -> None:
        now, before = self._around.clock.now(), self.state
        result = step(before, event, self.service.policy, now)
        self.state = state = result.state
        moved = state.phase is not before.phase
        finished = event if isinstance(event, RestartFinished) else None
        self.finished = finished or self.finished
        self._recorder.take(event, before, result, now, self._began, early=self._early)
        if not (result.effects or moved or finished or isinstance(event, Started)):
            if self._recorder.is_due:
                await self._write_history()
            return
        notes = [effect for effect in result.effects if isinstance(effect, Note)]
        alerts = [effect for effect in result.effects if isinstance(effect, Alert)]
        restart = next((e for e in result.effects if isinstance(e, Restart)), None)
        if state.incident is not None and before.incident is None:
            self._around.desk.opened(self.service.name, state.incident.id)
        self._expect(0)
        await self._around.store.commit(
            Change(
                state,
                now,
                notes,
                self._around.book.address(alerts),
                restart,
                self._control.identity if restart is not None else "",
                finished,
                self._recorder.drained(),
            )
        )
        if restart is not None:
            self._start(self._restart(is_dead=state.cause is not None and state.cause.dead))
        elif any(note.kind in _TROUBLE for note in notes) and self._is_news():
            self._start(self._gather())
        if any(note.kind in _TROUBLE for note in notes):
            self._around.suspicion()
        ended = moved or before.incident is not None  # an incident may close in health that lasts
        if ended and state.incident is None and state.phase is Phase.HEALTHY:
            self._around.desk.closed(self.service.name)
            self._looked_at = None
        if moved:
            self._plan()
        if notes or moved or finished:  # how quickly it started is nobody's news
            log_turn(self.service.policy, event, before, state, notes, now.wall)
        self._around.changed()

    async def _write_history(self) -> None:
        """Commit what no change has taken along."""
        self._expect(0)
        history = self._recorder.drained()
        now = self._around.clock.now()
        await self._around.store.commit(Change(self.state, now, history=history))

    # --- effects --------------------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, None]) -> None:
        assert self._tasks is not None  # noqa: S101 - turns are taken within run() only
        self._tasks.create_task(work)

    async def _restart(self, *, is_dead: bool) -> None:
        """Restart, with the evidence that the restart destroys gathered first.

        A dead process leaves none, so its restart waits for nothing.
        """
        if not is_dead:
            await self._gather()
        identity, desk = self._control.identity, self._around.desk
        with desk.restarting():
            if is_dead:
                collect = partial(self._collect, identity, None)
                self._start(desk.gather_later(self.service.name, collect))
            self.post(await self._control.restart())

    async def _gather(self) -> None:
        """Gather the evidence of the present run."""
        collect = partial(self._collect, self._control.identity, self._control.main_pid)
        await self._around.desk.gather(self.service.name, collect)

    def _is_news(self) -> bool:
        """Tell whether this is the first trouble of the present run: one look at it is enough."""
        looked_at, self._looked_at = self._looked_at, self._control.identity or None
        return self._looked_at is None or self._looked_at != looked_at

    def _was_restarted(self) -> bool:
        """Tell whether the restart under way when the daemon died has been issued."""
        before = self._left.restart_identity if self._left is not None else None
        return before is None or self._control.identity not in {before, ""}


_SLACK = 10.0  # seconds a worker may be late before it counts as stuck
