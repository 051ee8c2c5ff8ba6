"""What systemd has said about a unit, folded into one value. Pure: no I/O, no clock.

A snapshot comes first, then property changes and the ends of jobs, in the order in which systemd
sent them. Times are CLOCK_MONOTONIC seconds, as systemd stamps them; 0 means never.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

UP_STATES = frozenset({"active", "reloading", "refreshing"})
RUN_STATES = UP_STATES | {"activating"}
AUTO_RESTART = "auto-restart"


@dataclass(frozen=True, slots=True)
class Exit:
    """How the last run ended: the unit's Result, and the main process's wait status."""

    result: str = "success"
    code: int = 0  # CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; 0: no main process has ended
    status: int = 0  # exit status, or the signal's number


class UnitState(msgspec.Struct, frozen=True, gc=False):
    """One service unit, as far as systemd has told.

    A Struct, for each signal makes a new one, and dataclasses take 40 µs for that where msgspec
    takes 1. The fields below the line are not systemd's words but what follows from their order.
    """

    name: str
    load_state: str = "loaded"
    load_error: str = ""
    active_state: str = "inactive"
    sub_state: str = "dead"
    type: str = "simple"
    restart: str = "no"
    remain_after_exit: bool = False
    triggered_by: tuple[str, ...] = ()
    result: str = "success"
    exec_main_code: int = 0
    exec_main_status: int = 0
    exec_main_started: float = 0.0
    main_pid: int = 0
    invocation: str = ""  # hex; of the last run once that has ended
    n_restarts: int = 0
    start_timeout: float = 90.0  # inf: none
    stop_timeout: float = 90.0
    start_pre_commands: int = 0  # lines of ExecStartPre=; systemd times each one on its own
    start_commands: int = 1
    start_post_commands: int = 0
    stop_commands: int = 0
    stop_post_commands: int = 0
    restart_delay: float = 0.1
    restart_delay_max: float = 0.0  # newer systemd lets the delay grow to this
    state_changed: float = 0.0  # substates count as well
    active_entered: float = 0.0
    inactive_exited: float = 0.0
    inactive_entered: float = 0.0
    condition_result: bool = True
    condition_checked: float = 0.0
    control_group: str = ""  # of the run in which it was read
    slice: str = ""
    job: int = 0  # the queued or running job; 0: none
    # ---------------------------------------------------------------------------------------------
    job_since: float = 0.0
    job_found: tuple[str, float] = ("", 0.0)  # invocation and condition_checked as it came
    down_job: int = 0  # under which the unit went down, or which came while it was down
    stopped_at: float | None = None  # by a job on purpose, and nothing has started it since
    start_limited: bool = False  # a start was refused: too many lately
    last_exit: Exit = Exit()
    crashes: int = 0  # restarts by systemd itself since we first looked
    n_restarts_counted: int = 0  # of n_restarts

    @property
    def is_up(self) -> bool:
        """Tell whether systemd counts the unit as up."""
        return self.active_state in UP_STATES

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is under way."""
        return self.job == 0 and self.active_state not in {"activating", "deactivating"}

    @property
    def longest_start(self) -> float:
        """Return how many seconds systemd may give a start before it gives up."""
        commands = self.start_pre_commands + self.start_commands + self.start_post_commands
        return self.start_timeout * max(1, commands)

    @property
    def longest_stop(self) -> float:
        """Return how many seconds systemd may give a stop before it kills."""
        return self.stop_timeout * (1 + self.stop_commands + self.stop_post_commands)

    @property
    def sockets(self) -> tuple[str, ...]:
        """Return the socket units that start it on demand."""
        return tuple(unit for unit in self.triggered_by if unit.endswith(".socket"))

    @property
    def awaits_auto_restart(self) -> bool:
        """Tell whether systemd itself is about to start it again.

        Covers ``auto-restart-queued``, ``failed-before-auto-restart`` and
        ``dead-before-auto-restart`` of newer systemd, and whatever comes with that name.
        """
        return AUTO_RESTART in self.sub_state

    @property
    def started(self) -> float | None:
        """Return when the present run began, or None if there is none."""
        if self.active_state in {"inactive", "failed"} or self.awaits_auto_restart:
            return None
        if self.main_pid:
            return self.exec_main_started
        return self.inactive_exited or None

    @property
    def is_condition_unmet(self) -> bool:
        """Tell whether the last start was skipped because of a Condition…= line."""
        return not self.condition_result and self.condition_checked > self.inactive_entered


def _seconds(micros: int) -> float:
    micros = int(micros)  # a float might be no number at all
    return math.inf if micros >= 2**64 - 1 else micros / 1e6


_PROPERTIES: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "LoadState": ("load_state", str),
    "LoadError": ("load_error", lambda error: str(error[1])),
    "ActiveState": ("active_state", str),
    "SubState": ("sub_state", str),
    "Type": ("type", str),
    "Restart": ("restart", str),
    "RemainAfterExit": ("remain_after_exit", bool),
    "TriggeredBy": ("triggered_by", tuple),
    "Result": ("result", str),
    "ExecMainCode": ("exec_main_code", int),
    "ExecMainStatus": ("exec_main_status", int),
    "ExecMainStartTimestampMonotonic": ("exec_main_started", _seconds),
    "MainPID": ("main_pid", int),
    "InvocationID": ("invocation", lambda octets: bytes(octets).hex()),
    "NRestarts": ("n_restarts", int),
    "TimeoutStartUSec": ("start_timeout", _seconds),
    "TimeoutStopUSec": ("stop_timeout", _seconds),
    "ExecStartPre": ("start_pre_commands", len),
    "ExecStart": ("start_commands", len),
    "ExecStartPost": ("start_post_commands", len),
    "ExecStop": ("stop_commands", len),
    "ExecStopPost": ("stop_post_commands", len),
    "RestartUSec": ("restart_delay", _seconds),
    "RestartMaxDelayUSec": ("restart_delay_max", _seconds),
    "StateChangeTimestampMonotonic": ("state_changed", _seconds),
    "ActiveEnterTimestampMonotonic": ("active_entered", _seconds),
    "InactiveExitTimestampMonotonic": ("inactive_exited", _seconds),
    "InactiveEnterTimestampMonotonic": ("inactive_entered", _seconds),
    "ConditionResult": ("condition_result", bool),
    "ConditionTimestampMonotonic": ("condition_checked", _seconds),
    "ControlGroup": ("control_group", str),
    "Slice": ("slice", str),
    "Job": ("job", lambda job: int(job[0])),
}

PROPERTIES = frozenset(_PROPERTIES)
"""The D-Bus properties of a unit that are kept; all others are of no interest here."""


def with_properties(state: UnitState, changed: Mapping[str, Any], now: float) -> UnitState:
    """Return *state* with the D-Bus properties *changed*; those not in PROPERTIES are ignored.

    systemd sends a change as two signals, first the service's own properties, then the unit's. Only
    the latter carry ActiveState: with them the pair is complete, and conclusions are drawn.
    """
    fields: dict[str, Any] = {}
    for key, value in changed.items():
        known = _PROPERTIES.get(key)
        if known is not None:
            fields[known[0]] = known[1](value)
    new = replace(state, **fields)
    return _conclude(state, new, now) if "active_state" in fields else new


def with_snapshot(state: UnitState | None, properties: Mapping[str, Any], now: float) -> UnitState:
    """Return what a snapshot of all properties shows, after *state* if there was one.

    What happened before the first snapshot is not counted.
    """
    new = with_properties(state or UnitState(str(properties["Id"])), properties, now)
    if state is None or new.job != state.job:
        # Nobody saw the job come, so it is judged by what it does from here.
        new = replace(new, job_found=(new.invocation, new.condition_checked))
    return replace(new, crashes=0) if state is None else new


def with_job_removed(state: UnitState, job: int, result: str) -> UnitState:
    """Return *state* after the end of *job*, with its *result* (``done``, ``failed``, …).

    A stop on purpose is a job that ended ``done`` and left the unit down without having tried to
    start it: a restart passes through ``inactive`` as well, and one whose condition is unmet ends
    there, ``done``. A refused start leaves ``failed`` with the old invocation.
    """
    is_ours = job == state.down_job and job != 0 and state.active_state not in RUN_STATES
    new = replace(state, job=0) if job == state.job else state
    if not is_ours or state.invocation != state.job_found[0]:
        return new
    is_checked = state.condition_checked > state.job_found[1] and not state.condition_result
    if result == "done" and not is_checked:
        return replace(new, stopped_at=max(state.inactive_entered, state.job_since))
    if result == "failed":
        return replace(new, start_limited=True)
    return new


def with_past_stop(state: UnitState, at: float) -> UnitState:
    """Return *state*, known from elsewhere to have been stopped on purpose at *at*."""
    if state.active_state in RUN_STATES or state.job or state.stopped_at is not None:
        return state
    return replace(state, stopped_at=state.inactive_entered or at)


def _conclude(old: UnitState, new: UnitState, now: float) -> UnitState:
    """Return *new* with what follows from its having come after *old*."""
    follows: dict[str, Any] = {}
    is_new_job = new.job not in {0, old.job}
    if is_new_job:
        follows |= {"job_since": now, "job_found": (old.invocation, old.condition_checked)}
    is_new_run = new.invocation not in {"", old.invocation}
    if new.active_state in RUN_STATES or is_new_run:
        follows |= {"down_job": 0, "stopped_at": None, "start_limited": False}
    if new.active_state not in RUN_STATES and (old.active_state in RUN_STATES or is_new_job):
        follows["down_job"] = new.job
    if new.result == "start-limit-hit":
        follows["start_limited"] = True
    if new.active_state not in UP_STATES and (new.result != "success" or new.exec_main_code):
        follows["last_exit"] = Exit(new.result, new.exec_main_code, new.exec_main_status)
    elif is_new_run:
        follows["last_exit"] = Exit()
    counted = old.n_restarts_counted
    if new.n_restarts != counted:
        # A reset (by a manual start) begins anew at 0: what is there has happened since.
        more = new.n_restarts - (counted if new.n_restarts > counted else 0)
        follows |= {"crashes": old.crashes + more, "n_restarts_counted": new.n_restarts}
    return replace(new, **follows)
