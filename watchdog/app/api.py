"""The calls of the control socket, and what they answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

import watchdog
from watchdog.core import policy as rules
from watchdog.core.model import (
    Alert,
    AlertKind,
    Maintenance,
    Observation,
    Paused,
    Phase,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silence,
    Silenced,
    State,
    Unsilenced,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.web.control_socket import Call, RefusalError
from watchdog.worker import Worker

if TYPE_CHECKING:
    from watchdog.app.engine import Engine

FINE, BROKEN, UNASKED, BUSY = 0, 1, 3, 4
"""Exit codes: all is fine; the service is not; it could not be asked; something is in progress."""

_CODES = {
    Phase.HEALTHY: FINE,
    Phase.SUSPECT: BROKEN,
    Phase.WAITING: BROKEN,
    Phase.FAILING: BROKEN,
    Phase.GAVE_UP: BROKEN,
}

_VERDICT_CODES = {
    Verdict.PASS: FINE,
    Verdict.FAIL: BROKEN,
    Verdict.UNKNOWN: UNASKED,
    Verdict.HOLD: BUSY,
}

_UNPROVEN = frozenset({Phase.PENDING, Phase.RESTARTING, Phase.RECOVERING})
"""What came of a restart is not known yet. All that follows, a second try too, is an answer."""


_NAMED = 10  # services, to somebody who has asked for one that is not there


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""


class _Pause(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    seconds: float
    reason: str = ""


class _Incidents(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""
    limit: int = 20


class _Test(msgspec.Struct, forbid_unknown_fields=True):
    channel: str = ""


class Api:
    """Answers about, and acts on, what the engine runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def calls(self) -> Mapping[str, Call]:
        """Return the calls by name."""
        return {
            "status": self.status,
            "check": self.check,
            "restart": self.restart,
            "pause": self.pause,
            "resume": self.resume,
            "silence": self.silence,
            "unsilence": self.unsilence,
            "test-alert": self.test_alert,
            "incidents": self.incidents,
        }

    async def status(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Describe the daemon, its services and its channels."""
        workers = self._chosen(msgspec.convert(arguments, _Names).name)
        mono = self._engine.clock.now().mono
        services = [describe(worker, mono) for worker in workers]
        return {
            "services": services,
            "channels": await self._engine.channels.describe(),
            "daemon": {
                "version": watchdog.__version__,
                "pid": os.getpid(),
                "host": self._engine.host,
                "trouble": self._engine.troubles(),
                "late_ms": _quantiles(self._engine.late()),
            },
            "code": _worst([service["code"] for service in services]),
        }

    async def check(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Run one round now and tell what it found."""
        workers = self._chosen(msgspec.convert(arguments, _Names).name)
        await asyncio.gather(*(worker.fresh() for worker in workers))
        mono = self._engine.clock.now().mono
        services = []
        for worker in workers:
            seen = worker.seen
            verdict = seen.verdict if seen is not None else Verdict.UNKNOWN
            code = _VERDICT_CODES[verdict]
            services.append(describe(worker, mono) | {"verdict": verdict, "code": code})
        return {"services": services, "code": _worst([service["code"] for service in services])}

    async def restart(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Restart a service and answer once its health is proven, or is not."""
        worker = self._one(msgspec.convert(arguments, _Names).name)
        if _is_restarting(worker.state):
            raise RefusalError(
                f"cannot restart {worker.service.name}: a restart is under way already", BUSY
            )
        began, before = self._engine.clock.now().mono, worker.finished
        await worker.tell(RestartRequested(caller))
        while _is_restarting(worker.state) and not worker.ended:
            await worker.turned()
        end = worker.finished if worker.finished is not before else None
        while worker.state.phase in _UNPROVEN and not worker.ended and _is_done(end):
            await worker.turned()
            if worker.seen is not None and worker.seen.verdict is Verdict.UNKNOWN:
                break  # it may stay so
        now = self._engine.clock.now().mono
        answer = describe(worker, now) | {"took": round(now - began, 2)}
        if end is None or _is_done(end):
            return answer
        return answer | {"reason": end.reason, "restart": end.outcome.value, "code": BROKEN}

    async def pause(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Begin maintenance."""
        wanted = _bounded("pause", arguments)
        worker = self._one(wanted.name)
        until = self._engine.clock.now().mono + wanted.seconds
        await worker.tell(Paused(until, caller, wanted.reason or "no reason given"))
        return describe(worker, self._engine.clock.now().mono)

    async def resume(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """End maintenance and judge anew."""
        worker = self._one(msgspec.convert(arguments, _Names).name)
        if worker.state.phase is not Phase.MAINTENANCE:
            raise RefusalError(f"cannot resume {worker.service.name}: it is not paused", BROKEN)
        await worker.tell(Resumed(caller))
        await worker.fresh()
        return describe(worker, self._engine.clock.now().mono)

    async def silence(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Keep alerts about a service back for a while."""
        wanted = _bounded("silence", arguments)
        worker = self._one(wanted.name)
        until = self._engine.clock.now().mono + wanted.seconds
        await worker.tell(Silenced(until, caller, wanted.reason or "no reason given"))
        return describe(worker, self._engine.clock.now().mono)

    async def unsilence(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """End a silence; what it kept back and is still true is told."""
        worker = self._one(msgspec.convert(arguments, _Names).name)
        if worker.state.silence is None:
            raise RefusalError(f"cannot unsilence {worker.service.name}: it is not silent", BROKEN)
        await worker.tell(Unsilenced(caller))
        return describe(worker, self._engine.clock.now().mono)

    async def test_alert(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Send a test alert the way of every other and tell how each channel took it."""
        channel = msgspec.convert(arguments, _Test).channel
        known = self._engine.channels.destinations
        chosen = [name for name in known if name == channel or name.split(":")[0] == channel]
        if not channel:
            chosen = list(known)
        if not chosen:
            there = ", ".join(known) or "none: the configuration names no channel"
            raise RefusalError(
                f"cannot test {channel or 'alerts'}: no such channel; there is {there}"
            )
        now = self._engine.clock.now()
        asked = Circumstance(CircumstanceKind.TEST, subject=caller)
        reason = f"test asked for by {caller}; all is well"
        alert = Alert(AlertKind.TEST, "", now.wall, reason, circumstance=asked)
        outcomes = await self._engine.channels.send(alert, chosen)
        bad = any(not outcome["delivered"] for outcome in outcomes)
        return {"channels": outcomes, "code": BROKEN if bad else FINE}

    async def incidents(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """List the latest incidents, or tell one of them in full."""
        wanted = msgspec.convert(arguments, _Incidents)
        if wanted.id:
            incident = await self._engine.store.incident(wanted.id)
            if incident is None:
                raise RefusalError(
                    f"cannot show incident {wanted.id}: there is none of that id", BROKEN
                )
            return {"incident": msgspec.to_builtins(incident)}
        limit = max(1, min(wanted.limit, 1000))
        return {"incidents": msgspec.to_builtins(await self._engine.store.incidents(limit))}

    def _chosen(self, name: str) -> Sequence[Worker]:
        return [self._one(name)] if name else list(self._engine.workers.values())

    def _one(self, name: str) -> Worker:
        worker = self._engine.workers.get(name)
        if worker is None:
            names = list(self._engine.workers)
            there = ", ".join(names[:_NAMED]) + (", …" if names[_NAMED:] else "")
            raise RefusalError(
                f"cannot find service {name!r}: it is not configured; there is {there}"
            )
        return worker


def _bounded(what: str, arguments: Mapping[str, Any]) -> _Pause:
    wanted = msgspec.convert(arguments, _Pause)
    if not 1 <= wanted.seconds <= 30 * 86400:
        raise RefusalError(
            f"cannot {what} {wanted.name}: {wanted.seconds:g} s is not between 1 s and 30 days; "
            "nothing has changed"
        )
    return wanted


def describe(worker: Worker, mono: float) -> dict[str, Any]:
    """Return what is known of a service, as JSON can say it; durations in seconds."""
    state, policy = worker.state, worker.service.policy
    incident, seen = state.incident, worker.seen
    due = worker.next_round
    return {
        "name": state.service,
        "phase": state.phase.value,
        "for": round(mono - state.since, 1) if state.since else None,
        "reason": _reason(worker, seen),
        "failures": state.failures,
        "max_failures": policy.max_failures,
        "checks": [_check(answer) for answer in worker.results],
        "restarts_left": 0 if state.gave_up else rules.budget_left(state, policy, mono),
        "restart_in": round(state.restart_at - mono, 1) if state.restart_at else None,
        "incident": incident and {"id": incident.id, "opened": incident.opened},
        "maintenance": _while(state.maintenance, mono),
        "silence": _while(state.silence, mono),
        "next_round_in": round(due - mono, 2) if due is not None else None,
        "pid": worker.control.main_pid,
        "run": worker.control.identity,
        "code": _CODES.get(state.phase, BUSY),
    }


def _is_restarting(state: State) -> bool:
    """Tell whether a restart of ours is under way; in maintenance a person may ask for one."""
    waits = state.phase is Phase.MAINTENANCE and state.unfinished
    return waits or state.phase is Phase.RESTARTING


def _is_done(end: RestartFinished | None) -> bool:
    return end is not None and end.outcome is RestartOutcome.DONE


def _while(asked_for: Maintenance | Silence | None, mono: float) -> dict[str, Any] | None:
    """Return who asked for it, why, and for how many more seconds."""
    if asked_for is None:
        return None
    ends_in = round(asked_for.until - mono, 1)
    return {"owner": asked_for.owner, "reason": asked_for.reason, "ends_in": ends_in}


def _reason(worker: Worker, seen: Observation | None) -> str:
    if worker.state.phase is Phase.HEALTHY:
        return ""
    if seen is not None and seen.verdict is not Verdict.PASS:
        return seen.reason
    return worker.state.cause.reason if worker.state.cause is not None else ""


def _check(answer: Observation) -> dict[str, Any]:
    return {
        "check": answer.check,
        "verdict": answer.verdict.value,
        "reason": answer.reason,
        "ms": round(answer.duration * 1000, 2),
    }


def _worst(codes: Sequence[int]) -> int:
    """Return the exit code of the whole: broken before unasked before busy before fine."""
    return next((code for code in (BROKEN, UNASKED, BUSY) if code in codes), FINE)


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return how late rounds began, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        name: round(ordered[round(last * share)] * 1000, 3)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }
