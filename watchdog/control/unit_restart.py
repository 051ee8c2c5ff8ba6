"""One restart of a unit: ask for it, follow the job to its end, look at what came of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from watchdog.control.bus import SystemBus
from watchdog.control.exits import exit_in_words
from watchdog.control.followed_unit import DENIED, FollowedUnit
from watchdog.control.judge import job_bound
from watchdog.control.permission import NOT_INSTALLED, Polkit, polkit
from watchdog.control.systemd_names import DISCONNECTED, NO_REPLY, SYSTEMD, properties_of
from watchdog.core.model import (
    RestartFinished,
    RestartOutcome,
)
from watchdog.core.spans import span
from watchdog.errors import BusError

BUS_WAIT = 10.0
"""Seconds for a lost bus to come back before the restart is given up."""

SETTLE = 0.05
"""Seconds in which a Type=simple unit, ``done`` once it is forked, may prove unable to run."""

_HOPELESS = frozenset(
    f"{SYSTEMD}.{name}"
    for name in ("UnitMasked", "NoSuchUnit", "BadUnitSetting", "LoadFailed", "OnlyByDependency")
) | {"org.freedesktop.DBus.Error.InvalidArgs"}

Outcome = tuple[RestartOutcome, str]


async def restart_unit(unit: FollowedUnit, bus: SystemBus) -> RestartFinished:
    """Restart *unit* and return how that ended; bounded by the unit's own timeouts."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(BUS_WAIT):
            await unit.reach(lambda: unit.is_current)
    except TimeoutError:
        why = bus.trouble or "cannot ask systemd"
        outcome = RestartOutcome.FAILED, f"cannot restart {unit.state.name}: {why}"
        return RestartFinished(*outcome, time.monotonic() - began)
    bound = job_bound(unit.state)
    try:
        async with asyncio.timeout(bound):
            outcome = await _restart(unit, bus)
    except TimeoutError:
        state = unit.state
        where = f"{state.active_state} ({state.sub_state})"
        outcome = (
            RestartOutcome.FAILED,
            f"the restart of {state.name} is not over after {span(bound)}: it is {where}",
        )
    return RestartFinished(*outcome, time.monotonic() - began)


async def _restart(unit: FollowedUnit, bus: SystemBus) -> Outcome:
    if unit.state.start_limited:
        await _reset_failed(unit, bus)
    outcome = await _try_restart(unit, bus)
    if outcome[0] is RestartOutcome.FAILED and unit.state.start_limited:
        # Our own restarts count towards the limit as well: it is the budget's to bound them.
        await _reset_failed(unit, bus)
        outcome = await _try_restart(unit, bus)
    return outcome


async def _reset_failed(unit: FollowedUnit, bus: SystemBus) -> None:
    with suppress(BusError):  # the restart will say what is wrong
        await bus.call("ResetFailedUnit", "s", [unit.state.name])


async def _try_restart(unit: FollowedUnit, bus: SystemBus) -> Outcome:
    run, pending = unit.state.invocation, unit.state.job
    try:
        # "fail": an operator's job that is already there has precedence.
        body = await bus.call("RestartUnit", "ss", [unit.state.name, "fail"])
    except BusError as error:
        if error.name in {DISCONNECTED, NO_REPLY}:
            return await _look_again(unit, run, str(error))
        return await _refusal(unit, bus, error)
    job = int(str(body[0]).rpartition("/")[2])
    await unit.reach(lambda: bool(unit.job_result(job)) or not unit.is_current)
    match unit.job_result(job):
        case "":
            return await _look_again(unit, run, "the bus was lost")
        case "done":
            return await _verify(unit, bus, run, is_joined=job == pending)
        case result:
            return _failure(unit, result)


def _failure(unit: FollowedUnit, result: str) -> Outcome:
    """Say why a job ended otherwise than ``done``."""
    state = unit.state
    match result:
        case "canceled":
            return RestartOutcome.YIELDED, f"another job for {state.name} replaced the restart"
        case "dependency":
            why = f"what it requires failed; see: systemctl list-dependencies {state.name}"
        case "failed" | "timeout" if state.start_limited:
            why = "systemd refuses: too many starts (start limit)"
        case "failed" | "timeout":
            why = exit_in_words(state.last_exit)
        case _:
            why = f"systemd's job ended {result!r}"
    return RestartOutcome.FAILED, f"{state.name} did not start: {why}"


async def _verify(unit: FollowedUnit, bus: SystemBus, run: str, *, is_joined: bool) -> Outcome:
    """Look at what the job left: ``done`` is said of processes that cannot run, too."""
    if unit.state.type in {"simple", "idle"} and unit.state.is_up:
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                await unit.reach(lambda: not unit.state.is_up)
    state = unit.state
    is_new = state.invocation != run or is_joined
    is_over = state.type == "oneshot" and state.active_state == "inactive"
    if is_new and (state.is_up or (is_over and state.result == "success")):
        return RestartOutcome.DONE, f"systemd restarted {state.name}"
    if state.is_up:
        return RestartOutcome.FAILED, f"{state.name} was not restarted: its run is the same"
    if state.is_condition_unmet:
        conditions = await _unmet_conditions(unit, bus)
        return RestartOutcome.FAILED, f"{state.name} was not started: {conditions} was not met"
    ended = exit_in_words(state.last_exit)
    return RestartOutcome.FAILED, f"{state.name} was started, and ended at once: {ended}"


async def _look_again(unit: FollowedUnit, run: str, reason: str) -> Outcome:
    """See what came of a restart that could not be followed to its end."""
    await unit.reach(lambda: unit.is_current and unit.state.is_settled)
    state = unit.state
    if state.is_up and state.invocation != run:
        return RestartOutcome.DONE, f"systemd restarted {state.name}; meanwhile, {reason}"
    why = "" if state.invocation == run else f", and it {exit_in_words(state.last_exit)}"
    return RestartOutcome.FAILED, f"cannot follow the restart of {state.name}: {reason}{why}"


async def _refusal(unit: FollowedUnit, bus: SystemBus, error: BusError) -> Outcome:
    """Say why systemd takes no job."""
    cannot = f"cannot restart {unit.state.name}"
    if error.name == f"{SYSTEMD}.TransactionIsDestructive":
        return RestartOutcome.YIELDED, f"{cannot}: another job is pending ({error})"
    # A masked polkit.service shows as the same UnitMasked, but it is not our unit's name in it.
    polkit_down = "polkit" in str(error) and unit.state.name not in str(error)
    if error.name in DENIED or polkit_down:
        stands = Polkit.STARTS if polkit_down else await polkit(bus)
        if stands is Polkit.MISSING:
            return RestartOutcome.IMPOSSIBLE, f"{cannot}: {NOT_INSTALLED} ({error})"
        if stands is Polkit.STARTS:
            # As while its package is upgraded: it will be back, and is then asked again.
            advice = "polkit, which systemd asks, does not run; see: systemctl status polkit"
            return RestartOutcome.FAILED, f"{cannot}: {advice} ({error})"
        advice = "no permission; run: sudo service-watchdog grant"
        return RestartOutcome.IMPOSSIBLE, f"{cannot}: {advice} ({error})"
    if error.name in _HOPELESS:
        return RestartOutcome.IMPOSSIBLE, f"{cannot}: {error}"
    return RestartOutcome.FAILED, f"{cannot}: {error}"


async def _unmet_conditions(unit: FollowedUnit, bus: SystemBus) -> str:
    """Return the unmet Condition…= lines of the unit file."""
    found: list[str] = []
    with suppress(BusError, LookupError, TypeError, ValueError):
        body = await bus.call(
            "Get", "ss", [f"{SYSTEMD}.Unit", "Conditions"], to=properties_of(unit.path)
        )
        for kind, _is_trigger, is_negated, parameter, state in body[0].value:
            if state < 0:
                found.append(f"{kind}={'!' if is_negated else ''}{parameter}")
    return ", ".join(found) or "a Condition…= of its unit file"
