"""A service in the hands of a person: how it is looked at and restarted, without the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from watchdog.config import Deployment
from watchdog.core.model import Crashed
from watchdog.core.service import Service
from watchdog.evidence.redact import Redactor
from watchdog.ports import Clock, ServiceControl
from watchdog.rounds import Question, Round

LOCAL = ("port", "http")
"""The checks after the control's own that ask the service itself."""


@dataclass(slots=True)
class Target:
    """One service, and what asks it."""

    service: Service
    deployment: Deployment
    control: ServiceControl
    questions: Sequence[Question]  # in order; after LOCAL the ways to it, "proxied", "external"
    collect: Callable[[str, int | None], Awaitable[Sequence[str]]]
    redactor: Redactor
    clock: Clock
    denied: str = ""  # why this user may not restart it; empty: nothing is known against it
    news: asyncio.Event = field(default_factory=asyncio.Event)  # systemd has told something
    crashes: list[Crashed] = field(default_factory=list)  # and its keeper has brought it back

    def listen(self) -> None:
        """Take what the control tells from now on."""
        self.control.listen(self.news.set, self._crashed)

    def round(self, last: str) -> Round:
        """Return rounds that ask as far as the check *last*.

        A process that is still starting is waited for, unless it was found healthy before.
        """
        names = [question.check for question in self.questions]
        asked = self.questions[: names.index(last) + 1] if last in names else []
        is_local = last not in names or last in LOCAL
        patience = self.service.policy.start_timeout if is_local else 0.0
        return Round(self.control, asked, patience, self.clock, self.redactor.event)

    async def changed(self, seconds: float) -> None:
        """Return at the next news of systemd, after *seconds* at the latest."""
        self.news.clear()
        timer = self.clock.call_at(self.clock.now().mono + seconds, self.news.set)
        try:
            await self.news.wait()
        finally:
            timer.cancel()

    def _crashed(self, crash: Crashed) -> None:
        self.crashes.append(crash)
        self.news.set()
