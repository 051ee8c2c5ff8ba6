"""A worker's life recorded and played again: with the same policy the same comes out.

The lives are those of real workers on a driven clock, with what happens to them chosen at random.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock import FakeClock
from tests.unit.core.test_properties import policies
from tests.unit.doubles import ListStore, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.core.comparing import of_deeds, of_records
from watchdog.core.history import Record, aligned
from watchdog.core.model import (
    Acknowledged,
    Alert,
    Crashed,
    Leased,
    Now,
    Observation,
    Paused,
    Released,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silenced,
    Unsilenced,
    Verdict,
)
from watchdog.core.replay import replayed
from watchdog.core.routing import Subscription
from watchdog.core.service import Policy, Service, UnitControl
from watchdog.evidence.desk import Desk
from watchdog.ports import Change, Left
from watchdog.rounds import Round
from watchdog.store.history import pack, unpack
from watchdog.store.rebase import rebased
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

UP = Observation(Verdict.PASS, "unit", "active")
SICK = Observation(Verdict.FAIL, "http", "/health answered 500")
DEAD = Observation(Verdict.FAIL, "unit", "killed by SIGKILL", dead=True)
STRANGER = Observation(Verdict.FAIL, "port", "held by nginx", curable=False)
HOLD = Observation(Verdict.HOLD, "unit", "starting")
UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd")

ANSWERS = (UP, UP, UP, SICK, SICK, DEAD, DEAD, STRANGER, HOLD, UNKNOWN)


@dataclass
class Control(ScriptedControl):
    """A service whose restarts take their time, and end as they are told to."""

    clock: FakeClock = field(default_factory=FakeClock)
    takes: float = 0.0
    hangs: float = 0.0  # seconds that a round takes

    async def observe(self, now: Now) -> Observation:
        answer = self.answer
        if self.hangs:
            await self.clock.sleep_until(self.clock.mono + self.hangs)
        return answer

    async def restart(self) -> RestartFinished:
        began = self.clock.mono
        await self.clock.sleep_until(began + self.takes)
        end = await super().restart()
        return replace(end, duration=self.clock.mono - began)


@dataclass
class Host:
    """A host on which a daemon watches one service, and may be killed."""

    policy: Policy
    clock: FakeClock = field(default_factory=FakeClock)
    store: ListStore = field(default_factory=ListStore)
    chapters: list[tuple[str, list[Record]]] = field(default_factory=list)
    boot: str = "boot 1"
    worker: Worker | None = None
    task: asyncio.Task[None] | None = None
    first: int = 0  # of the changes that this worker has committed

    def __post_init__(self) -> None:
        self.control = Control(clock=self.clock, heals=False)

    async def start(self) -> None:
        left = None
        if self.store.changes:
            last = self.store.changes[-1]
            state = last.state
            if self.chapters[-1][0] != self.boot:
                state = rebased(state, last.now, self.clock.now())
            under_way = None
            for change in self.store.changes:
                under_way = None if change.finished is not None else under_way
                under_way = change.identity if change.restart is not None else under_way
            left = Left(state, under_way)
        service = Service("api", UnitControl("api.service"), policy=self.policy)
        rounds = Round(self.control, [], self.policy.start_timeout, self.clock)
        around = Surroundings(
            self.clock, self.store, Desk(self.store), AddressBook([Subscription("slack")])
        )
        self.worker = Worker(service, self.control, rounds, around, left=left, offset=0.25)
        self.task = asyncio.ensure_future(self.worker.run())
        self.first = len(self.store.changes)
        await self.clock.settle()

    async def stop(self, *, killed: bool) -> None:
        assert self.task is not None
        assert self.worker is not None
        if self.worker._in_round:
            # How long a round takes is known once one has taken so long.
            await self.clock.advance(self.control.hangs)
        committed = len(self.store.changes)
        self.task.cancel()
        await asyncio.wait([self.task])
        if killed:  # what a daemon does when it is asked to stop, a killed one does not
            del self.store.changes[committed:]
        history = [
            record for change in self.store.changes[self.first :] for record in change.history
        ]
        self.chapters.append((self.boot, list(unpack(pack(history)))))

    def reboot(self) -> None:
        self.boot = f"boot {len(self.chapters) + 1}"
        self.clock.wall += 60.0
        shift = self.clock.mono - 20.0
        self.clock.mono -= shift

    async def happen(self, what: Any) -> None:
        assert self.worker is not None
        match what:
            case "stop" | "kill" | "reboot":
                await self.stop(killed=what != "stop")
                if what == "reboot":
                    self.reboot()
                await self.start()
            case "check":
                asked = asyncio.ensure_future(self.worker.fresh())
                await self.clock.settle()
                asked.cancel()
            case ("clock", seconds):
                self.clock.wall += seconds
            case ("pause", seconds):
                self.worker.post(Paused(self.clock.mono + seconds, "kim", "deploy"))
            case ("lease", name, seconds):
                self.worker.post(Leased(name, self.clock.mono + seconds, "lee"))
            case ("acknowledge", of_this_one):
                incident = self.worker.state.incident
                which = incident.id if incident is not None and of_this_one else ""
                self.worker.post(Acknowledged("kim", incident=which))
            case ("silence", seconds):
                self.worker.post(Silenced(self.clock.mono + seconds, "kim", "known"))
            case (str(), *_):
                self.become(what)
            case event:
                self.worker.post(event)
        await self.clock.settle()

    def become(self, what: tuple[Any, ...]) -> None:
        control = self.control
        match what:
            case ("signal", answer):
                control.become(answer)
            case ("silently", answer):
                control.answer = answer
            case ("hangs", seconds):
                control.hangs = seconds
            case ("ends", outcome, takes, heals):
                control.outcome, control.takes, control.heals = outcome, takes, heals


happenings = st.one_of(
    st.tuples(st.just("signal"), st.sampled_from(ANSWERS)),
    st.tuples(st.just("silently"), st.sampled_from(ANSWERS)),
    st.tuples(
        st.just("ends"),
        st.sampled_from(RestartOutcome),
        st.sampled_from([0.0, 0.25, 3.0, 40.0]),
        st.booleans(),
    ),
    st.tuples(st.just("hangs"), st.sampled_from([0.0, 5.0])),
    st.tuples(st.sampled_from(["pause", "silence"]), st.sampled_from([10.0, 600.0])),
    st.tuples(st.just("lease"), st.sampled_from(["d1", "d2"]), st.sampled_from([5.0, 600.0])),
    st.tuples(st.just("acknowledge"), st.booleans()),
    st.tuples(st.just("clock"), st.sampled_from([3600.0, -3600.0])),
    st.sampled_from(["stop", "kill", "reboot", "check", "check"]),
    st.sampled_from([Resumed("kim"), Unsilenced("kim"), RestartRequested("kim")]),
    st.just(Released("d1", "done")),
    st.builds(Crashed, st.integers(1, 3), st.just("SEGV")),
)
pauses = st.sampled_from([0.0, 0.1, 1.0, 2.0, 7.5, 30.0, 31.0, 300.0])
lives = st.lists(st.tuples(pauses, happenings), max_size=12)


async def live(policy: Policy, life: Sequence[tuple[float, Any]]) -> Host:
    host = Host(policy)
    await host.start()
    for pause, what in life:
        await host.clock.advance(pause)
        await host.happen(what)
    await host.clock.advance(400)
    await host.stop(killed=False)
    return host


def done(changes: Sequence[Change]) -> list[tuple[float, str]]:
    """Return what was done in fact: when, and what."""
    found = []
    for change in changes:
        alerts = [addressed.alert for addressed in change.alerts]
        found += [(change.now.wall, f"{alert.kind} {alert.incident}") for alert in alerts]
        if change.restart is not None:
            found.append((change.now.wall, f"restart {change.restart.number}"))
    return found


def check(policy: Policy, life: Sequence[tuple[float, Any]]) -> Host:
    host = asyncio.run(live(policy, life))
    records = aligned(host.chapters)
    deeds = replayed("api", records, policy)
    played = []
    for deed in deeds:
        match deed.effect:
            case Alert():
                played.append((deed.now.wall, f"{deed.effect.kind} {deed.effect.incident}"))
            case Restart():
                played.append((deed.now.wall, f"restart {deed.effect.number}"))
    assert played == done(host.store.changes)
    assert of_deeds(deeds, 0) == of_records(records, 0)
    assert replayed("api", records, policy) == deeds, "the same every time"
    return host


# Paces at which rounds come as they do on a host: a life of them is over in milliseconds.
sensible = st.builds(
    replace,
    policies,
    interval=st.sampled_from([5.0, 30.0, 60.0]),
    fast_interval=st.sampled_from([1.0, 2.0, 10.0]),
    recovery_interval=st.sampled_from([0.5, 1.0, 5.0]),
    restart_window=st.sampled_from([60.0, 1800.0]),
    retry_every=st.sampled_from([60.0, 900.0]),
    backoff_first=st.sampled_from([0.0, 5.0, 60.0]),
    backoff_max=st.sampled_from([60.0, 600.0]),
    stable_after=st.sampled_from([0.0, 10.0, 300.0]),
    crash_quiet=st.sampled_from([0.0, 60.0]),
    crash_window=st.sampled_from([60.0, 300.0]),
    remind_after=st.sampled_from([0.0, 60.0, 3600.0]),
)


@given(sensible, lives)
def test_the_same_policy_does_the_same_again(policy: Policy, life: Sequence[Any]) -> None:
    check(policy, life)


@given(lives)
def test_the_default_policy_does_the_same_again(life: Sequence[Any]) -> None:
    check(Policy(), life)
