"""A service that systemd keeps: watched by its signals, restarted by its jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from watchdog.control import proc
from watchdog.control.bus import SystemBus
from watchdog.control.followed_unit import FollowedUnit
from watchdog.control.journal_stop import JOURNALCTL
from watchdog.control.judge import CHECK, judge
from watchdog.control.ownership import CGROUP_ROOT, is_made_by_systemd, is_made_in, usual_cgroup
from watchdog.control.unit_restart import restart_unit
from watchdog.core.model import (
    Crashed,
    Now,
    Observation,
    RestartFinished,
    RestartOutcome,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.ports import Listener


class SystemdUnit:
    """Implements ports.ServiceControl for a systemd unit."""

    def __init__(
        self,
        bus: SystemBus,
        unit: str,
        policy: Policy,
        *,
        cgroup_root: str = CGROUP_ROOT,
        journalctl: Sequence[str] = JOURNALCTL,
    ) -> None:
        self._bus = bus
        self._policy = policy
        self._cgroup_root = cgroup_root
        self._unit = FollowedUnit(bus, unit, journalctl)

    async def __aenter__(self) -> Self:
        await self._bus.units.add(self._unit)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._bus.units.remove(self._unit)

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Call *changed* when an early round is worth it, *crashed* when systemd restarts it."""
        self._unit.listen(changed, crashed)

    async def observe(self, now: Now) -> Observation:
        """Answer the check "unit" from what the signals have told; systemd is not asked."""
        if not self._unit.is_current:
            name = self._unit.state.name
            reason = self._bus.trouble or f"cannot ask systemd: {name} is not known yet"
            return Observation(Verdict.UNKNOWN, CHECK, reason)
        return judge(self._unit.state, now.mono, self._policy)

    async def is_ending(self) -> bool:
        """Tell whether the main process ends: the kernel knows it before systemd says so."""
        pid = self.main_pid
        if pid is None:
            return False
        try:
            return await proc.ended(pid, proc.ENDING)
        except OSError:
            return False

    async def restart(self) -> RestartFinished:
        """Restart the unit and wait until the job is over; bounded, and never raises."""
        try:
            return await restart_unit(self._unit, self._bus)
        except Exception as error:  # noqa: BLE001 - the promise above
            why = f"cannot restart {self._unit.state.name}: {error!r}"
            return RestartFinished(RestartOutcome.FAILED, why)

    @property
    def unit(self) -> str:
        """Return the unit's name, as systemd has it."""
        return self._unit.state.name

    @property
    def unit_state(self) -> str:
        """Return its ActiveState; empty while signals may have been missed."""
        return self._unit.state.active_state if self._unit.is_current else ""

    @property
    def identity(self) -> str:
        """Return the InvocationID of the present run, or of the last one if that has ended."""
        return self._unit.state.invocation

    @property
    def started(self) -> float | None:
        """Return when the present run started (mono), if there is one."""
        return self._unit.state.started

    @property
    def main_pid(self) -> int | None:
        """Return the main process, if there is one."""
        return self._unit.state.main_pid or None

    @property
    def cgroup(self) -> str:
        """Return the directory of the unit's cgroup."""
        state = self._unit.state
        return self._cgroup_root + (state.control_group or usual_cgroup(state.slice, state.name))

    def pids(self) -> Sequence[int]:
        """Return none: what belongs to a unit is told by its cgroup alone."""
        return ()

    def owns(self, listener: Listener) -> bool:
        """Tell whether the unit's own processes, or systemd for it, made *listener*."""
        state = self._unit.state
        cgroup = state.control_group or usual_cgroup(state.slice, state.name)
        if is_made_in(listener, cgroup, self._cgroup_root):
            return True
        if not state.sockets:
            return False
        known = self._unit.socket_cgroups
        groups = [known.get(each, usual_cgroup("system.slice", each)) for each in state.sockets]
        return is_made_by_systemd(listener, groups, self._cgroup_root)
