"""A reload swaps what has changed; what stays must fit what has come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.unit.clock import FakeClock
from tests.unit.doubles import ListStore, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.app.services import Parts, Services
from watchdog.core.model import (
    AlertKind,
    Observation,
    State,
    Verdict,
)
from watchdog.core.routing import Subscription
from watchdog.core.service import (
    Policy,
    Service,
    UnitControl,
)
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.core.warning import HOST
from watchdog.evidence.desk import Desk
from watchdog.ports import Left
from watchdog.rounds import Question
from watchdog.surroundings import Surroundings

BAD = Observation(Verdict.FAIL, "http", "/ answered 502")


async def _ask() -> Observation:
    return BAD


async def _collect(_run: str, _pid: int | None) -> Sequence[str]:
    return ()


def _parts(_service: Service) -> Parts:
    return Parts(ScriptedControl(), [Question("http", _ask, 5.0)], _collect)


def _service(name: str, *needs: str) -> Service:
    return Service(name, UnitControl(f"{name}.service"), depends_on=needs)


async def test_who_stays_forgets_what_it_needed_through_others() -> None:
    clock, store = FakeClock(), ListStore()
    around = Surroundings(clock, store, Desk(store))
    async with asyncio.TaskGroup() as tasks:
        services = Services(_parts, around, tasks)
        await services.apply([_service("web", "app"), _service("app", "db"), _service("db")])
        await clock.settle()
        web = services.workers["web"]
        assert list(web.needed) == ["app", "db"]
        await services.apply([_service("web", "app"), _service("app")])
        assert services.workers["web"] is web
        assert list(web.needed) == ["app"]
        await clock.advance(60)
        assert not web.ended
        await services.apply([])


async def test_the_incident_of_a_service_that_is_taken_out_ends() -> None:
    clock, store = FakeClock(), ListStore()
    book = AddressBook([Subscription("slack")])
    around = Surroundings(clock, store, Desk(store), book)
    policy = Policy(max_failures=1, restart_after={"http": 0})
    web = Service("web", UnitControl("web.service"), policy=policy)
    async with asyncio.TaskGroup() as tasks:
        services = Services(_parts, around, tasks)
        await services.apply([web])
        await clock.settle()
        await services.apply([])
    assert store.kinds == [AlertKind.FIRING, AlertKind.RESOLVED]
    end = store.alerts[-1]
    assert end.measure == Measure(MeasureKind.NO_LONGER_WATCHED)
    assert end.incident == store.alerts[0].incident
    assert store.changes[-1].state == State("web")


async def test_the_warnings_of_a_service_that_is_taken_out_are_over() -> None:
    clock, store = FakeClock(), ListStore()
    book = AddressBook([Subscription("tickets", closes=True)])
    book.recall({"warn1": {"tickets"}})
    about = Circumstance(CircumstanceKind.MEMORY, value=95.0)
    warned = State("web", warnings=(StandingWarning("warn1", about, 0.0, 1, 1),))
    host = State(HOST, warnings=(StandingWarning("warn2", about, 0.0, 1, 1),))
    store.lefts = {"web": Left(warned), HOST: Left(host)}
    async with asyncio.TaskGroup() as tasks:
        services = Services(_parts, Surroundings(clock, store, Desk(store), book), tasks)
        await services.apply([_service("other")])
        await services.apply([])
    assert [(end.kind, end.incident) for end in store.alerts] == [
        (AlertKind.WARNING_OVER, "warn1")
    ], "and those of the host are not of any service"
    assert store.changes[0].state == State("web")
    assert store.changes[0].history == (), "which has a word for the end of an incident alone"


async def test_a_start_that_goes_on_says_so_at_each_service() -> None:
    clock, store = FakeClock(), ListStore()
    around = Surroundings(clock, store, Desk(store))
    progress: list[int] = []
    async with asyncio.TaskGroup() as tasks:
        services = Services(_parts, around, tasks)
        await services.apply([_service("web"), _service("app")])
        judging = tasks.create_task(services.first_rounds(lambda: progress.append(1)))
        await clock.settle()
        assert judging.done()
        assert len(progress) == 2
        await services.apply([])
