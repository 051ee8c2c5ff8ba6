"""One configuration, running; a reload swaps what has changed and leaves the rest alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from watchdog.addressing import AddressBook
from watchdog.app.api import Api
from watchdog.app.assemble import Assembly
from watchdog.app.buttons import Buttons
from watchdog.app.channels import Channels
from watchdog.app.health import Health
from watchdog.app.heart import Heart
from watchdog.app.services import Services
from watchdog.app.warner import HostWarner
from watchdog.app.web import Web
from watchdog.config import Config
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import CircumstanceKind, Notice
from watchdog.evidence.desk import Desk
from watchdog.lateness import Lateness
from watchdog.ports import Clock
from watchdog.relay import Canary
from watchdog.sight import Sight
from watchdog.store.durable import DurableStore
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker

log = structlog.get_logger()


class Changed(asyncio.Event):
    """Something that is shown may have changed; ``also`` is called whenever it is set."""

    also: Callable[[], None] = staticmethod(lambda: None)

    def set(self) -> None:
        """Wake who waits."""
        super().set()
        self.also()


class Engine:
    """Runs services and channels as tasks of *tasks*; whoever owns that group ends them."""

    def __init__(
        self, assembly: Assembly, store: DurableStore, clock: Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self.store = store
        self.clock = clock
        self.host = ""
        self.configured = 0.0  # wall: when the configuration in force was taken
        self.reload_trouble = ""  # why the last reload was refused
        self._obstacle = ""  # why no unit can be restarted
        self.changed = Changed()  # something that ``sentence`` tells may have changed
        self.applied = asyncio.Event()  # there are workers
        self._tasks = tasks
        self.health = Health(self)
        self.heart = Heart(clock, self.changed.set, tasks)
        self._canary: asyncio.Task[None] | None = None
        self._recalled = False
        desk, book = Desk(store), AddressBook()
        self._assembly = assembly
        make_relay = partial(
            assembly.relay,
            store=store,
            evidence_ready=desk.ready,
            is_open=self._is_open,
            changed=self.changed.set,
        )
        self.channels = Channels(make_relay, store, book, clock, tasks)
        self._around = Surroundings(
            clock,
            store,
            desk,
            book,
            suspicion=self.channels.warm_up,
            changed=self.changed.set,
            redactor=assembly.redactor,
        )
        self.services = Services(assembly.parts, self._around, tasks)
        self.warner = HostWarner(store, clock, tasks, book.address)
        self.buttons = Buttons(Api(self), self._worker, store, clock, tasks)
        self.web = Web(self, Api(self).calls(), tasks)
        self.changed.also = self.web.ring

    @property
    def sight(self) -> Sight:
        """Return which services cannot be judged."""
        return self._around.sight

    @property
    def workers(self) -> Mapping[str, Worker]:
        """Return the workers by service name, in the configuration's order."""
        return self.services.workers

    def _worker(self, service: str) -> Worker | None:
        return self.workers.get(service)

    @property
    def late(self) -> Lateness:
        """Return how late regular rounds began."""
        return self._around.late

    async def first_rounds(self, progress: Callable[[], None]) -> None:
        """Return once every service has been judged; how late start-up made rounds is forgotten."""
        await self.services.first_rounds(progress)
        self._around.late.clear()

    async def apply(self, config: Config) -> None:
        """Run what *config* says.

        Nothing in here can fail half-way: *config* has been validated, and what needs the
        outside world is begun by the tasks themselves.
        """
        self.host, self.configured = config.daemon.host, self.clock.now().wall
        await self._assembly.connect(config)
        self._tasks.create_task(self._look_for_an_obstacle(config), name="obstacle")
        self.health.patience = config.delivery.fallback_after
        book = self._around.book
        book.subscriptions = config.subscriptions
        if not self._recalled:
            book.recall(await self.store.told())
            self._recalled = True
        await self.channels.apply(self._assembly.channels(config))
        self._apply_canary(config)
        # Before the services: as soon as there are workers, what stands nowhere counts as over.
        await self.warner.apply(config.warnings, ("/", config.daemon.state_dir))
        await self.services.apply(config.services)
        await self.buttons.apply(config)
        await self.web.apply(config)
        self.applied.set()
        self.changed.set()

    async def _look_for_an_obstacle(self, config: Config) -> None:
        """Say now, and not when a restart is due, that none will be possible."""
        before, self._obstacle = self._obstacle, await self._assembly.obstacle(config)
        if self._obstacle and not before:
            log.error(self._obstacle)
        self.changed.set()

    def _apply_canary(self, config: Config) -> None:
        """Send the daily test as *config* says, at once to a destination that is new."""
        if self._canary is not None:
            self._canary.cancel()
            self._canary = None
        if config.delivery.canary is not None:
            zone = None
            if config.daemon.timezone:
                from zoneinfo import ZoneInfo  # noqa: PLC0415 - most configs name none

                zone = ZoneInfo(config.daemon.timezone)
            canary = Canary(*config.delivery.canary, zone, self.clock, self.channels.send_once)
            self._canary = self._tasks.create_task(canary.run(), name="canary")

    def _is_open(self, alert: Alert) -> bool:
        """Tell whether the incident of *alert* is still open, of a service that is watched."""
        workers = self._around.workers
        if not workers:
            return True  # none has been set up yet: nothing is known to be over
        if alert.kind is AlertKind.WARNING:
            return any(each.id == alert.incident for each in self._standing(alert.service))
        worker = workers.get(alert.service)
        incident = worker.state.incident if worker is not None else None
        return incident is not None and incident.id == alert.incident

    def _standing(self, service: str) -> Sequence[StandingWarning]:
        """Return the warnings that stand of *service*; empty: of the host."""
        if not service:
            return self.warner.state.warnings
        worker = self._around.workers.get(service)
        return worker.state.warnings if worker is not None else ()

    async def give_notice(self, notice: Notice) -> None:
        """Tell *notice*, which no service's state stands behind, to all who take such."""
        now, what = self.clock.now(), notice.circumstance
        alert = Alert(AlertKind.NOTICE, "", now.wall, notice.text, circumstance=what)
        await self.store.post([alert], self._around.book.destinations_of(alert), now)
        if what.kind is CircumstanceKind.NETWORK_BACK:
            self.channels.wake()  # what could not be sent meanwhile can be now

    def troubles(self) -> Sequence[str]:
        """Return what is wrong with the daemon itself, in sentences."""
        own = [
            self.reload_trouble,
            self.store.trouble,
            self._assembly.trouble(),
            self._obstacle,
            self.heart.trouble,
            self.web.trouble,
        ]
        return [sentence for sentence in [*own, *self.channels.troubles()] if sentence]

    def redacted(self, text: str) -> str:
        """Return *text* without secrets."""
        return "\n".join(self._assembly.redactor.lines(text.splitlines()))

    def stuck(self) -> Sequence[str]:
        """Return what should have moved by now and has not."""
        mono = self.clock.now().mono
        bus = ["systemd's bus"] if self._assembly.is_stuck(mono) else []
        return [*self.services.stuck(mono), *self.channels.stuck(mono), *bus]

    def sentence(self) -> str:
        """Return the state of everything in one line."""
        return "; ".join([self.services.sentence(), *self.troubles()])
