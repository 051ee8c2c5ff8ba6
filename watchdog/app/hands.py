"""The daemon's own eyes in a person's hands: from a configuration to cases for the doctor.

What a person's command sees is what the daemon would see in a round: the same probes, with the
same deadline and the same guard. Nothing is written down, and nothing acted on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

from watchdog.app.assemble import Assembly
from watchdog.app.by_hand import askable, chosen
from watchdog.app.services import Parts
from watchdog.clock import HostClock
from watchdog.config import Config
from watchdog.core.model import Now, Observation, Verdict
from watchdog.core.service import HttpCheck, ProcessControl, Service, UnitControl
from watchdog.doctor.case import Case
from watchdog.errors import WatchdogError
from watchdog.ports import ServiceControl
from watchdog.rounds import Question, Round
from watchdog.thread import in_thread

Probe = Callable[[], Awaitable[Observation]]

AskDaemon = Callable[[str], Mapping[str, Any]]
"""Returns what ``status`` says of a service. Raises WatchdogError if the daemon does not answer."""


class Hands:
    """Opens what the services of *config* share, for as long as it is entered."""

    def __init__(self, config: Config, ask_daemon: AskDaemon) -> None:
        self.config = config
        self._ask_daemon = ask_daemon
        self._clock = HostClock()
        self._assembly = Assembly(config.daemon, self._clock)
        self.redactor = self._assembly.redactor
        self._stack = AsyncExitStack()
        self._followed: dict[str, Parts] = {}

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._assembly)
        await self._assembly.connect(self.config)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    def services(self, name: str = "") -> Sequence[Service]:
        """Return the service called *name*, or all, each after those that it depends on.

        Raises ConfigError if there is none.
        """
        return chosen(self.config, [name] if name else [])

    async def case(self, service: Service) -> Case:
        """Return *service* to be examined, of which nothing is known yet."""
        deployment = self.config.deployment(service.name)
        parts = await self._follow(service)
        probes: dict[str, Probe] = {"unit": self._state(service, parts.control)}
        for question in parts.questions:
            probes[question.check] = self._asked(question)
        for name in ("proxied", "external"):
            check: HttpCheck | None = getattr(deployment, name)
            if check is not None:
                probes[name] = self._asked(self._assembly.asked_by_hand(name, check))
        logs = list(service.evidence.logs)
        if isinstance(service.control, ProcessControl):
            logs.insert(0, str(Path(self.config.daemon.runtime_dir, f"{service.name}.log")))
        return Case(service, deployment, probes, self.config.path, tuple(logs))

    async def _follow(self, service: Service) -> Parts:
        """Return what *service* is watched with; its unit with a snapshot, and kept current."""
        if service.name not in self._followed:
            parts = self._assembly.parts(askable(service))
            if isinstance(service.control, UnitControl):
                await self._stack.enter_async_context(parts.control)
                if (await parts.control.observe(self._clock.now())).verdict is Verdict.UNKNOWN:
                    blind = self._assembly.parts(askable(service, blind=True))
                    parts = replace(parts, questions=blind.questions)
            self._followed[service.name] = parts
        return self._followed[service.name]

    def _state(self, service: Service, control: ServiceControl) -> Probe:
        if isinstance(service.control, ProcessControl):
            return lambda: self._daemon_says(service.name)

        async def observe() -> Observation:
            return await control.observe(self._clock.now())

        return observe

    async def _daemon_says(self, name: str) -> Observation:
        """Return what the daemon knows of the process that it alone keeps."""
        try:
            status = await in_thread(partial(self._ask_daemon, name))
        except WatchdogError as error:
            return Observation(Verdict.UNKNOWN, "process", f"only the daemon knows: {error}")
        for check in status["checks"]:
            if check["check"] == "process":
                return Observation(Verdict(check["verdict"]), "process", check["reason"])
        return Observation(Verdict.HOLD, "process", f"not looked at yet: {status['phase']}")

    def _asked(self, question: Question) -> Probe:
        """Return what asks once, with the daemon's own deadline and guard: a round of one."""
        return Round(cast("ServiceControl", _Up()), [question], 0.0, self._clock).run


class _Up:
    """Stands in a round for the control, which is asked by itself."""

    identity = ""
    started = None

    async def observe(self, now: Now) -> Observation:
        del now
        return Observation(Verdict.PASS, "unit", "asked by itself")
