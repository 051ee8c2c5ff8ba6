"""One unit, kept current by systemd's signals."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchdog.bell import Bell
from watchdog.control.bus import SystemBus
from watchdog.control.exits import exit_in_words
from watchdog.control.journal_stop import stopped_on_purpose
from watchdog.control.systemd_names import SYSTEMD, properties_of, unit_path
from watchdog.control.unit_state import (
    PROPERTIES,
    RUN_STATES,
    UnitState,
    with_job_removed,
    with_past_stop,
    with_properties,
    with_snapshot,
)
from watchdog.core.model import Crashed
from watchdog.errors import BusError

if TYPE_CHECKING:
    from dbus_fast import Variant

DENIED = frozenset(
    f"org.freedesktop.DBus.Error.{name}"
    for name in ("AccessDenied", "AuthFailed", "InteractiveAuthorizationRequired")
)

_JOBS_KEPT = 16


class FollowedUnit:
    """Folds what the bus tells of a unit into a UnitState; implements followers.Follower."""

    def __init__(self, bus: SystemBus, name: str, journalctl: Sequence[str]) -> None:
        self.state = UnitState(name)
        self.is_current = False
        """Whether ``state`` is what systemd would answer if it were asked now."""
        self._bus = bus
        self._name = name
        self._journalctl = journalctl
        self.path = ""  # of systemd's object
        self.socket_cgroups: dict[str, str] = {}
        """Where systemd makes the sockets that start the unit."""
        self._is_first = True
        self._is_held = False
        self._cgroup_of = ""  # the run whose cgroup is known
        self._end_unseen = False
        self._losses = 0
        self._ended: tuple[tuple[int, str], ...] = ()
        self._news = Bell()
        self._told: tuple[object, ...] = ()
        self._changed: Callable[[], None] = lambda: None
        self._crashed: Callable[[Crashed], None] = lambda _: None

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Call *changed* at every change that matters, *crashed* when systemd restarts the unit."""
        self._changed, self._crashed = changed, crashed

    def job_result(self, job: int) -> str:
        """Return how *job* ended; empty if it has not. It may be known before the job's id is."""
        return next((result for ended, result in self._ended if ended == job), "")

    async def reach(self, condition: Callable[[], bool]) -> None:
        """Return once *condition* holds; it is asked again at all news."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    # --- called by the bus ----------------------------------------------------------------------

    async def sync(self) -> None:
        """Take a snapshot. Raises BusError."""
        losses = self._losses
        try:
            await self._bus.call("LoadUnit", "s", [self._name], self._take_path)
        except BusError as error:
            if error.name != "org.freedesktop.DBus.Error.InvalidArgs":
                raise
            # No name of a unit, such as a template without an instance.
            self.state = UnitState(self._name, load_state="error", load_error=str(error))
        else:
            to = properties_of(self.path)
            await self._bus.call("GetAll", "s", [""], self._take_snapshot, to=to)
        if self._end_unseen:
            self._end_unseen = False
            async with self._bus.journal_turn:
                at = await stopped_on_purpose(self.state.name, self._journalctl)
            if at is not None:
                self.state = with_past_stop(self.state, at)
        if losses == self._losses and not self.is_current:
            self.is_current = True
            self._told = ()
            self._tell()

    async def refresh(self) -> None:
        """Learn what a daemon-reload may have changed. Raises BusError.

        The state is known from signals, which go on meanwhile. And systemd looks for the unit file
        on disk to answer a GetAll of everything: 2 ms of PID 1 for each unit after each reload.
        """
        before = self.path
        await self._bus.call("LoadUnit", "s", [self._name], self._take_path)
        if self.path != before or not self.is_current:
            await self.sync()
            return
        to = properties_of(self.path)
        await self._bus.call("GetAll", "s", [f"{SYSTEMD}.Service"], self._take_settings, to=to)
        for name in ("LoadError", "TriggeredBy", "LoadState"):
            await self._bus.call("Get", "ss", [f"{SYSTEMD}.Unit", name], self._take(name), to=to)
        self._tell()

    async def settle(self) -> None:
        """Have systemd keep the unit in memory, and learn whose cgroups are whose. Raises BusError.

        Nothing waits for it; the former also has polkit started before a restart needs it.
        """
        run = self.state.invocation
        if run and run != self._cgroup_of and self.state.is_up:
            name, to = "ControlGroup", properties_of(self.path)
            await self._bus.call("Get", "ss", [f"{SYSTEMD}.Service", name], self._take(name), to=to)
            self._cgroup_of = run
        for socket in set(self.state.sockets) - self.socket_cgroups.keys():
            to, take = properties_of(unit_path(socket)), self._take_cgroup_of(socket)
            await self._bus.call("Get", "ss", [f"{SYSTEMD}.Socket", "ControlGroup"], take, to=to)
        wanted = not self._is_held and self.state.load_state == "loaded"
        if wanted and self._bus.units.take_reference():
            self._is_held = True
            try:
                await self._bus.call("RefUnit", "s", [self.state.name])
            except BusError as error:
                if error.name in DENIED:
                    raise BusError(f"cannot reference {self._name}: {error}", error.name) from error

    def take_loss(self) -> None:
        """Know that signals may be missing from here to the next snapshot."""
        self._losses += 1
        was_current, self.is_current, self._is_held = self.is_current, False, False
        self._news.set()
        if was_current:
            self._changed()

    def take_properties(self, changed: Mapping[str, Variant]) -> None:
        """Take a PropertiesChanged signal."""
        if self._is_first:
            return
        old = self.state
        self.state = new = with_properties(old, _plain(changed), time.monotonic())
        if "ActiveState" not in changed:
            return  # the other half comes at once
        if new.crashes > old.crashes:
            self._tell_crash(old, new)
        if new.is_up and new.invocation != self._cgroup_of:
            self._bus.units.remind(self)
        self._tell()

    def take_job_removed(self, job: int, result: str) -> None:
        """Take the end of a job of the unit."""
        self._ended = (*self._ended, (job, result))[-_JOBS_KEPT:]
        if not self._is_first:
            self.state = with_job_removed(self.state, job, result)
            self._tell()

    # --- replies --------------------------------------------------------------------------------

    def _take_path(self, body: list[Any]) -> None:
        self.path = str(body[0])
        self._bus.units.route(self, self.path, self.state.name)

    def _take_snapshot(self, body: list[Any]) -> None:
        old = self.state
        properties = _plain(body[0]) | {"Id": body[0]["Id"].value}
        new = with_snapshot(None if self._is_first else old, properties, time.monotonic())
        was_running = self._is_first or old.active_state in RUN_STATES
        is_down = new.active_state == "inactive" and not new.job and new.load_state == "loaded"
        self._end_unseen = was_running and is_down and new.stopped_at is None
        self._is_first = False
        self.state = new
        if new.control_group:
            self._cgroup_of = new.invocation
        self._bus.units.route(self, self.path, new.name)
        if new.crashes > old.crashes:
            self._tell_crash(old, new)
        self._tell()

    def _take_settings(self, body: list[Any]) -> None:
        self.state = with_properties(self.state, _plain(body[0]), time.monotonic())
        self._news.set()

    def _take(self, name: str) -> Callable[[list[Any]], None]:
        """Return what takes the reply to a Get of the property *name*."""

        def take(body: list[Any]) -> None:
            self.state = with_properties(self.state, {name: body[0].value}, time.monotonic())

        return take

    def _take_cgroup_of(self, socket: str) -> Callable[[list[Any]], None]:
        def take(body: list[Any]) -> None:
            if body[0].value:  # none while the socket is down: ask again in the next run
                self.socket_cgroups[socket] = str(body[0].value)

        return take

    # --- telling --------------------------------------------------------------------------------

    def _tell(self) -> None:
        state = self.state
        now = (
            (state.active_state, state.sub_state, state.result, state.load_state),
            (state.main_pid, state.invocation, state.n_restarts),
            (state.job, state.stopped_at, state.start_limited),
        )
        self._news.set()
        if self.is_current and now != self._told:
            self._told = now
            self._changed()

    def _tell_crash(self, old: UnitState, new: UnitState) -> None:
        ended = new.last_exit if new.invocation == old.invocation else old.last_exit
        self._crashed(Crashed(new.crashes - old.crashes, f"{new.name} {exit_in_words(ended)}"))


def _plain(changed: Mapping[str, Variant]) -> dict[str, Any]:
    return {key: _shared(changed[key].value) for key in PROPERTIES & changed.keys()}


def _shared(value: Any) -> Any:
    """Return *value*, a string as the one of its kind: a thousand units have few words in all."""
    return sys.intern(value) if type(value) is str else value
