"""The calls of the control socket, and what they answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

import watchdog
from watchdog.app.describing import (
    BROKEN,
    BUSY,
    FINE,
    VERDICT_CODES,
    describe,
    describe_many,
    quantiles,
    warnings,
    worst,
)
from watchdog.app.leases import Leases, refuse_while_leased
from watchdog.core.model import (
    Acknowledged,
    Alert,
    AlertKind,
    Paused,
    Phase,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silenced,
    State,
    Unsilenced,
    Verdict,
)
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.web.control_socket import Call, Hold, RefusalError
from watchdog.worker import Worker

if TYPE_CHECKING:
    from watchdog.app.engine import Engine

_UNPROVEN = frozenset({Phase.PENDING, Phase.RESTARTING, Phase.RECOVERING})
"""What came of a restart is not known yet. All that follows, a second try too, is an answer."""


_PAGE = 1000  # rows of history in one answer

_NAMED = 10  # services, to somebody who has asked for one that is not there


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class _Restart(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    incident: str = ""


class _ForAWhile(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    seconds: float
    reason: str = ""
    incident: str = ""


class _Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    reason: str = ""
    incident: str = ""


class _Incidents(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""
    limit: int = 20
    service: str = ""
    since: float = 0.0


class _History(msgspec.Struct, forbid_unknown_fields=True):
    service: str = ""
    after: int = 0


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
            "ack": self.acknowledge,
            "test-alert": self.test_alert,
            "latency": self.latency,
            "incidents": self.incidents,
            "history": self.history,
        }

    def holds(self) -> Mapping[str, Hold]:
        """Return the calls that hold something for as long as their connection lives."""
        return {"lease": Leases(self._engine).lease}

    async def status(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Describe the daemon, its services and its channels."""
        workers = self._chosen(msgspec.convert(arguments, _Names).name)
        services = await describe_many(workers, self._engine.clock)
        return {
            "services": services,
            "channels": [
                {**channel, "buttons": self._engine.buttons.status(channel["name"])}
                for channel in await self._engine.channels.describe()
            ],
            "daemon": {
                "version": watchdog.__version__,
                "pid": os.getpid(),
                "host": self._engine.host,
                "trouble": self._engine.troubles(),
                "warnings": warnings(self._engine.warner.state),
                "late_ms": quantiles(list(self._engine.late)),
            },
            "code": worst([service["code"] for service in services]),
        }

    async def latency(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Tell how long the last check of recent rounds of a service took."""
        worker = self._one(msgspec.convert(arguments, _Named).name)
        return {"name": worker.service.name, "rows": worker.latency.rows()}

    async def check(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Run one round now and tell what it found."""
        workers = self._chosen(msgspec.convert(arguments, _Names).name)
        await asyncio.gather(*(worker.fresh() for worker in workers))
        mono = self._engine.clock.now().mono
        services = []
        for worker in workers:
            seen = worker.seen
            verdict = seen.verdict if seen is not None else Verdict.UNKNOWN
            code = VERDICT_CODES[verdict]
            services.append(describe(worker, mono) | {"verdict": verdict, "code": code})
        return {"services": services, "code": worst([service["code"] for service in services])}

    async def restart(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Restart a service and answer once its health is proven, or is not."""
        wanted = msgspec.convert(arguments, _Restart)
        worker = self._one(wanted.name)
        _check_incident("restart", worker, wanted.incident)
        refuse_while_leased("restart", worker)
        proving = wanted.incident and worker.state.phase is Phase.RECOVERING
        if _is_restarting(worker.state) or proving:  # who saw the incident did not see the restart
            raise RefusalError(
                f"cannot restart {worker.service.name}: a restart is under way already", BUSY
            )
        began, before = self._engine.clock.now().mono, worker.finished
        await worker.tell(RestartRequested(caller, wanted.incident))
        _check_incident("restart", worker, wanted.incident)
        refuse_while_leased("restart", worker)
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
        return await self._for_a_while("pause", Paused, arguments, caller)

    async def resume(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """End maintenance and judge anew."""
        worker = self._one(msgspec.convert(arguments, _Names).name)
        if worker.state.phase is not Phase.MAINTENANCE:
            raise RefusalError(f"cannot resume {worker.service.name}: it is not paused", BROKEN)
        held = worker.state.maintenance
        if held is not None and held.under is None:
            refuse_while_leased("resume", worker)
        await worker.tell(Resumed(caller))
        await worker.fresh()
        return describe(worker, self._engine.clock.now().mono)

    async def silence(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Keep alerts about a service back for a while."""
        return await self._for_a_while("silence", Silenced, arguments, caller)

    async def unsilence(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """End a silence; what it kept back and is still true is told."""
        worker = self._one(msgspec.convert(arguments, _Names).name)
        if worker.state.silence is None:
            raise RefusalError(f"cannot unsilence {worker.service.name}: it is not silent", BROKEN)
        await worker.tell(Unsilenced(caller))
        return describe(worker, self._engine.clock.now().mono)

    async def acknowledge(self, arguments: Mapping[str, Any], caller: str) -> dict[str, Any]:
        """Let a person say that the open incident of a service is seen."""
        wanted = msgspec.convert(arguments, _Acknowledge)
        worker = self._one(wanted.name)
        _check_incident("acknowledge", worker, wanted.incident)
        if worker.state.incident is None:
            raise RefusalError(f"cannot acknowledge {wanted.name}: it has no open incident", BROKEN)
        await worker.tell(Acknowledged(caller, wanted.reason, wanted.incident))
        _check_incident("acknowledge", worker, wanted.incident)
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
        store = self._engine.store
        if wanted.id:
            return {"incident": msgspec.to_builtins(await store.story(wanted.id))}
        limit = max(1, min(wanted.limit, 1000))
        found = await store.incidents(limit, wanted.service, wanted.since)
        return {"incidents": msgspec.to_builtins(found)}

    async def history(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Hand out a part of the recorded history; whoever asks makes sense of it.

        A long one must not keep the loop from its work, so it comes in pages.
        """
        wanted = msgspec.convert(arguments, _History)
        store, now = self._engine.store, self._engine.clock.now()
        rows = await store.history(wanted.service, wanted.after, _PAGE)
        answer = {"rows": msgspec.to_builtins(rows), "more": len(rows) == _PAGE}
        if answer["more"]:
            return answer
        lives = msgspec.to_builtins(await store.lives())
        alive = {"id": await store.life(), "mono": now.mono, "wall": now.wall}
        return answer | {"lives": lives, "alive": alive}

    async def _for_a_while(
        self,
        call: str,
        event: type[Paused | Silenced],
        arguments: Mapping[str, Any],
        caller: str,
    ) -> dict[str, Any]:
        wanted = msgspec.convert(arguments, _ForAWhile)
        if not 1 <= wanted.seconds <= 30 * 86400:
            raise RefusalError(
                f"cannot {call} {wanted.name}: {wanted.seconds:g} s is not between 1 s and"
                " 30 days; nothing has changed"
            )
        worker = self._one(wanted.name)
        _check_incident(call, worker, wanted.incident)
        until = self._engine.clock.now().mono + wanted.seconds
        reason = wanted.reason or "no reason given"
        await worker.tell(event(until, caller, reason, wanted.incident))
        _check_incident(call, worker, wanted.incident)
        return describe(worker, self._engine.clock.now().mono)

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


def _check_incident(call: str, worker: Worker, incident: str) -> None:
    """Raise RefusalError if *incident* is given and is not the open one of the service."""
    is_open = worker.state.incident
    if incident and (is_open is None or is_open.id != incident):
        raise RefusalError(
            f"cannot {call} {worker.service.name}: incident {incident} is over", BROKEN
        )


def _is_restarting(state: State) -> bool:
    """Tell whether a restart of ours is under way; in maintenance a person may ask for one."""
    waits = state.phase is Phase.MAINTENANCE and state.unfinished
    return waits or state.phase is Phase.RESTARTING


def _is_done(end: RestartFinished | None) -> bool:
    return end is not None and end.outcome is RestartOutcome.DONE
