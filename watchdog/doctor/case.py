"""What the doctor looks at: one service, and this host, each thing asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from watchdog import places
from watchdog.config import Deployment
from watchdog.core.model import Observation
from watchdog.core.service import Service, UnitControl
from watchdog.doctor.finding import Answer, Finding
from watchdog.root_job import RootJob, ask_root
from watchdog.tool import PATIENCE, Ran, run

T = TypeVar("T")


@dataclass(slots=True)
class Case:
    """A service under examination. Facts are asked for when a question needs them, and kept."""

    service: Service
    deployment: Deployment
    probes: Mapping[str, Callable[[], Awaitable[Observation]]] = field(default_factory=dict)
    """By check, as the daemon asks: "unit", "port", "http"; besides "proxied" and "external"."""
    config: str = places.CONFIG  # the file that says so
    logs: tuple[str, ...] = ()  # files that it writes to, besides the journal
    _known: dict[Any, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Return the unit's name; empty if something else keeps the process."""
        control = self.service.control
        return control.unit if isinstance(control, UnitControl) else ""

    @property
    def nginx_reload(self) -> tuple[str, str]:
        """Return the commands that have nginx take its configuration, if it is valid."""
        return ("nginx -t", f"systemctl reload {self.deployment.nginx.removesuffix('.service')}")

    async def once(self, name: object, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* answers; it is asked only the first time for this *name*."""
        if name not in self._known:
            self._known[name] = asyncio.ensure_future(ask())
        answer: T = await self._known[name]
        return answer

    async def ran(self, *command: str, patience: float = PATIENCE) -> Ran:
        """Return what a tool of the host said to *command* within *patience* seconds."""
        return await self.once(command, lambda: run(*command, patience=patience))

    async def root(self, job: RootJob) -> Ran:
        """Return what a root job said."""
        return await self.once(job, lambda: ask_root(job))

    async def probed(self, check: str) -> Observation | None:
        """Return what *check* finds now; None if it is not configured."""
        if check not in self.probes:
            return None
        return await self.once(("probe", check), self.probes[check])

    async def shown(self, unit: str) -> Mapping[str, str]:
        """Return the properties of *unit*, as ``systemctl show`` names them.

        One that is printed several times, such as ``EnvironmentFiles``, has a line for each.
        """
        answer = await self.ran("systemctl", "show", "--all", "--", unit)
        found: dict[str, str] = {}
        for line in answer.lines:
            key, is_there, value = line.partition("=")
            if is_there:
                found[key] = f"{found[key]}\n{value}" if key in found else value
        return found


def read(path: str | Path, longest: int = 1 << 20) -> str | None:
    """Return the beginning of a text file; None if it is not there or may not be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(longest).decode("utf-8", "replace")
    except OSError:
        return None


Ask = Callable[[Case], Awaitable[Answer]]
Rule = Callable[[Case], Awaitable[Finding | None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A box of the flowchart: a question, and what may be the cause if the answer is bad.

    The first rule that finds something names the cause, so the most telling come first.
    """

    name: str  # "unit", "port" …
    question: str  # "is the unit active?"
    ask: Ask
    rules: tuple[Rule, ...] = ()
