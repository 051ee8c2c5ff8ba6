"""The values everything else speaks in: observations, events, states, effects, alerts.

Times named ``mono`` or measured against ``Now.mono`` are seconds of CLOCK_MONOTONIC; it does not
jump when an administrator sets the clock. Stamps named ``wall`` are UNIX seconds, for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchdog.core.standing import Measured, StandingWarning, Started
from watchdog.core.telling import Circumstance, Diversion, Measure


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks."""

    mono: float
    wall: float


class Verdict(StrEnum):
    """What one check found. Only FAIL counts."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    HOLD = "hold"  # not to be judged now: starting, deploying, stopped on purpose
    UNKNOWN = "unknown"  # the probe could not run


@dataclass(frozen=True, slots=True)
class Observation:
    """The answer of one check, or of a whole round: its first check that did not pass."""

    verdict: Verdict
    check: str  # "unit", "process", "status", "port", "http"
    reason: str
    duration: float = 0.0  # seconds
    curable: bool = True  # False: a restart cannot help (a stranger on the port, a masked unit)
    dead: bool = False  # no process is left: nothing to wait for, nothing a restart destroys
    until: float | None = None  # mono: when a HOLD ends by itself; look again then
    circumstance: Circumstance | None = None  # what ``reason`` consists of, if that is known


class Phase(StrEnum):
    """Where a service stands in the state machine."""

    PENDING = "pending"  # not judged yet
    HEALTHY = "healthy"
    SUSPECT = "suspect"  # failing, below every threshold
    HELD = "held"  # not to be judged now
    WAITING = "waiting"  # a restart is due when its backoff ends
    RESTARTING = "restarting"  # our restart is under way
    RECOVERING = "recovering"  # restarted, health not proven yet
    FAILING = "failing"  # beyond the thresholds, and a restart cannot help or is switched off
    GAVE_UP = "gave-up"  # restart budget spent; slow half-open retries
    MAINTENANCE = "maintenance"  # no restarts, no alerts


# --- events: what the state machine is told; an Observation is one as well -------------------


class RestartOutcome(StrEnum):
    """How a restart ended, as far as the one who restarts can tell: not yet a proof of health."""

    DONE = "done"
    FAILED = "failed"
    YIELDED = "yielded"  # somebody else's job replaced ours
    IMPOSSIBLE = "impossible"  # no permission, masked, not found: trying again cannot help


@dataclass(frozen=True, slots=True)
class RestartFinished:
    """Our restart is over."""

    outcome: RestartOutcome
    reason: str
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process died and its keeper (systemd's Restart=) brings it back without us."""

    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Began:
    """The daemon has started again; ``restarted`` tells whether a restart it left was issued."""

    restarted: bool


@dataclass(frozen=True, slots=True)
class Paused:
    """A person asks for maintenance until ``until`` (mono)."""

    until: float
    owner: str
    reason: str
    incident: str = ""  # only while this one is open; empty: in any case


@dataclass(frozen=True, slots=True)
class Resumed:
    """A person ends the maintenance."""

    owner: str


@dataclass(frozen=True, slots=True)
class Leased:
    """A deploy begins, or goes on: nothing is judged until it ends, ``until`` (mono) at most."""

    lease: str  # names the deploy
    until: float
    owner: str
    reason: str = "deploy"


@dataclass(frozen=True, slots=True)
class Released:
    """The deploy that holds ``lease`` is over."""

    lease: str
    how: str  # for the ledger


@dataclass(frozen=True, slots=True)
class Silenced:
    """A person wants no alerts until ``until`` (mono)."""

    until: float
    owner: str
    reason: str
    incident: str = ""  # only while this one is open; empty: in any case


@dataclass(frozen=True, slots=True)
class Unsilenced:
    """A person ends the silence."""

    owner: str


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """A person asks for a restart now."""

    owner: str
    incident: str = ""  # only while this one is open; empty: in any case


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person has seen the incident: nobody need be reminded of it."""

    owner: str
    reason: str = ""
    incident: str = ""  # only while this one is open; empty: in any case


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button under a message about ``incident``, and nothing came of it."""

    incident: str
    text: str


Judged = (
    Observation
    | RestartFinished
    | Crashed
    | Began
    | Paused
    | Resumed
    | Leased
    | Released
    | Silenced
    | Unsilenced
    | RestartRequested
    | Acknowledged
    | Pressed
)
"""Events that phases and incidents come of."""

Event = Judged | Measured | Started


# --- state ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incident:
    """From the threshold crossed to health proven."""

    id: str
    opened: float  # wall
    opened_mono: float
    restarts: int = 0  # restarts since the trouble began, before it opened included
    crash_loop: bool = False
    flapping: bool = False  # fails and heals by turns: over when health lasts
    told_gave_up: bool = False
    told_mono: float | None = None  # when an alert about it was last made; None: at its opening
    reminders: int = 0
    told: bool = True  # its opening; a silence keeps it back
    hushed: bool = False  # a silence has kept back something that is still true
    acknowledged: tuple[str, ...] = ()  # who has seen it, in the order in which they said so
    deployed: str = ""  # who has deployed the service last since it opened


@dataclass(frozen=True, slots=True)
class Maintenance:
    """No restarts, no alerts; with an owner, a reason and an end."""

    until: float  # mono
    owner: str
    reason: str
    lease: str = ""  # the deploy that holds it; empty: a person has asked for it
    under: Maintenance | None = None  # a person's, which goes on when the lease ends


@dataclass(frozen=True, slots=True)
class Silence:
    """No alerts; restarts go on. With an owner, a reason and an end."""

    until: float  # mono
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """All the machine remembers of one service. Times are mono."""

    service: str
    phase: Phase = Phase.PENDING
    since: float = 0.0  # when the phase was entered
    failures: int = 0  # failed rounds and failed recoveries since health was last proven
    failed_at: float | None = None  # when the last of them was counted
    passes: int = 0  # passing rounds in a row
    healthy_since: float | None = None  # the first of them
    cause: Observation | None = None  # the last failure
    restart_at: float | None = None  # WAITING, GAVE_UP: no restart before this
    restarts: tuple[float, ...] = ()  # our own, oldest first, as far as the budget looks back
    attempts: int = 0  # restarts since health was last stable: the exponent of the backoff
    restarted: int = 0  # restarts since health was last proven, those a person asked for included
    # MAINTENANCE: a restart of ours goes on meanwhile. WAITING: one is spent, but was never issued.
    unfinished: bool = False
    gave_up: bool = False  # until health is stable again or a person steps in
    losses: tuple[float, ...] = ()  # when health was lost, oldest first, as far as flapping looks
    closed: float | None = None  # when the last incident was closed
    crashes: tuple[float, ...] = ()
    incident: Incident | None = None
    maintenance: Maintenance | None = None
    silence: Silence | None = None
    warnings: tuple[StandingWarning, ...] = ()
    healings: tuple[float, ...] = ()  # when our restarts healed, as far as a warning looks back
    starts: tuple[float, ...] = ()  # seconds that the latest runs took to start, oldest first


# --- effects: what the state machine asks for, as data ----------------------------------------


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the service."""

    reason: str
    number: int  # of this episode, from 1
    wanted_by: str = ""  # a person's name; empty: the daemon's own decision


class NoteKind(StrEnum):
    """What happened, for the ledger and the log."""

    FAILED = "failed"  # a failure was counted
    OPENED = "opened"
    CLOSED = "closed"
    RESTART = "restart"
    RESTART_FAILED = "restart-failed"
    HEALED = "healed"
    CRASHED = "crashed"
    HELD = "held"
    GAVE_UP = "gave-up"
    REARMED = "re-armed"  # health is stable: backoff and giving up are forgotten
    PAUSED = "paused"
    RESUMED = "resumed"
    LEASED = "leased"  # a deploy has begun
    RELEASED = "released"  # it is over
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    WARNED = "warned"  # a warning has begun, or is worse by a step
    WARNING_OVER = "warning-over"
    ACKNOWLEDGED = "acknowledged"
    PRESSED = "pressed"  # a button, and nothing came of it


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the ledger: what happened to a service; part of an incident if one is open."""

    kind: NoteKind
    text: str
    wall: float
    incident: str = ""


class AlertKind(StrEnum):
    """What an alert states about an incident."""

    FIRING = "firing"
    UPDATE = "update"  # of how it stands; only for who holds a conversation
    REMINDER = "reminder"  # it still is
    GAVE_UP = "gave-up"
    RESOLVED = "resolved"
    WARNING = "warning"  # worth doing something about this week, nobody need get up
    WARNING_OVER = "warning-over"  # only for who can close it without disturbing anybody
    NOTICE = "notice"  # worth knowing: healed, database set aside
    TEST = "test"


OF_WARNINGS = frozenset({AlertKind.WARNING, AlertKind.WARNING_OVER})

ENDS = frozenset({AlertKind.RESOLVED, AlertKind.WARNING_OVER})
"""What says that something is over: it goes where its beginning went."""

QUIET = frozenset({AlertKind.UPDATE, AlertKind.WARNING_OVER})
"""What never makes a message of its own that people get; not everybody is told."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A statement about an incident, complete enough to be worded without looking anything up.

    ``reason`` is English: of ``circumstance`` and ``measure`` each language makes its own words.
    """

    kind: AlertKind
    service: str
    wall: float  # when it became true
    reason: str
    check: str = ""
    incident: str = ""  # id, of a warning too; empty: nothing lasts that it is about
    opened: float = 0.0  # wall: since when it lasts
    failures: int = 0
    max_failures: int = 0
    restarts: int = 0  # since the trouble began
    duration: float = 0.0  # seconds since the opening
    measure: Measure | None = None  # what was done, and what happens next
    circumstance: Circumstance | None = None  # what ``reason`` consists of, if that is known
    acknowledged: tuple[str, ...] = ()  # who has seen it
    seen_by: str = ""  # UPDATE: who has just said so
    diversion: Diversion | None = None  # why it comes by way of the fallback, if it does


Effect = Restart | Note | Alert


@dataclass(frozen=True, slots=True)
class Step:
    """The next state and the effects due, in the order in which they are to be carried out."""

    state: State
    effects: tuple[Effect, ...] = ()
