"""A service that three commands keep: Docker, OpenRC and the like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from watchdog.control.child import Child
from watchdog.control.output import Output
from watchdog.control.unseen import Unseen
from watchdog.core.model import (
    Crashed,
    Now,
    Observation,
    RestartFinished,
    RestartOutcome,
    Verdict,
)
from watchdog.core.service import CommandControl

CHECK = "status"

_DEATH = 5.0  # seconds from KILL to the end; only a process stuck in the kernel takes longer
_TRIM_EVERY = 0.1  # seconds, while a command runs


@dataclass(frozen=True, slots=True)
class _Finished:
    """How a command ended; ``status`` None: it was not to be had, or did not end in time."""

    status: int | None
    words: str  # `docker start app` exited with status 1: "no such container"
    line: str  # the first line of its output


class Commands(Unseen):
    """Implements ports.ServiceControl for the commands start, stop and status; never a shell.

    What ``start`` leaves running is the service, and is left alone; what a command leaves that
    ran out of time is not. Nothing tells when the service ends, so it is seen at the next round.
    """

    def __init__(self, control: CommandControl) -> None:
        self._control = control
        self._daemon = uuid4().hex[:8]  # whose counting it is
        self._restarts = 0
        self._started: float | None = None
        self._kept: Output | None = None  # what the service writes to, if it writes to ours

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Do nothing: there is no event that could be passed on."""

    async def observe(self, now: Now) -> Observation:
        """Answer the check "status": does the command of that name say that the service is up?"""
        del now
        if self._kept is not None:
            self._kept.trim()
        finished = await self._finish(self._control.status)
        if finished.status is None or finished.status < 0:
            return Observation(Verdict.UNKNOWN, CHECK, finished.words)
        if finished.status > 0:
            return Observation(Verdict.FAIL, CHECK, finished.words, dead=True)
        return Observation(Verdict.PASS, CHECK, finished.line or "running")

    async def restart(self) -> RestartFinished:
        """Run ``stop``, whose failure may mean that nothing was left to stop, then ``start``."""
        began = time.monotonic()
        outcome = RestartOutcome.FAILED
        try:
            stopped = await self._finish(self._control.stop)
            self._restarts += 1
            started = await self._finish(self._control.start, keep=True)
            reason = started.words
            if stopped.status != 0:
                reason += f"; before that, {stopped.words}"
            if started.status == 0:
                outcome = RestartOutcome.DONE
                self._started = time.monotonic()
        except Exception as error:  # noqa: BLE001 - ports.ServiceControl: never raises
            reason = f"cannot restart: {error!r}"
        return RestartFinished(outcome, reason, time.monotonic() - began)

    @property
    def identity(self) -> str:
        """Count our own restarts, anew in every run of the daemon: more is not known.

        So a restart that the daemon did not live to finish counts as carried out. If it was not,
        ``status`` says at once that the service is down.
        """
        return f"{self._daemon}:{self._restarts}"

    @property
    def started(self) -> float | None:
        """Return when ``start`` last succeeded (mono), if it was us who ran it."""
        return self._started

    async def _finish(self, command: Sequence[str], *, keep: bool = False) -> _Finished:
        """Run *command* and return how it ended; *keep* its output open for what it leaves."""
        output = Output()
        try:
            return await self._run(command, output)
        finally:
            if keep:
                self._keep(output)
            else:
                output.close()

    def _keep(self, output: Output) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = output

    async def _run(self, command: Sequence[str], output: Output) -> _Finished:
        name = f"`{' '.join(command)}`"
        try:
            child = Child.start(command, output.descriptor)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            return _Finished(None, f"cannot run {name}: {why}", "")
        try:
            in_time = await self._ends_in_time(child, output)
            status, ending = child.status, child.ending
        finally:
            if not child.has_ended:
                child.kill()
                await asyncio.wait([child.exited], timeout=_DEATH)
            child.close()
        line = output.first_line()
        said = f': "{line}"' if line else ""
        if not in_time:
            bound = f"{self._control.timeout:g} s"
            return _Finished(None, f"{name} did not end within {bound}{said}", line)
        return _Finished(status, f"{name} {ending}{said}", line)

    async def _ends_in_time(self, child: Child, output: Output) -> bool:
        try:
            async with asyncio.timeout(self._control.timeout):
                while not child.exited.done():
                    await asyncio.wait([child.exited], timeout=_TRIM_EVERY)
                    output.trim()
        except TimeoutError:
            return child.has_ended
        return True
