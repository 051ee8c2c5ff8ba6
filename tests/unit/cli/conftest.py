from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.unit.clock import FakeClock
from tests.unit.doubles import DEAD, ListStore, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.core.model import Observation, RestartOutcome, RestartRequested, Silenced, Verdict
from watchdog.core.routing import Subscription
from watchdog.core.service import Policy, Service, UnitControl
from watchdog.evidence.desk import Desk
from watchdog.ports import Receipt
from watchdog.rounds import Question, Round
from watchdog.store import DurableStore, SqliteStore
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

DAY = 86400.0
SICK = Observation(Verdict.FAIL, "http", "/health answered 500")
WELL = Observation(Verdict.PASS, "http", "200")


class Place:
    """A daemon's directories, and a life of ten days in its database.

    The service ``api`` hangs on the second day: three failures, an incident, a restart that heals.
    On the fifth it dies and is restarted at once; two minutes later it dies again, and no restart
    helps for an hour, until somebody mends it. ``web`` is always well.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = directory / "state.db"
        self.config = directory / "config.toml"
        self.began = time.time() - 10 * DAY
        self.configure()

    def configure(self, policy: str = "", more: str = "") -> Path:
        self.config.write_text(
            f'[daemon]\nstate_dir = "{self.directory}"\nruntime_dir = "{self.directory}"\n'
            f'[defaults]\ninterval = "300s"\n{policy}\n'
            '[[service]]\nname = "api"\nunit = "api.service"\n'
            '[[service]]\nname = "web"\nunit = "web.service"\n' + more
        )
        self.config.chmod(0o600)
        return self.config

    async def live(self, policy: Policy | None = None) -> None:
        """Live, and write all of it down afterwards: a driven clock waits for no thread."""
        policy = policy or Policy(interval=300.0)
        clock, written = FakeClock(wall=self.began), ListStore()
        around = Surroundings(
            clock,
            written,
            Desk(written),
            AddressBook([Subscription("slack"), Subscription("email:ann")]),
        )
        lives = {name: Life(name, policy, around) for name in ("api", "web")}
        tasks = [asyncio.ensure_future(life.worker.run()) for life in lives.values()]
        api = lives["api"]
        await clock.settle()
        await clock.advance(DAY)
        api.control.heals = False
        api.health = SICK
        await clock.advance(310)
        api.health = WELL
        await clock.advance(3 * DAY)
        api.control.heals = True
        api.control.become(DEAD)
        await clock.advance(120)
        api.control.outcome = RestartOutcome.FAILED
        api.control.become(DEAD)
        await clock.advance(600)
        api.worker.post(Silenced(clock.mono + 1200, "kim", "known, ticket 4711"))
        await clock.advance(3000)
        api.control.outcome = RestartOutcome.DONE
        api.worker.post(RestartRequested("kim"))
        await clock.advance(self.began + 10 * DAY - clock.wall)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self.write(written)

    async def write(self, written: ListStore) -> None:
        sqlite = SqliteStore(self.database, boot_id="boot 1", ballast_size=4096)
        async with DurableStore(sqlite) as store:
            for change in written.changes:
                await store.commit(change)
            for incident, lines in written.filed.items():
                await store.save_evidence(incident, lines)
            for destination in ("slack", "email:ann"):
                while due := await store.due(destination):
                    [delivery] = due
                    wall = delivery.alert.wall + 1
                    if destination == "slack":
                        await store.delivered(due, Receipt(), wall)
                    else:
                        await store.rejected(delivery, "550 no such user", wall)


class Life:
    """A service that is as well as it is told to be."""

    def __init__(self, name: str, policy: Policy, around: Surroundings) -> None:
        self.health = WELL
        self.control = ScriptedControl()
        self.worker = Worker(
            Service(name, UnitControl(f"{name}.service"), policy=policy),
            self.control,
            Round(self.control, [Question("http", self.ask, 5.0)], 30.0, around.clock),
            around,
            collect=self.collect,
        )

    async def ask(self) -> Observation:
        return self.health

    async def collect(self, _run: str, _pid: int | None) -> list[str]:
        return ["== journal, last lines ==", "the last words"]


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("place"))
    asyncio.run(place.live())
    return place
