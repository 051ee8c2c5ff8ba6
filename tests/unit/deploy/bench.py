"""A service to be deployed that is what a test says it is, on a driven clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.clock import FakeClock
from tests.unit.doubles import ScriptedControl
from watchdog.config import Deployment
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import HttpCheck, PortCheck, Service, UnitControl
from watchdog.deploy.deploying import Deploying, Diagnose
from watchdog.deploy.lease import Lease, LeaseRefusedError
from watchdog.deploy.plan import plan_of
from watchdog.deploy.target import Target
from watchdog.deploy.telling import Event, Report, StepBegan
from watchdog.evidence.redact import Redactor
from watchdog.rounds import Question

NAME = f"api-{os.getpid()}"
"""A service that no other test process deploys: the name is locked on the whole host."""

GOOD = Observation(Verdict.PASS, "http", "/health answered 200")
BAD = Observation(Verdict.FAIL, "http", "/health answered 500")


class ScriptedLease(Lease):
    """A lease that is given, or not, as a test says; remembers how it was ended."""

    def __init__(self, *, is_there: bool = True, refusal: str = "") -> None:
        super().__init__(Path("/nowhere"), NAME, "kim", 60.0, lambda _: None)
        self.is_there = is_there
        self.refusal = refusal
        self.ended: list[str] = []
        self.judged: Mapping[str, Any] = {"phase": "healthy", "code": 0, "reason": ""}

    async def take(self) -> bool:
        if self.refusal:
            raise LeaseRefusedError(self.refusal, 4)
        return self.is_there

    async def end(self, how: str) -> Mapping[str, Any] | None:
        self.ended.append(how)
        return self.judged if self.is_there else None


@dataclass
class Bench:
    """One service, its deploy, and what was told of it."""

    deployment: Deployment = field(default_factory=Deployment)
    control: ScriptedControl = field(default_factory=ScriptedControl)
    lease: ScriptedLease = field(default_factory=ScriptedLease)
    clock: FakeClock = field(default_factory=FakeClock)
    answers: list[Observation] = field(default_factory=lambda: [GOOD])  # the last one stays
    diagnose: Diagnose | None = None
    told: list[Event] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)  # something was told

    async def ask(self) -> Observation:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def listening(self) -> Observation:
        return Observation(Verdict.PASS, "port", "127.0.0.1:8000 is listening")

    async def collect(self, run: str, _pid: int | None) -> Sequence[str]:
        return [f"the last words of {run}"]

    @property
    def service(self) -> Service:
        checks = (PortCheck(8000), HttpCheck("http://127.0.0.1:8000/health"))
        return Service(NAME, UnitControl("api.service"), checks)

    @property
    def target(self) -> Target:
        questions = [
            Question("port", self.listening, 5.0),
            Question("http", self.ask, 5.0),
        ]
        if self.deployment.external is not None:
            questions.append(Question("external", self.ask, 5.0))
        target = Target(
            self.service,
            self.deployment,
            self.control,
            questions,
            self.collect,
            Redactor(),
            self.clock,
        )
        target.listen()
        return target

    def deploying(self) -> Deploying:
        plan = plan_of(self.service, self.deployment)
        return Deploying(self.target, plan, self.lease, self.tell, self.diagnose)

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.bell.set()

    async def until(self, step: str) -> None:
        """Return once *step* is begun, and has come to where it waits."""
        async with asyncio.timeout(10):
            while step not in self.begun:
                self.bell.clear()
                await self.bell.wait()
        await self.clock.settle()

    async def deployed(self) -> Report:
        """Return the report of a deploy; time passes as it is waited for."""
        running = asyncio.ensure_future(self.deploying().run())
        async with asyncio.timeout(20):
            while not running.done():
                if self.clock.sleepers:
                    await self.clock.advance(0.25)
                else:
                    await asyncio.wait({running}, timeout=0.01)
        return running.result()

    @property
    def begun(self) -> list[str]:
        return [event.step.kind.value for event in self.told if isinstance(event, StepBegan)]
