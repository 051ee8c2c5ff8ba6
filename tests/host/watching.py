"""Watch the units of a test host from here, and wait for what systemd tells of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.host.host import Host
from watchdog.control.bus import SystemBus
from watchdog.control.judge import judge
from watchdog.control.systemd import SystemdUnit
from watchdog.core.model import (
    Crashed,
    Now,
    Observation,
    Verdict,
)
from watchdog.core.service import Policy

POLICY = Policy(stopped_grace=120.0)
DEADLINE = 20.0
SLEEPER = "/bin/sleep infinity"


class Watched(SystemdUnit):
    """A unit that keeps what it was told, and can wait for more."""

    def __init__(self, host: Host, bus: SystemBus, unit: str) -> None:
        super().__init__(
            bus,
            unit,
            POLICY,
            cgroup_root=f"/proc/{host.pid}/root/sys/fs/cgroup",
            journalctl=("nsenter", f"--target={host.pid}", "--all", "--", "journalctl"),
        )
        self.name = unit
        self.seen: list[Observation] = []
        """The answer after each batch of changes, as a round would get it."""
        self.crashes: list[Crashed] = []
        self._bell = asyncio.Event()
        self.listen(self._note, self.crashes.append)

    async def look(self, later: float = 0.0) -> Observation:
        """Return the answer, or the one in *later* seconds if nothing happens."""
        return await self.observe(Now(time.monotonic() + later, 0.0))

    async def until(self, wanted: Callable[[Observation], bool]) -> Observation:
        """Return the first answer that is *wanted*."""
        async with asyncio.timeout(DEADLINE):
            while True:
                self._bell.clear()
                seen = await self.look()
                if wanted(seen):
                    return seen
                pause = None if seen.until is None else seen.until - time.monotonic()
                await _first(self._bell.wait(), pause)

    async def until_verdict(self, verdict: Verdict, words: str = "") -> Observation:
        return await self.until(lambda seen: seen.verdict is verdict and words in seen.reason)

    async def until_new_run(self, old: str) -> Observation:
        return await self.until(
            lambda seen: seen.verdict is Verdict.PASS and self.identity not in {"", old}
        )

    async def settled(self) -> None:
        """Return once the bus has done what nobody waits for."""
        await self._unit.settle()

    def has_failed(self) -> bool:
        return any(seen.verdict is Verdict.FAIL for seen in self.seen)

    def _note(self) -> None:
        asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        if self._unit.is_current:
            self.seen.append(judge(self._unit.state, time.monotonic(), POLICY))
        self._bell.set()


@asynccontextmanager
async def watched(
    host: Host, *units: str, bus: SystemBus | None = None
) -> AsyncIterator[Sequence[Watched]]:
    """Watch *units* of *host*, which has them already."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(bus or SystemBus(host.bus_address))
        assert bus.connected, bus.trouble
        watching = [Watched(host, bus, unit) for unit in units]
        await asyncio.gather(*(stack.enter_async_context(unit) for unit in watching))
        yield watching


def install(host: Host, name: str, *lines: str, head: str = "", start: bool = True) -> None:
    """Put a service unit in place, with *lines* in its [Service] section."""
    if not any(line.startswith("ExecStart=") for line in lines):
        lines = (f"ExecStart={SLEEPER}", *lines)
    host.write_unit(name, "\n".join(["[Unit]", head, "[Service]", *lines, ""]))
    if start:
        host.systemctl("start", name)


async def _first(work: object, pause: float | None) -> None:
    try:
        async with asyncio.timeout(None if pause is None else max(0.001, pause)):
            await work  # type: ignore[misc]
    except TimeoutError:
        pass
