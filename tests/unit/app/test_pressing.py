"""The calls by which people act, from a terminal or by a button under one incident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from tests.unit.clock import FakeClock
from tests.unit.doubles import ListStore, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.app.api import Api
from watchdog.app.buttons import Buttons
from watchdog.app.services import Parts, Services
from watchdog.core.model import Incident, NoteKind, Observation, Phase, State, Verdict
from watchdog.core.routing import Subscription
from watchdog.core.service import Policy, Service, UnitControl
from watchdog.errors import WatchdogError
from watchdog.evidence.desk import Desk
from watchdog.rounds import Question
from watchdog.store.durable import DurableStore
from watchdog.store.read import PastIncident
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

BAD = Observation(Verdict.FAIL, "http", "/health answered 500")
GOOD = Observation(Verdict.PASS, "http", "200")
TOLD_AT_ONCE = Policy(max_failures=1, restart_after={"http": 0})


@dataclass
class Bench:
    """The calls over one service with an incident; stands in for the engine."""

    clock: FakeClock = field(default_factory=FakeClock)
    list_store: ListStore = field(default_factory=ListStore)
    control: ScriptedControl = field(default_factory=ScriptedControl)
    health: Observation = BAD
    past: dict[str, PastIncident] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # rounds end when it is set
    applied: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.applied.set()

    async def ask(self) -> Observation:
        await self.gate.wait()
        return self.health

    async def collect(self, _run: str, _pid: int | None) -> Sequence[str]:
        return ()

    async def incident(self, incident_id: str) -> PastIncident | None:
        return self.past.get(incident_id)

    @property
    def workers(self) -> dict[str, Worker]:
        return self.services.workers

    @property
    def worker(self) -> Worker:
        return self.workers["api"]

    @property
    def state(self) -> State:
        return self.worker.state

    @property
    def open(self) -> Incident:
        assert self.state.incident is not None
        return self.state.incident

    @property
    def timeline(self) -> list[tuple[NoteKind, str, str]]:
        return [
            (note.kind, note.text, note.incident)
            for change in self.list_store.changes
            for note in change.notes
        ]

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Api]:
        store = self.list_store
        around = Surroundings(self.clock, store, Desk(store), AddressBook([Subscription("slack")]))
        question = Question("http", self.ask, 5.0)
        service = Service("api", UnitControl("api.service"), policy=TOLD_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            self.services = Services(
                lambda _: Parts(self.control, [question], self.collect), around, tasks
            )
            await self.services.apply([service])
            await self.clock.settle()
            yield Api(cast("Any", self))
            await self.services.apply([])


async def test_an_incident_is_acknowledged_by_name() -> None:
    bench = Bench()
    async with bench.watching() as api:
        answer = await api.acknowledge({"name": "api", "reason": "on it"}, "kim")
        assert answer["incident"]["acknowledged"] == ["kim"]
        assert bench.timeline[-1] == (NoteKind.ACKNOWLEDGED, "by kim: on it", bench.open.id)


async def test_without_an_incident_there_is_nothing_to_acknowledge() -> None:
    bench = Bench(health=GOOD)
    async with bench.watching() as api:
        with pytest.raises(WatchdogError, match="cannot acknowledge api: it has no open incident"):
            await api.acknowledge({"name": "api"}, "kim")


@pytest.mark.parametrize(
    ("call", "more"),
    [
        ("ack", {}),
        ("restart", {}),
        ("pause", {"seconds": 60}),
        ("silence", {"seconds": 60}),
    ],
)
async def test_what_is_asked_of_an_incident_that_is_over_is_refused_and_not_done(
    call: str, more: dict[str, Any]
) -> None:
    bench = Bench()
    async with bench.watching() as api:
        before = bench.state
        with pytest.raises(WatchdogError, match=r"api: incident of-old is over") as caught:
            await api.calls()[call]({"name": "api", "incident": "of-old", **more}, "kim")
        assert getattr(caught.value, "code", None) == 1
        assert bench.state == before
        assert bench.control.restarts == 0


async def test_an_incident_that_ends_while_its_button_is_pressed_is_over() -> None:
    bench = Bench()
    async with bench.watching() as api:
        arguments = {"name": "api", "incident": bench.open.id}
        bench.health = GOOD
        bench.worker.wake()
        await bench.clock.settle()
        bench.gate.clear()
        bench.worker.wake()
        await bench.clock.settle()  # the round that proves health is under way
        restarting = asyncio.create_task(cast("Any", api.restart(arguments, "kim")))
        await bench.clock.settle()
        assert not restarting.done()
        bench.gate.set()
        with pytest.raises(WatchdogError, match="is over"):
            await restarting
        assert bench.state.phase is Phase.HEALTHY
        assert bench.control.restarts == 0


async def test_a_restart_asked_for_under_an_incident_is_made_once_until_health_is_proven() -> None:
    bench = Bench()
    async with bench.watching() as api:
        arguments = {"name": "api", "incident": bench.open.id}
        restarting = asyncio.create_task(cast("Any", api.restart(arguments, "kim")))
        await bench.clock.settle()
        assert bench.state.phase is Phase.RECOVERING
        with pytest.raises(WatchdogError, match="a restart is under way already") as caught:
            await api.restart(arguments, "lee")
        assert getattr(caught.value, "code", None) == 4
        bench.health = GOOD
        await bench.clock.advance(2)
        assert (await restarting)["phase"] == "healthy"
        assert bench.control.restarts == 1


async def test_a_press_in_vain_is_noted_under_its_incident_open_or_over() -> None:
    bench = Bench()
    async with bench.watching() as api:
        buttons = Buttons(
            api,
            bench.workers.get,
            cast("DurableStore", bench),
            cast("Any", bench.clock),
            cast("asyncio.TaskGroup", None),
        )
        await buttons._note("api", bench.open.id, "refused")
        assert bench.timeline[-1] == (NoteKind.PRESSED, "refused", bench.open.id)
        bench.past["of-old"] = PastIncident("of-old", "api", 0.0, 1.0, "http", "500")
        await buttons._note("api", "of-old", "too late")
        assert bench.timeline[-1] == (NoteKind.PRESSED, "too late", "of-old")
        count = len(bench.timeline)
        bench.past["elsewhere"] = PastIncident("elsewhere", "web", 0.0, 1.0, "http", "500")
        for service, incident in (("api", "elsewhere"), ("api", "nosuch"), ("gone", "of-old")):
            await buttons._note(service, incident, "forged")
        assert len(bench.timeline) == count
