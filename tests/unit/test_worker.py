"""A worker over scripted services: what it sees, decides, commits and does, on a driven clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.unit.clock import FakeClock, skip
from tests.unit.doubles import DEAD, UP, ListStore, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.core.history import MOST, Again, Ended, Turn, Watching
from watchdog.core.model import (
    AlertKind,
    Crashed,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    RestartOutcome,
    RestartRequested,
    Resumed,
    State,
    Verdict,
)
from watchdog.core.routing import Subscription
from watchdog.core.service import (
    CommandControl,
    Policy,
    Service,
    UnitControl,
)
from watchdog.core.standing import Reading
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.errors import WatchdogError
from watchdog.evidence.desk import PATIENCE, Desk
from watchdog.gauging import Gauge, Gauging
from watchdog.ports import Left
from watchdog.rounds import Question, Round
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd")
HELD = Observation(Verdict.HOLD, "unit", "starting", until=None)


@dataclass
class Bench:
    """A worker with everything around it scripted."""

    policy: Policy = field(default_factory=Policy)
    control: ScriptedControl = field(default_factory=ScriptedControl)
    store: ListStore = field(default_factory=ListStore)
    clock: FakeClock = field(default_factory=FakeClock)
    ask_now: Callable[[], Awaitable[Observation]] | None = None  # in place of `health`
    health: Observation = field(default_factory=lambda: Observation(Verdict.PASS, "http", "200"))
    left: Left | None = None
    needed: Sequence[str] = ()
    collected: list[tuple[str, int | None]] = field(default_factory=list)
    name: str = "api"
    own: UnitControl | CommandControl = field(default_factory=lambda: UnitControl("api.service"))
    around: Surroundings | None = None
    gauges: Sequence[Gauge] = ()

    def build(self) -> Worker:
        service = Service(self.name, self.own, policy=self.policy)
        rounds = Round(
            self.control, [Question("http", self.ask, 5.0)], self.policy.start_timeout, self.clock
        )
        if self.around is None:
            book = AddressBook([Subscription("slack")])
            self.around = Surroundings(self.clock, self.store, Desk(self.store), book)
        worker = Worker(
            service,
            self.control,
            rounds,
            self.around,
            left=self.left,
            needed=self.needed,
            gauging=Gauging(self.gauges, self.control, self.clock, 300.0),
            collect=self.collect,
        )
        self.around.workers = {**self.around.workers, self.name: worker}
        return worker

    async def ask(self) -> Observation:
        return self.health if self.ask_now is None else await self.ask_now()

    async def collect(self, run: str, pid: int | None) -> Sequence[str]:
        self.collected.append((run, pid))
        return [f"the last words of {run}"]

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Worker]:
        worker = self.build()
        task = asyncio.ensure_future(worker.run())
        await self.clock.settle()
        try:
            yield worker
        finally:
            task.cancel()
            await asyncio.wait([task])


class HangingControl(ScriptedControl):
    """Its status command does not end."""

    async def observe(self, now: Now) -> Observation:
        await asyncio.Event().wait()
        raise AssertionError


def phase_of(worker: Worker) -> Phase:
    return worker.state.phase


async def test_the_first_round_is_held_at_once_and_then_every_interval() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        assert phase_of(worker) is Phase.HEALTHY
        due = worker.next_round
        assert due is not None
        assert 0 < due - bench.clock.mono <= 30
        assert len(bench.store.changes) == 1  # pending -> healthy, and then quiet
        await bench.clock.advance(300)
        assert len(bench.store.changes) == 1


async def test_the_rounds_of_a_calm_service_are_written_down_in_one_when_the_watch_ends() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        await bench.clock.advance(3600)
        await worker.fresh()
        assert len(bench.store.changes) == 1
    _, last = bench.store.changes
    again, ended = last.history
    assert isinstance(again, Again)
    assert again.count == 120 + 1
    assert ended == Ended(bench.clock.now())
    assert last.state == worker.state


async def test_a_watch_that_goes_on_is_written_down_at_its_first_round_and_then_never() -> None:
    calm = State("api", Phase.HEALTHY, passes=2, healthy_since=900.0)
    bench = Bench(left=Left(calm))
    async with bench.watching():
        await bench.clock.advance(3600)
        [begun] = bench.store.changes
    assert [type(record) for record in begun.history] == [Watching, Turn, Turn]
    assert begun.history[0] == Watching(Now(1000.0, bench.clock.wall - 3600), calm)


async def test_what_alternates_without_end_is_written_down_now_and_then() -> None:
    bench = Bench()
    async with bench.watching():
        before = len(bench.store.changes)
        for answer in [UNKNOWN, UP] * MOST:
            bench.control.answer = answer
            await bench.clock.advance(30)
        written = bench.store.changes[before:]
        assert [len(change.history) for change in written] == [MOST, MOST]
        assert all(change.state == written[0].state for change in written)


async def test_a_watch_that_ends_before_its_first_round_leaves_nothing() -> None:
    bench = Bench(control=HangingControl())
    async with bench.watching():
        pass
    assert bench.store.changes == []


async def test_a_killed_service_is_restarted_at_the_signal_and_nobody_is_told() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        bench.control.become(DEAD)
        await bench.clock.settle()
        assert bench.control.restarts == 1
        assert phase_of(worker) is Phase.RECOVERING
        await bench.clock.advance(2)
        assert phase_of(worker) is Phase.HEALTHY
        assert worker.state.failures == 0
        assert bench.store.alerts == []
        assert NoteKind.HEALED in bench.store.notes


async def test_the_restart_is_committed_with_its_run_before_it_is_issued() -> None:
    bench = Bench()
    async with bench.watching():
        bench.control.gate.clear()
        bench.control.become(DEAD)
        await bench.clock.settle()
        change = bench.store.changes[-1]
        assert change.restart is not None
        assert change.identity == "run 1"
        assert change.state.phase is Phase.RESTARTING


async def test_evidence_of_a_live_process_is_gathered_before_the_restart() -> None:
    bench = Bench(policy=Policy(max_failures=1, restart_after={"http": 1}))
    async with bench.watching():
        bench.health = Observation(Verdict.FAIL, "http", "/health answered 500")
        bench.control.gate.clear()
        await bench.clock.advance(31)
        assert bench.control.begun.is_set()
        assert bench.collected == [("run 1", 4711)]
        incident = bench.store.alerts[0].incident
        assert bench.store.filed[incident] == ["the last words of run 1"]


async def test_evidence_of_a_dead_process_is_gathered_while_its_restart_takes_long() -> None:
    bench = Bench(policy=Policy(max_failures=1))
    async with bench.watching() as worker:
        bench.control.gate.clear()
        bench.control.become(DEAD)
        await bench.clock.settle()
        incident = bench.store.alerts[0].incident
        assert bench.around is not None
        await skip(PATIENCE)
        await asyncio.wait_for(bench.around.desk.ready(incident), 10)
        assert phase_of(worker) is Phase.RESTARTING
        assert bench.collected == [("run 1", None)]


async def test_what_cannot_be_judged_is_known_until_it_can_be() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        assert bench.around is not None
        sight = bench.around.sight
        bench.control.become(Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd"))
        await bench.clock.settle()
        assert list(sight.blind) == ["api"]
        worker.post(Paused(bench.clock.mono + 600, "kim", "moving"))
        await bench.clock.advance(31)
        assert list(sight.blind) == ["api"], "nothing new is known"
        bench.control.become(Observation(Verdict.PASS, "unit", "active"))
        worker.post(Resumed("kim"))
        await bench.clock.settle()
        assert list(sight.blind) == []
        worker.post(Paused(bench.clock.mono + 600, "kim", "moving"))
        bench.control.become(Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd"))
        await bench.clock.advance(31)
        assert list(sight.blind) == [], "nobody wants to know"


async def test_evidence_that_hangs_delays_a_restart_by_two_seconds_at_most() -> None:
    bench = Bench(policy=Policy(restart_after={"http": 1}))

    async def hang(_run: str, _pid: int | None) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    bench.collect = hang  # type: ignore[method-assign,assignment]
    async with bench.watching():
        bench.health = Observation(Verdict.FAIL, "http", "/health answered 500")
        await bench.clock.advance(31)
        await skip(1)
        assert not bench.control.begun.is_set()
        await skip(1)
        assert bench.control.begun.is_set()


async def test_three_failed_rounds_open_one_incident_and_health_proven_resolves_it() -> None:
    bench = Bench()
    bench.control.heals = False
    async with bench.watching() as worker:
        bench.health = Observation(Verdict.FAIL, "http", "/health answered 500")
        await bench.clock.advance(40)
        assert bench.store.kinds == [AlertKind.FIRING]
        assert bench.control.restarts == 1
        bench.health = Observation(Verdict.PASS, "http", "200")
        await bench.clock.advance(10)
        assert phase_of(worker) is Phase.HEALTHY
        assert bench.store.kinds == [AlertKind.FIRING, AlertKind.RESOLVED]
        firing, resolved = bench.store.alerts
        assert firing.incident == resolved.incident


async def test_signals_of_our_own_restart_cause_no_round() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        bench.control.gate.clear()
        bench.control.become(DEAD)
        await bench.clock.settle()
        bench.control.become(HELD)
        bench.control.become(DEAD)
        await bench.clock.advance(60)
        assert phase_of(worker) is Phase.RESTARTING
        assert worker.state.failures == 1
        assert bench.control.restarts == 1
        bench.control.gate.set()
        await bench.clock.advance(2)
        assert phase_of(worker) is Phase.HEALTHY


async def test_a_signal_gives_up_the_probe_in_flight() -> None:
    bench = Bench()
    hanging = asyncio.Event()

    async def hang() -> Observation:
        hanging.set()
        await asyncio.Event().wait()
        return bench.health

    bench.ask = hang  # type: ignore[method-assign]
    async with bench.watching():
        assert hanging.is_set()
        bench.control.become(DEAD)
        await bench.clock.settle()
        assert bench.control.restarts == 1


async def test_a_held_service_is_left_alone() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        bench.control.become(Observation(Verdict.HOLD, "unit", "stopped by an operator"))
        await bench.clock.advance(100)
        assert phase_of(worker) is Phase.HELD
        assert bench.control.restarts == 0
        assert bench.store.alerts == []


async def test_a_restart_that_was_never_issued_is_issued_once_the_daemon_is_back() -> None:
    state = State("api", Phase.RESTARTING, restarts=(990.0,), attempts=1, failures=1, cause=DEAD)
    bench = Bench(left=Left(state, restart_identity="run 1"))
    bench.control.answer = DEAD
    async with bench.watching() as worker:
        assert bench.control.restarts == 1
        assert worker.state.restarts == (990.0,)


async def test_a_restart_that_was_issued_is_not_issued_again_after_a_kill_of_the_daemon() -> None:
    state = State("api", Phase.RESTARTING, restarts=(990.0,), attempts=1, failures=1, cause=DEAD)
    bench = Bench(left=Left(state, restart_identity="run 0"))
    async with bench.watching() as worker:
        await bench.clock.advance(2)
        assert bench.control.restarts == 0
        assert phase_of(worker) is Phase.HEALTHY


async def test_maintenance_keeps_quiet_and_ends_by_itself() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        worker.post(Paused(bench.clock.mono + 60, "kim", "deploy"))
        await bench.clock.settle()
        bench.control.become(DEAD)
        await bench.clock.advance(50)
        assert phase_of(worker) is Phase.MAINTENANCE
        assert bench.control.restarts == 0
        await bench.clock.advance(15)
        assert bench.control.restarts == 1


async def test_a_person_may_restart_and_the_ledger_knows_who() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        worker.post(RestartRequested("kim"))
        await bench.clock.advance(2)
        assert bench.control.restarts == 1
        restart = next(change.restart for change in bench.store.changes if change.restart)
        assert restart.wanted_by == "kim"
        assert worker.state.restarts == ()


async def test_crashes_that_systemd_mends_become_an_incident_when_they_loop() -> None:
    bench = Bench()
    async with bench.watching():
        for _ in range(3):
            bench.control.crashed(Crashed(1, "killed by SIGSEGV"))
            await bench.clock.advance(5)
        assert bench.store.kinds == [AlertKind.FIRING]
        assert bench.control.restarts == 0
        await bench.clock.advance(120)
        assert bench.store.kinds == [AlertKind.FIRING, AlertKind.RESOLVED]


async def test_what_a_restart_or_a_crash_quotes_is_redacted_before_it_is_written_down() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        worker.post(Crashed(1, "api.service said token=canary-4711"))
        await bench.clock.settle()
    assert "canary" not in repr(bench.store.changes)
    assert "token=[redacted]" in repr(bench.store.changes)


async def test_a_failed_restart_is_tried_again_with_growing_pauses_and_then_given_up() -> None:
    bench = Bench(policy=Policy(retry_every=900))
    bench.control.outcome = RestartOutcome.FAILED
    async with bench.watching() as worker:
        bench.control.become(DEAD)
        await bench.clock.advance(300)
        assert bench.control.restarts == 5
        assert phase_of(worker) is Phase.GAVE_UP
        assert bench.store.kinds == [AlertKind.FIRING, AlertKind.GAVE_UP]
        bench.control.outcome = RestartOutcome.DONE
        await bench.clock.advance(900)
        assert bench.control.restarts == 6
        assert bench.store.kinds[-1] is AlertKind.RESOLVED


async def test_a_proxy_that_fails_because_its_backend_fails_is_held() -> None:
    backend = Bench(name="backend")
    async with backend.watching():
        proxy = Bench(
            name="proxy",
            clock=backend.clock,
            store=backend.store,
            around=backend.around,
            needed=("backend",),
        )
        async with proxy.watching() as worker:
            backend.health = Observation(Verdict.FAIL, "http", "no answer within 5 s")
            proxy.health = Observation(Verdict.FAIL, "http", "/ answered 502")
            await backend.clock.advance(120)
            assert phase_of(worker) in {Phase.HELD, Phase.HEALTHY}
            assert worker.state.failures == 0
            assert {alert.service for alert in backend.store.alerts} == {"backend"}


async def test_a_check_asked_for_by_a_person_is_a_round_now() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        bench.health = Observation(Verdict.FAIL, "http", "/health answered 500")
        await worker.fresh()
        assert worker.seen is not None
        assert worker.seen.verdict is Verdict.FAIL


async def test_an_order_given_during_a_round_is_carried_out_before_it_is_answered() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        asked, answered = asyncio.Event(), asyncio.Event()

        async def slow() -> Observation:
            asked.set()
            await answered.wait()
            return Observation(Verdict.PASS, "http", "200")

        bench.ask_now = slow
        worker.wake()
        await asked.wait()
        order = asyncio.ensure_future(worker.tell(Paused(bench.clock.mono + 60, "kim", "deploy")))
        await bench.clock.settle()
        assert not order.done()
        answered.set()
        await order
        assert phase_of(worker) is Phase.MAINTENANCE


async def test_who_asks_a_worker_that_ends_is_answered() -> None:
    """A reload may put another in its place at any time."""
    bench = Bench()
    async with bench.watching() as worker:

        async def hang() -> Observation:
            await asyncio.Event().wait()
            raise AssertionError

        bench.ask_now = hang
        asking = asyncio.gather(worker.fresh(), worker.tell(RestartRequested("kim")))
        await bench.clock.settle()
        assert not asking.done()
    await asking
    await worker.fresh()


async def test_a_worker_that_should_have_moved_counts_as_stuck() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        due = worker.next_round
        assert due is not None
        assert not worker.is_stuck(due + 5)
        assert worker.is_stuck(due + 60)


async def test_an_order_that_a_reload_has_overtaken_is_not_answered_as_if_done() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        pass
    with pytest.raises(WatchdogError, match="try again"):
        await worker.tell(Paused(bench.clock.mono + 60, "kim", "deploy"))


async def test_who_has_ended_or_asks_a_slow_command_is_not_stuck() -> None:
    bench = Bench(control=HangingControl(), own=CommandControl(("a",), ("b",), ("c",), 120.0))
    async with bench.watching() as worker:
        assert not worker.is_stuck(bench.clock.mono + 120)
        assert worker.is_stuck(bench.clock.mono + 600)
    assert not worker.is_stuck(bench.clock.mono + 600)


async def test_a_round_that_outlasts_its_pace_is_followed_at_once_and_not_late() -> None:
    bench = Bench(policy=Policy(fast_interval=2, restart_after={"http": 0}))

    async def hang() -> Observation:
        await asyncio.Event().wait()
        return bench.health

    async with bench.watching() as worker:
        bench.ask_now = hang  # each round now takes 5 s
        await bench.clock.advance(60)
        assert bench.around is not None
        assert max(bench.around.late) < 0.01
        assert worker.state.failures >= 3


async def test_evidence_is_forgotten_when_an_incident_closes_in_health_that_lasts() -> None:
    bench = Bench(policy=Policy(max_failures=1, restart_after={"http": 0}, flap_window=60))
    good, bad = bench.health, Observation(Verdict.FAIL, "http", "/health answered 500")
    async with bench.watching():
        for _ in range(2):  # the second incident stays open until health has lasted
            bench.health = bad
            await bench.clock.advance(31)
            bench.health = good
            await bench.clock.advance(10)
        await bench.clock.advance(120)
        assert bench.store.kinds.count(AlertKind.RESOLVED) == 2
        collected = len(bench.collected)
        bench.health = bad
        await bench.clock.advance(31)
        assert len(bench.collected) == collected + 1


async def test_what_is_measured_is_told_through_the_worker_and_committed_once() -> None:
    bench = Bench()
    told = Circumstance(CircumstanceKind.MEMORY, value=950.0, limit=1000.0)
    bench.gauges = [lambda _wall: [Reading(told, 95.0)]]
    async with bench.watching() as worker:
        await bench.clock.advance(290)
        assert bench.store.alerts == []
        await bench.clock.advance(1000)
        [alert] = bench.store.alerts
        assert alert.kind is AlertKind.WARNING
        assert bench.store.notes.count(NoteKind.WARNED) == 1
        assert bench.store.changes[-1].state == worker.state


async def test_how_long_a_start_took_is_kept_though_nothing_is_told_of_it() -> None:
    bench = Bench()
    async with bench.watching() as worker:
        bench.control.become(DEAD)
        with capture_logs() as logs:
            await bench.clock.advance(30)
        assert len(worker.state.starts) == 1
        kept = [change.state.starts for change in bench.store.changes]
        assert worker.state.starts in kept
    assert [line["was"] for line in logs if line.get("service")], "what is said says what changed"
