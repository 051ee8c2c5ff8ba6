"""A process that the daemon keeps itself, as a command sees it: only its answers can be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from watchdog.control.unseen import Unseen
from watchdog.core.model import (
    Crashed,
    Now,
    Observation,
    RestartFinished,
    RestartOutcome,
    Verdict,
)


class KeptElsewhere(Unseen):
    """Implements ports.ServiceControl for a process that is another's child."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        pass

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Tell nothing: only the daemon learns of it."""

    async def observe(self, now: Now) -> Observation:  # noqa: ARG002
        """Let the other checks decide."""
        return Observation(Verdict.PASS, "process", "kept by the daemon itself; not asked here")

    async def restart(self) -> RestartFinished:
        """Refuse: it is the daemon's child."""
        why = "the daemon keeps this process itself; use: service-watchdog restart"
        return RestartFinished(RestartOutcome.IMPOSSIBLE, why)

    @property
    def identity(self) -> str:
        """Return nothing: the run is not known."""
        return ""

    @property
    def started(self) -> float | None:
        """Return None: it is not known."""
        return None
