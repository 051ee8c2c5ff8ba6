"""One configuration, running; a reload swaps what has changed and leaves the rest alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from watchdog.app.assemble import Assembly
from watchdog.app.channels import Channels
from watchdog.app.services import Services
from watchdog.config import Config
from watchdog.core.model import (
    Alert,
    AlertKind,
)
from watchdog.core.telling import Notice
from watchdog.evidence.desk import Desk
from watchdog.ports import Clock
from watchdog.sight import Sight
from watchdog.store.durable import DurableStore
from watchdog.surroundings import Surroundings
from watchdog.worker import Worker


class Engine:
    """Runs services and channels as tasks of *tasks*; whoever owns that group ends them."""

    def __init__(
        self, assembly: Assembly, store: DurableStore, clock: Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self.store = store
        self.clock = clock
        self.host = ""
        self.reload_trouble = ""  # why the last reload was refused
        self.changed = asyncio.Event()  # something that ``sentence`` tells may have changed
        desk = Desk(store)
        self._assembly = assembly
        make_relay = partial(
            assembly.relay,
            store=store,
            evidence_ready=desk.ready,
            is_open=self._is_open,
            changed=self.changed.set,
        )
        self.channels = Channels(make_relay, store, clock, tasks)
        self._around = Surroundings(
            clock,
            store,
            desk,
            suspicion=self.channels.warm_up,
            changed=self.changed.set,
            redactor=assembly.redactor,
        )
        self.services = Services(assembly.parts, self._around, tasks)

    @property
    def sight(self) -> Sight:
        """Return which services cannot be judged."""
        return self._around.sight

    @property
    def workers(self) -> Mapping[str, Worker]:
        """Return the workers by service name, in the configuration's order."""
        return self.services.workers

    def late(self) -> Sequence[float]:
        """Return by how many seconds recent regular rounds began late."""
        return list(self._around.late)

    async def first_rounds(self) -> None:
        """Return once every service has been judged; how late start-up made rounds is forgotten."""
        await self.services.first_rounds()
        self._around.late.clear()

    async def apply(self, config: Config) -> None:
        """Run what *config* says.

        Nothing in here can fail half-way: *config* has been validated, and what needs the
        outside world is begun by the tasks themselves.
        """
        self.host = config.daemon.host
        await self._assembly.connect(config)
        await self.channels.apply(self._assembly.channels(config))
        self._around.destinations = self.channels.destinations
        self._around.conversations = self.channels.conversations
        await self.services.apply(config.services)
        self.changed.set()

    def _is_open(self, alert: Alert) -> bool:
        """Tell whether the incident of *alert* is still open, of a service that is watched."""
        workers = self._around.workers
        if not workers:
            return True  # none has been set up yet: nothing is known to be over
        worker = workers.get(alert.service)
        incident = worker.state.incident if worker is not None else None
        return incident is not None and incident.id == alert.incident

    async def give_notice(self, notice: Notice) -> None:
        """Tell *notice*, which no service's state stands behind, everywhere."""
        now, what = self.clock.now(), notice.circumstance
        alert = Alert(AlertKind.NOTICE, "", now.wall, notice.text, circumstance=what)
        await self.store.post([alert], self.channels.destinations, now)

    def troubles(self) -> Sequence[str]:
        """Return what is wrong with the daemon itself, in sentences."""
        own = [self.reload_trouble, self.store.trouble, self._assembly.trouble()]
        return [sentence for sentence in [*own, *self.channels.troubles()] if sentence]

    def stuck(self) -> Sequence[str]:
        """Return what should have moved by now and has not."""
        mono = self.clock.now().mono
        bus = ["systemd's bus"] if self._assembly.is_stuck(mono) else []
        return [*self.services.stuck(mono), *self.channels.stuck(mono), *bus]

    def sentence(self) -> str:
        """Return the state of everything in one line."""
        return "; ".join([self.services.sentence(), *self.troubles()])
