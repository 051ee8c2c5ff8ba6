"""Weeks of a daemon's life on a clock by hand: real workers, relays and database, no host.

What happens is chosen by chance, from a seed. Each commit and each message is held against the
promises as it comes.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tests.unit.clock import FakeClock
from tests.unit.doubles import DEAD, UP, ScriptedControl
from watchdog.addressing import AddressBook
from watchdog.core.model import (
    Acknowledged,
    AlertKind,
    Crashed,
    Leased,
    Now,
    Observation,
    Paused,
    Phase,
    Released,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silenced,
    Unsilenced,
    Verdict,
)
from watchdog.core.routing import Subscription
from watchdog.core.service import Policy, Service, UnitControl
from watchdog.errors import StoreError, TemporaryDeliveryError
from watchdog.evidence.desk import Desk
from watchdog.ports import Change, Message, Receipt
from watchdog.relay import Pace, Relay
from watchdog.rounds import Round
from watchdog.store import DurableStore, SqliteStore, retention
from watchdog.surroundings import Surroundings
from watchdog.words.choosing import words_in
from watchdog.worker import Worker

HOUR = 3600.0
DAY = 24 * HOUR

PROGRAM = "webhook"
"""Told every alert by itself; the others what is still news."""

DESTINATIONS = ("slack", PROGRAM)
SICK = Observation(Verdict.FAIL, "http", "/health answered 500")
STRANGER = Observation(Verdict.FAIL, "port", "held by nginx.service", curable=False)
HOLD = Observation(Verdict.HOLD, "unit", "starting")
UNKNOWN = Observation(Verdict.UNKNOWN, "unit", "cannot ask systemd")
ANSWERS = (UP, UP, SICK, SICK, DEAD, DEAD, DEAD, STRANGER, HOLD, UNKNOWN)
MOODS = ("ok", "ok", "ok", "offline", "limited", "receipt lost")

FEW = {table: rows // 100 for table, rows in retention.MAX_ROWS.items()}
"""So many rows are kept here: weeks fill what takes others years."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OneThread(SqliteStore):
    """The store without a thread of its own, for the clock by hand knows of none."""

    is_dead = False

    async def prune_some(self, now: Now) -> bool:
        work = partial(retention.prune, wall=now.wall, max_rows=FEW, max_history=FEW["history"])
        return await self._call(self._database.write, work)

    async def close(self) -> None:
        self._database.close()

    async def _call(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self.is_dead:
            raise StoreError("cannot write: it was killed; nothing is left")
        return work(*args, **kwargs)


@dataclass
class Patient(ScriptedControl):
    """A service whose restarts take their time."""

    clock: FakeClock = field(default_factory=FakeClock)
    takes: float = 0.0

    async def restart(self) -> RestartFinished:
        await self.clock.sleep_until(self.clock.mono + self.takes)
        return await super().restart()


class Reader:
    """Somebody who is told, and knows what was told before; implements ports.Notifier."""

    def __init__(self, *, is_program: bool) -> None:
        self.mood = "ok"
        self.told: Counter[str] = Counter()
        self._is_program = is_program
        self._open: dict[str, str] = {}  # service -> incident
        self._known: deque[str] = deque(maxlen=64)

    async def prepare(self) -> None:
        pass

    async def send(self, message: Message, key: str) -> Receipt:
        match self.mood:
            case "offline":
                raise TemporaryDeliveryError("cannot reach Slack: no route to host")
            case "limited":
                raise TemporaryDeliveryError("cannot post: rate limited", 30.0)
        if key not in self._known:  # twice rather than never, and known by its key
            self._known.append(key)
            self._take(message)
        if self.mood == "receipt lost":
            raise TemporaryDeliveryError("the connection was lost")
        return Receipt()

    async def close(self) -> None:
        pass

    @property
    def knows_of(self) -> Sequence[str]:
        """Return the incidents that are open as far as the reader knows."""
        return list(self._open.values())

    def _take(self, message: Message) -> None:
        alert = message.alert
        self.told[alert.kind] += 1
        if not self._is_program:
            return  # of what began and ended meanwhile it was told nothing
        match alert.kind:
            case AlertKind.FIRING:
                assert alert.service not in self._open, "told twice that it fires"
                self._open[alert.service] = alert.incident
            case AlertKind.GAVE_UP | AlertKind.REMINDER:
                assert self._open.get(alert.service) == alert.incident, "of what nobody knew"
            case AlertKind.RESOLVED:
                assert self._open.pop(alert.service, "") == alert.incident, "what was not open"


class Witness(DurableStore):
    """The store, which holds every restart against the budget, and knows what must be told."""

    def __init__(self, sqlite: OneThread, policy: Policy, elapsed: Callable[[], float]) -> None:
        super().__init__(sqlite)
        self.sqlite = sqlite
        self.policy = policy
        self.elapsed = elapsed
        self.spent: dict[str, list[float]] = {}
        self.decided = 0
        self.owed: Counter[str] = Counter()  # to the program: it is told everything
        self.noted: Counter[str] = Counter()

    def go_on_from(self, before: Witness) -> None:
        """Remember what was seen in the lives of the daemon before this one."""
        self.spent, self.decided = before.spent, before.decided
        self.owed, self.noted = before.owed, before.noted

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        if self.sqlite.is_dead:
            return  # it came to nothing
        self.owed.update(each.alert.kind for each in change.alerts if PROGRAM in each.destinations)
        self.noted.update(note.kind for note in change.notes)
        spent = self.spent.setdefault(change.state.service, [])
        if change.finished is not None and change.finished.outcome is RestartOutcome.YIELDED:
            del spent[-1:]
        if change.restart is not None and not change.restart.wanted_by:
            policy, now = self.policy, self.elapsed()
            spent[:] = [at for at in spent if at > now - policy.restart_window]
            spent.append(now)
            self.decided += 1
            half_open = policy.restart_window // policy.retry_every
            assert len(spent) <= policy.restart_budget + half_open, "a storm"


class Weeks:
    """A host with several services and one daemon, to which things happen."""

    def __init__(self, path: Path, seed: int, services: int = 4) -> None:
        self.clock = FakeClock()
        self.happened: Counter[str] = Counter()
        self.readers = {name: Reader(is_program=name == PROGRAM) for name in DESTINATIONS}
        self._chance = random.Random(seed)
        self.path = path
        self._policy = Policy(interval=300.0, fast_interval=30.0, recovery_interval=5.0)
        self._controls = [Patient(clock=self.clock, heals=False) for _ in range(services)]
        self._boot = 0
        self._before = 0.0  # seconds of earlier boots
        self._tasks: list[asyncio.Task[None]] = []
        self._pruned = 0.0
        self.store = self._new_store()
        self.workers: list[Worker] = []

    @property
    def elapsed(self) -> float:
        """Return the seconds of all that has been."""
        return self._before + self.clock.mono

    async def start(self) -> None:
        """Start the daemon on what the database has."""
        before, self.store = self.store, self._new_store()
        self.store.go_on_from(before)
        await self.store.__aenter__()
        lefts = await self.store.load(self.clock.now())
        book = AddressBook([Subscription(name) for name in DESTINATIONS])
        book.recall(await self.store.told())
        around = Surroundings(self.clock, self.store, Desk(self.store), book)
        self.workers = [
            self._worker(f"service-{number}", control, around, lefts)
            for number, control in enumerate(self._controls)
        ]
        around.workers = {worker.service.name: worker for worker in self.workers}
        runs = [worker.run() for worker in self.workers]
        runs += [self._relay(name).run() for name in DESTINATIONS]
        self._tasks = [asyncio.ensure_future(run) for run in runs]
        await self.clock.settle()

    async def stop(self, *, killed: bool = False) -> None:
        """End the daemon; a killed one does not write what it still would."""
        self.store.sqlite.is_dead = killed
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if killed:
            for spent in self.store.spent.values():
                del spent[-1:]  # owed: the same again is not taken from the budget twice
        self.store.sqlite.is_dead = False
        await self.store.__aexit__()

    async def live(self, seconds: float, pause: float = 300.0) -> None:
        """Let things happen for so long, one every *pause* seconds or so."""
        end = self.elapsed + seconds
        while self.elapsed < end:
            await self.clock.advance(self._chance.expovariate(1 / pause))
            self._see_tasks()
            await self._happen()
            if self.elapsed >= self._pruned + HOUR:
                self._pruned = self.elapsed
                await self.store.retry()
                await self.store.prune(self.clock.now())

    async def heal(self) -> None:
        """Let everything be well, and wait until everybody knows."""
        for reader in self.readers.values():
            reader.mood = "ok"
        for worker, control in zip(self.workers, self._controls, strict=True):
            control.outcome, control.takes = RestartOutcome.DONE, 0.0
            for event in (Resumed("kim"), Released("d1", "done"), Unsilenced("kim")):
                worker.post(event)
            control.become(UP)
        await self.clock.advance(3 * HOUR)
        self._see_tasks()

    async def is_calm(self) -> bool:
        """Tell whether all is well, and everybody knows."""
        backlog = await self.store.outbox_summary()
        return (
            all(worker.state.phase is Phase.HEALTHY for worker in self.workers)
            and not any(worker.state.incident for worker in self.workers)
            and not any(reader.knows_of for reader in self.readers.values())
            and not any(each.pending or each.dead for each in backlog.values())
        )

    # --- what happens ---------------------------------------------------------------------------

    async def _happen(self) -> None:
        chance = self._chance
        number = chance.randrange(len(self.workers))
        worker, control = self.workers[number], self._controls[number]
        deed = chance.choices(list(self._deeds), [weight for weight, _ in self._deeds.values()])[0]
        self.happened[deed] += 1
        done = self._deeds[deed][1](self, worker, control)
        if done is not None:
            await done
        await self.clock.settle()

    def _become(self, _: Worker, control: Patient) -> None:
        control.become(self._chance.choice(ANSWERS))

    def _turn(self, _: Worker, control: Patient) -> None:
        control.answer = self._chance.choice(ANSWERS)

    def _end_otherwise(self, _: Worker, control: Patient) -> None:
        control.outcome = self._chance.choice(list(RestartOutcome))
        control.takes = self._chance.choice((0.0, 0.25, 3.0, 40.0))
        control.heals = self._chance.random() < 0.7

    def _crash(self, worker: Worker, _: Patient) -> None:
        worker.post(Crashed(self._chance.randint(1, 3), "killed by SIGSEGV"))

    def _say(self, worker: Worker, _: Patient) -> None:
        later = self.clock.mono + self._chance.choice((10.0, 600.0))
        incident = worker.state.incident.id if worker.state.incident is not None else ""
        said = (
            *(Paused(later, "kim", "deploy"), Resumed("kim"), RestartRequested("kim")),
            *(Silenced(later, "kim", "known"), Unsilenced("kim")),
            *(Leased("d1", later, "lee"), Released("d1", "done")),
            Acknowledged("kim", incident=incident),
        )
        worker.post(self._chance.choice(said))

    def _be_moody(self, _: Worker, __: Patient) -> None:
        self._chance.choice(list(self.readers.values())).mood = self._chance.choice(MOODS)

    def _set_clock(self, _: Worker, __: Patient) -> None:
        self.clock.wall += self._chance.choice((HOUR, -HOUR))

    async def _stop(self, _: Worker, __: Patient) -> None:
        await self.stop()
        await self.start()

    async def _kill(self, _: Worker, __: Patient) -> None:
        await self.stop(killed=True)
        await self.start()

    async def _boot_again(self, _: Worker, __: Patient) -> None:
        await self.stop(killed=self._chance.random() < 0.5)
        self._boot += 1
        self._before += self.clock.mono - 20.0
        self.clock.mono = 20.0
        self.clock.wall += 60.0
        await self.start()

    _deeds: dict[str, tuple[int, Callable[..., Any]]] = {  # noqa: RUF012 - never changed
        "signalled changes": (40, _become),
        "silent changes": (30, _turn),
        "other restarts": (10, _end_otherwise),
        "crashes": (5, _crash),
        "words of people": (20, _say),
        "moods of destinations": (10, _be_moody),
        "clock jumps": (1, _set_clock),
        "stops": (1, _stop),
        "kills": (2, _kill),
        "boots": (1, _boot_again),
    }

    # --- parts ----------------------------------------------------------------------------------

    def _new_store(self) -> Witness:
        sqlite = OneThread(
            self.path,
            boot_id=f"boot {self._boot}",
            wall=lambda: self.clock.wall,
            ballast_size=4096,
        )
        return Witness(sqlite, self._policy, lambda: self.elapsed)

    def _worker(self, name: str, control: Patient, around: Surroundings, lefts: Any) -> Worker:
        service = Service(name, UnitControl(f"{name}.service"), policy=self._policy)
        rounds = Round(control, [], self._policy.start_timeout, self.clock)

        async def collect(_run: str, _pid: int | None) -> Sequence[str]:
            return [f"line {number} of what {name} wrote last" for number in range(40)]

        return Worker(
            service, control, rounds, around, left=lefts.get(name), offset=1.0, collect=collect
        )

    def _relay(self, name: str) -> Relay:
        grown = asyncio.Event()
        self.store.subscribe(name, grown.set)

        async def wait() -> None:
            await grown.wait()
            grown.clear()

        async def ready(_incident: str) -> None:
            pass

        return Relay(
            *(name, self.readers[name], self.store, self.clock, wait, ready, "web-1", UTC),
            words_in("en"),
            chance=self._chance.random,
            pace=Pace(one_by_one=name == PROGRAM),
        )

    def _see_tasks(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()
                raise AssertionError("a task has ended")
