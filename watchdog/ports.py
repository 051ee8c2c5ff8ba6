"""What the engine needs from the outside world, as Protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

from watchdog.core.history import Record
from watchdog.core.model import (
    Alert,
    Crashed,
    Note,
    Now,
    Observation,
    Restart,
    RestartFinished,
    State,
)
from watchdog.core.telling import Circumstance


class Timer(Protocol):
    """A callback to come."""

    def cancel(self) -> None:
        """Forget it."""
        ...


class Clock(Protocol):
    """Both clocks, and waiting on the monotonic one; tests drive it by hand."""

    def now(self) -> Now:
        """Return the present moment."""
        ...

    def asleep(self) -> float:
        """Return for how many seconds the host has been suspended since it booted."""
        ...

    def call_at(self, mono: float, callback: Callable[[], object]) -> Timer:
        """Call *callback* on the event loop once the monotonic clock has reached *mono*."""
        ...

    async def sleep_until(self, mono: float) -> None:
        """Return once the monotonic clock has reached *mono*; at once if it has."""
        ...


Probe = Callable[[], Awaitable[Observation]]
"""Asks once and answers; the runner of rounds owns deadline, timer and exception guard."""


@dataclass(frozen=True, slots=True)
class OwnTrouble:
    """What is wrong with this host itself, so that a failed check says nothing of the service."""

    reason: str
    circumstance: Circumstance | None = None  # None: it is not known yet, only likely


Excuse = Callable[[], Awaitable[OwnTrouble | None]]
"""Tells whether the last failure of a check is this host's own trouble; bounded by the round."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket, as sock_diag(7) describes it."""

    host: str
    port: int
    inode: int
    cgroup: int  # id of the cgroup v2 the socket was made in; 0 where the kernel does not tell
    uid: int = 0


class ServiceControl(Protocol):
    """How one service is watched and restarted: systemd, embedded process or commands.

    An async context manager: entering begins to follow the service, leaving stops following it.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    def listen(self, changed: Callable[[], None], crashed: Callable[[Crashed], None]) -> None:
        """Call *changed* when an early round is worth it, *crashed* when the keeper restarts."""
        ...

    async def observe(self, now: Now) -> Observation:
        """Answer the service's first check: is it up?"""
        ...

    async def restart(self) -> RestartFinished:
        """Restart the service and wait until that is over; bounded, and never raises."""
        ...

    @property
    def identity(self) -> str:
        """Name the present run (an InvocationID, a pid and its start); empty if there is none."""
        ...

    @property
    def started(self) -> float | None:
        """When the present run started (mono), if known."""
        ...

    @property
    def main_pid(self) -> int | None:
        """The main process, if there is one."""
        ...

    async def is_ending(self) -> bool:
        """Tell whether the main process ends in these milliseconds, or has and nobody said so."""
        ...

    @property
    def cgroup(self) -> str:
        """The directory of the cgroup that is the service's alone; empty if there is none."""
        ...

    def pids(self) -> Sequence[int]:
        """Return its processes, as far as they are known without a cgroup."""
        ...

    def owns(self, listener: Listener) -> bool:
        """Tell whether the service's own processes made *listener*."""
        ...


class KeptBySystemd(Protocol):
    """A control that knows what systemd says of its unit."""

    @property
    def unit(self) -> str:
        """The unit's name, as systemd has it."""
        ...

    @property
    def unit_state(self) -> str:
        """Its ActiveState; empty while that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """An alert in the words of one language, the same for every channel."""

    alert: Alert
    host: str
    title: str  # one line: state, service, cause
    lines: tuple[str, ...]  # what failed and why, count, what was done, times, incident
    evidence: tuple[str, ...] = ()  # last journal lines and the like, oldest first
    late: float = 0.0  # seconds between the alert and this sending, if worth a word
    evidence_label: str = ""  # what stands above the evidence, without a colon
    reference: str = ""  # the incident, for the end of a line; empty if there is none
    signature: str = ""  # one line: who writes
    events: tuple[str, ...] = ()  # of a reply: what happened, a line with its time each


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side answered to a delivery: channel id and ts, Message-ID, …"""

    details: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    """Delivers to one destination; sends once and classifies the failure."""

    async def prepare(self) -> None:
        """Import and connect what the first sending would have to wait for."""
        ...

    async def send(self, message: Message, key: str) -> Receipt:
        """Send *message* once; *key* is the same when the same message is sent again.

        Raises TemporaryDeliveryError and RejectedDeliveryError; the caller sets the deadline.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class Conversing(Protocol):
    """A notifier that can keep an incident in one message, with replies below it.

    Both name the message by the receipt of its sending, and raise MessageGoneError besides what
    ``send`` raises.
    """

    async def edit(self, message: Message, receipt: Receipt) -> None:
        """Put *message* in the place of what is there; doing it twice does no harm."""
        ...

    async def reply(self, message: Message, key: str, receipt: Receipt, *, loud: bool) -> Receipt:
        """Answer with *message* once; *loud*: so that those are called who do not look."""
        ...


@runtime_checkable
class Renewing(Protocol):
    """A notifier whose receiver forgets an incident that it is not told of again and again."""

    @property
    def pace(self) -> float | None:
        """Seconds from one renewal to the next; None while nothing stands."""
        ...

    @property
    def trouble(self) -> str:
        """What is wrong though alerts are delivered; empty if nothing."""
        ...

    def recall(self, message: Message) -> None:
        """Take up what was told before the daemon started."""
        ...

    async def renew(self, is_open: Callable[[Alert], bool]) -> None:
        """Tell again what stands, once. Raises DeliveryError; the caller sets the deadline."""
        ...


@dataclass(frozen=True, slots=True)
class Addressed:
    """An alert, and the destinations that it goes to."""

    alert: Alert
    destinations: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What one step changed: written in one transaction, or not at all."""

    state: State
    now: Now
    notes: Sequence[Note] = ()
    alerts: Sequence[Addressed] = ()
    restart: Restart | None = None
    identity: str = ""  # with ``restart``: the run that it replaces
    finished: RestartFinished | None = None  # with which the restart under way has ended
    history: Sequence[Record] = ()  # what was told to ``step`` since the last change


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: one alert on its way to one destination."""

    id: int
    destination: str
    alert: Alert
    key: str  # uuid5 of the row: the same at every try
    attempts: int = 0
    created: float = 0.0  # wall: when it was addressed
    receipt: Receipt = field(default_factory=Receipt)  # how far it has come, of several calls


@dataclass(frozen=True, slots=True)
class Told:
    """What a destination has taken, and where it is to be found there."""

    alert: Alert
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Left:
    """What the store knows of a service from before the daemon started."""

    state: State
    restart_identity: str | None = None  # a restart was begun and its end not written down


class Store(Protocol):
    """Durable state, ledger and outbox."""

    async def load(self, now: Now) -> Mapping[str, Left]:
        """Return what is known of each service; times rebased if the host has rebooted."""
        ...

    async def commit(self, change: Change) -> None:
        """Write *change* durably in one transaction. Raises StoreError."""
        ...

    async def due(self, destination: str, limit: int = 1) -> Sequence[Delivery]:
        """Return the *limit* oldest alerts not yet delivered to *destination*."""
        ...

    async def delivered(
        self, deliveries: Sequence[Delivery], receipt: Receipt, wall: float
    ) -> None:
        """Write down that *deliveries* have arrived, in one message."""
        ...

    async def progressed(self, deliveries: Sequence[Delivery], wall: float) -> None:
        """Write down by their receipts how far *deliveries* have come; they stay due."""
        ...

    async def attempt_failed(
        self, deliveries: Sequence[Delivery], reason: str, wall: float
    ) -> None:
        """Write down a failed try; the deliveries stay due."""
        ...

    async def rejected(self, delivery: Delivery, reason: str, wall: float) -> None:
        """Set *delivery* aside as a dead letter."""
        ...

    async def save_evidence(self, incident: str, lines: Sequence[str]) -> None:
        """Keep *lines* as the newest evidence of *incident*."""
        ...

    async def evidence(self, incident: str) -> Sequence[str]:
        """Return the newest evidence of *incident*, oldest line first."""
        ...
