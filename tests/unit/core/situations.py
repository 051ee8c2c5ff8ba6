"""Where a service can stand, and what can happen to it: the two sides of the full product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from tests.unit.core.life import (
    ASKED,
    BEGAN,
    BEGAN_BEFORE_IT,
    CRASH,
    DEAD,
    DONE,
    FAILED,
    HOLD,
    HTTP,
    IMPOSSIBLE,
    MONO,
    PASS,
    RESUME,
    STARTED,
    STRANGER,
    UNKNOWN,
    WALL,
    YIELDED,
    memory,
)
from watchdog.core.machine import step
from watchdog.core.model import (
    Acknowledged,
    Alert,
    AlertKind,
    Crashed,
    Effect,
    Event,
    Incident,
    Leased,
    Maintenance,
    Note,
    NoteKind,
    Now,
    Paused,
    Phase,
    Pressed,
    Released,
    Restart,
    RestartRequested,
    Silence,
    Silenced,
    State,
    Unsilenced,
)
from watchdog.core.service import Policy

NOW = Now(MONO, WALL)

_at = partial(State, "api", since=MONO - 10)
_incident = Incident("abc234", WALL - 60, MONO - 60)
_loop = Incident("abc234", WALL - 60, MONO - 60, crash_loop=True)
_told = Incident("abc234", WALL - 60, MONO - 60, told_gave_up=True)
_long = Incident("abc234", WALL - 3600, MONO - 3600)
_untold = Incident("abc234", WALL - 60, MONO - 60, told=False, hushed=True)
_kept_back = Incident("abc234", WALL - 60, MONO - 60, hushed=True)
_known = Incident("abc234", WALL - 3600, MONO - 3600, acknowledged=("kim",))
_flapping = Incident("abc234", WALL - 60, MONO - 60, flapping=True)
_turning = Incident("abc234", WALL - 300, MONO - 300, flapping=True)
_turns = tuple(MONO - ago for ago in (900, 600, 400, 200))
_silence = Silence(MONO + 60, "kim", "deploy")
_over = Silence(MONO, "kim", "deploy")
_by_kim = Maintenance(MONO + 60, "kim", "deploy")
_lease = Maintenance(MONO + 60, "lee", "deploy", lease="d1")
_broken = partial(_at, cause=HTTP, failures=3)
_restarted = partial(_at, cause=DEAD, restarts=(MONO - 10,), attempts=1, restarted=1)
_spent = partial(
    _broken,
    Phase.GAVE_UP,
    restarts=tuple(MONO - ago for ago in (90, 80, 70, 50, 10)),
    attempts=5,
    restarted=5,
    gave_up=True,
    incident=_told,
)

# "!": an incident is open. "+": one passing round has been seen, the next one is the proof.
SITUATIONS: Mapping[str, State] = {
    "pending": State("api"),
    "pending !+": _at(Phase.PENDING, cause=HTTP, incident=_incident, passes=1),
    "healthy": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 10),
    "healthy 5 min": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 300, attempts=1),
    "healthy !": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 10, incident=_flapping),
    "healthy ! 30 min": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 1800, incident=_flapping),
    "healthy, 4 lost": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 10, losses=_turns),
    "healthy, again": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 10, closed=MONO - 10),
    "suspect 1/3": _at(Phase.SUSPECT, failures=1, cause=HTTP),
    "suspect 2/3": _at(Phase.SUSPECT, failures=2, cause=HTTP),
    "held": _at(Phase.HELD),
    "held !+": _broken(Phase.HELD, incident=_incident, passes=1),
    "waiting": _restarted(Phase.WAITING, failures=2, restart_at=MONO + 5, failed_at=MONO - 1),
    "waiting 30 s": _restarted(Phase.WAITING, failures=2, restart_at=MONO + 5),
    "waiting, due": _restarted(Phase.WAITING, failures=2, restart_at=MONO),
    "waiting, owed": _restarted(Phase.WAITING, failures=1, restart_at=MONO, unfinished=True),
    "waiting !+, due": _restarted(
        Phase.WAITING, failures=3, restart_at=MONO, incident=_incident, passes=1
    ),
    "restarting": _restarted(Phase.RESTARTING, failures=1),
    "restarting !": _restarted(Phase.RESTARTING, failures=3, incident=_incident),
    "restarting, asked": _at(Phase.RESTARTING, restarted=1),
    "recovering": _restarted(Phase.RECOVERING, failures=1),
    "recovering +": _restarted(Phase.RECOVERING, failures=2, passes=1),
    "recovering !+": _restarted(Phase.RECOVERING, failures=3, incident=_incident, passes=1),
    "failing !+": _broken(Phase.FAILING, incident=_incident, passes=1),
    "failing ! 1 h": _broken(Phase.FAILING, incident=_long),
    "failing ! known": _broken(Phase.FAILING, incident=_known),
    "silent": _at(Phase.HEALTHY, passes=2, healthy_since=MONO - 10, silence=_silence),
    "silent 2/3": _at(Phase.SUSPECT, failures=2, cause=HTTP, silence=_silence),
    "silent !+": _broken(Phase.FAILING, incident=_incident, passes=1, silence=_silence),
    "silent ?+": _broken(Phase.FAILING, incident=_untold, passes=1, silence=_silence),
    "silence over": _broken(Phase.FAILING, incident=_untold, passes=1, silence=_over),
    "silence over !": _broken(Phase.FAILING, incident=_kept_back, silence=_over),
    "failing ! loop +": _at(Phase.FAILING, incident=_loop, crashes=(MONO - 5,), passes=1),
    "gave up !": _spent(restart_at=MONO + 5, failed_at=MONO - 1),
    "gave up !, due": _spent(restart_at=MONO),
    "gave up !+": _spent(restart_at=MONO + 5, passes=1),
    "gave up ! turns": replace(_spent(restart_at=MONO + 5, since=MONO - 90), incident=_turning),
    "maintenance": _at(Phase.MAINTENANCE, maintenance=Maintenance(MONO + 60, "kim", "deploy")),
    "maint., restart": _at(
        Phase.MAINTENANCE, maintenance=Maintenance(MONO + 60, "kim", "deploy"), unfinished=True
    ),
    "maint., over": _at(Phase.MAINTENANCE, maintenance=Maintenance(MONO, "kim", "deploy")),
    "leased": _at(Phase.MAINTENANCE, maintenance=_lease),
    "leased !": _broken(Phase.MAINTENANCE, maintenance=_lease, incident=_incident),
    "leased, restart": _at(Phase.MAINTENANCE, maintenance=_lease, unfinished=True),
    "leased, paused": _at(Phase.MAINTENANCE, maintenance=replace(_lease, under=_by_kim)),
    "leased, over": _at(Phase.MAINTENANCE, maintenance=replace(_lease, until=MONO)),
}

EVENTS: Mapping[str, Event] = {
    "pass": PASS,
    "http": HTTP,
    "dead": DEAD,
    "stranger": STRANGER,  # no restart can help
    "hold": HOLD,
    "unknown": UNKNOWN,
    "done": DONE,
    "failed": FAILED,
    "yielded": YIELDED,
    "impossible": IMPOSSIBLE,
    "crash": CRASH,  # the keeper mends it
    "loop": Crashed(3, CRASH.reason),
    "began": BEGAN,  # the daemon is back; the restart it left was issued
    "unissued": BEGAN_BEFORE_IT,  # the same; it was not
    "pause": Paused(MONO + 60, "kim", "deploy"),
    "resume": RESUME,
    "lease": Leased("d1", MONO + 90, "lee"),  # a deploy begins, or the one that goes on is back
    "second": Leased("d2", MONO + 90, "ann"),
    "end": Released("d1", "done"),
    "asked": ASKED,  # a person wants a restart
    "silence": Silenced(MONO + 60, "kim", "deploy"),
    "speak": Unsilenced("kim"),
    "measured": memory(95),  # worth a warning
    "started": STARTED,
    "seen": Acknowledged("kim"),
    "late": RestartRequested("kim", incident="xyz567"),  # of an incident that is over
    "pressed": Pressed("xyz567", "restart refused"),
}

_NOTES: Mapping[NoteKind, str] = {
    NoteKind.FAILED: "f",
    NoteKind.OPENED: "o",
    NoteKind.CLOSED: "c",
    NoteKind.RESTART: "r",
    NoteKind.RESTART_FAILED: "x",
    NoteKind.HEALED: "h",
    NoteKind.CRASHED: "k",
    NoteKind.HELD: "w",
    NoteKind.GAVE_UP: "g",
    NoteKind.REARMED: "a",
    NoteKind.PAUSED: "p",
    NoteKind.RESUMED: "u",
    NoteKind.LEASED: "l",
    NoteKind.RELEASED: "d",
    NoteKind.SILENCED: "s",
    NoteKind.UNSILENCED: "e",
    NoteKind.WARNED: "m",
    NoteKind.WARNING_OVER: "v",
    NoteKind.ACKNOWLEDGED: "n",
    NoteKind.PRESSED: "b",
}
_ALERTS: Mapping[AlertKind, str] = {
    AlertKind.FIRING: "FIRING",
    AlertKind.GAVE_UP: "GAVE-UP",
    AlertKind.REMINDER: "REMINDER",
    AlertKind.RESOLVED: "RESOLVED",
    AlertKind.UPDATE: "~",
    AlertKind.WARNING: "WARNING",
    AlertKind.WARNING_OVER: "OVER",
}


def cell(situation: str, event: str) -> str:
    """Return what the machine makes of *event* in *situation*, as the table writes it."""
    before = SITUATIONS[situation]
    result = step(before, EVENTS[event], Policy(), NOW)
    phase = "." if result.state.phase is before.phase else result.state.phase.value
    return " ".join(filter(None, [phase, _words(result.effects)]))


def _words(effects: Sequence[Effect]) -> str:
    notes = "".join(_NOTES[effect.kind] for effect in effects if isinstance(effect, Note))
    alerts = [_ALERTS[effect.kind] for effect in effects if isinstance(effect, Alert)]
    restarts = ["R" for effect in effects if isinstance(effect, Restart)]
    return " ".join(filter(None, [notes, *alerts, *restarts]))
