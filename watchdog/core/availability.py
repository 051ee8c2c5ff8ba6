"""What a recorded history says of a service: how long it was up and down, and what restarts did.

Down is from the first failure counted to health proven. Maintenance, silence of the probes
(UNKNOWN), what is held, a restart that a person asked for, and the time in which nobody watched are
neither up nor down. Durations are of the monotonic clock, places in time of the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from watchdog.core.history import Ended, Record, Turn, Watching, Withdrawn
from watchdog.core.model import (
    NoteKind,
    Now,
    Observation,
    Phase,
    RestartFinished,
    RestartOutcome,
    Verdict,
)

_TROUBLE = frozenset({Phase.SUSPECT, Phase.WAITING, Phase.FAILING, Phase.GAVE_UP})
_MENDING = frozenset({Phase.RESTARTING, Phase.RECOVERING})
_SETTLED = frozenset({Phase.HEALTHY, Phase.MAINTENANCE})
"""Where an outage is over: health is proven, or a person has taken over."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one run of the daemon has recorded of a service at one time."""

    life: int  # which run
    alive: Now  # when that run is known to have watched last
    records: Sequence[Record]


@dataclass(slots=True)
class Outage:
    """From the first failure counted to health proven."""

    began: float  # wall
    down: float = 0.0  # seconds of it in which the service was watched and not held
    ended: float | None = None  # wall; None: it lasts, or how it ended is not known
    recovered: bool = False  # it ended in health


DAY = 86400.0


@dataclass(slots=True)
class Day:
    """Seconds up and down of one day."""

    up: float = 0.0
    down: float = 0.0


@dataclass(slots=True)
class Account:
    """What is known of a service in a span of time. Durations in seconds."""

    since: float | None = None  # wall: where the records begin; None: there are none
    up: float = 0.0
    down: float = 0.0
    incidents: int = 0
    restarts: int = 0  # decided by the daemon
    healed: int = 0  # of these: health was proven, and lasted
    relapsed: int = 0  # health was proven, and lost before it was stable
    failed: int = 0
    asked: int = 0  # restarts that people asked for; in none of the numbers above
    outages: list[Outage] = field(default_factory=list)
    days: dict[int, Day] = field(default_factory=dict)  # by days since 1970 in the zone asked for

    @property
    def availability(self) -> float | None:
        """Return the share of the watched time in which the service was up; None: unwatched."""
        return self.up / self.watched if self.watched else None

    @property
    def watched(self) -> float:
        """Return for how long the service was known to be up or down."""
        return self.up + self.down

    @property
    def recovery(self) -> float | None:
        """Return the mean time to recover."""
        took = [outage.down for outage in self.outages if outage.recovered]
        return sum(took) / len(took) if took else None

    @property
    def longest(self) -> float:
        """Return how long the longest outage was."""
        return max((outage.down for outage in self.outages), default=0.0)


def account(chapters: Iterable[Chapter], since: float, zone: float = 0.0) -> Account:
    """Return what *chapters*, oldest first, say of the time from *since* (wall) on.

    Days begin *zone* seconds before those of UTC.
    """
    reader = _Reader(since, zone)
    for chapter in chapters:
        reader.open(chapter)
        for record in chapter.records:
            reader.read(record)
    return reader.ended()


class _Reader:
    def __init__(self, since: float, zone: float) -> None:
        self.result = Account()
        self._since = since
        self._zone = zone
        self._chapter: Chapter | None = None
        self._last: Now | None = None  # up to where it is told; None: nobody watches
        self._phase = Phase.PENDING
        self._verdict: Verdict | None = None
        self._planned = False  # a person has asked for the restart that is under way
        self._outage: Outage | None = None
        self._tried = False  # a restart of ours has not shown yet what it did
        self._healed = False  # one has healed, and health is not stable yet
        self._in_time = False  # that restart was made within the time asked for

    def open(self, chapter: Chapter) -> None:
        before = self._chapter
        if before is not None and before.life != chapter.life:
            self.close()
        self._chapter = chapter

    def close(self) -> None:
        """Tell the time until the daemon is known to have watched last."""
        if self._last is not None and self._chapter is not None:
            self._pass(self._chapter.alive)
        self._last = None

    def ended(self) -> Account:
        """Return the account; what is not over yet is taken as it stands."""
        self.close()
        if self._outage is not None:
            self.result.outages.append(self._outage)
        if self._healed:
            self._count_healed()
        return self.result

    def read(self, record: Record) -> None:
        if self.result.since is None:
            self.result.since = record.now.wall
        if self._last is not None:
            self._pass(record.now)
        match record:
            case Watching():
                self._phase = record.state.phase if record.state is not None else Phase.PENDING
                self._verdict = None
                self._planned = self._planned and self._phase in _MENDING
                self._last = record.now
                self._place(record.now)
            case Ended():
                self._last = None
            case Withdrawn():
                self._phase, self._last = Phase.PENDING, None
                if self._outage is not None:
                    self._end(self._outage, record.now)
            case Turn():
                self._last = record.now
                self._take(record)
            case _:
                self._last = record.now

    def _take(self, turn: Turn) -> None:
        event, counts = turn.event, turn.now.wall >= self._since
        if isinstance(event, Observation):
            self._verdict = event.verdict
        if turn.restart is not None:
            self._restart(counts=counts, asked=bool(turn.restart))
        if counts:
            self.result.incidents += turn.notes.count(NoteKind.OPENED)
        if NoteKind.REARMED in turn.notes:
            self._count_healed()
        if isinstance(event, RestartFinished) and event.outcome is RestartOutcome.YIELDED:
            self._tried = False
        if turn.phase is not None:
            self._phase = turn.phase
        if turn.phase is not None or turn.restart is not None:
            self._place(turn.now)

    def _restart(self, *, counts: bool, asked: bool) -> None:
        if asked:
            self._planned = self._outage is None
            self._count_healed()  # a person has taken over: there is no more to be told of it
            self.result.asked += counts
            return
        if self._tried:
            self._count_failed()
        if self._healed:
            self._count_relapsed()
        self._planned = False
        self._tried, self._in_time = True, counts
        self.result.restarts += counts

    def _place(self, now: Now) -> None:
        """Follow the service into a phase."""
        phase = self._phase
        if phase in _TROUBLE:
            self._planned = False
            if self._tried:
                self._count_failed()
            if self._healed:
                self._count_relapsed()
        if self._is_down() and self._outage is None:
            self._outage = Outage(now.wall)
        elif phase in _SETTLED:
            if phase is Phase.MAINTENANCE:
                self._count_healed()
            elif self._tried:
                self._healed = True
            self._tried = False
            self._planned = False
            if self._outage is not None:
                self._end(self._outage, now)

    def _count_failed(self) -> None:
        self._tried = False
        self.result.failed += self._in_time

    def _count_healed(self) -> None:
        if self._healed:
            self._healed = False
            self.result.healed += self._in_time

    def _count_relapsed(self) -> None:
        self._healed = False
        self.result.relapsed += self._in_time

    def _end(self, outage: Outage, now: Now) -> None:
        outage.ended = now.wall
        outage.recovered = self._phase is Phase.HEALTHY
        if now.wall >= self._since:
            self.result.outages.append(outage)
        self._outage = None

    def _is_down(self) -> bool:
        return self._phase in _TROUBLE or (self._phase in _MENDING and not self._planned)

    def _pass(self, now: Now) -> None:
        """Count the time up to *now*."""
        assert self._last is not None  # noqa: S101 - the callers have looked
        seconds = max(0.0, now.mono - self._last.mono)
        inside = min(seconds, max(0.0, self._last.wall + seconds - self._since))
        ended = self._last.wall + seconds
        self._last = now
        if self._verdict in {None, Verdict.UNKNOWN}:
            return
        if self._phase is Phase.HEALTHY:
            self.result.up += inside
            for day, part in self._days(ended - inside, ended):
                day.up += part
        elif self._is_down():
            assert self._outage is not None  # noqa: S101 - it began with the phase
            self.result.down += inside
            self._outage.down += seconds
            for day, part in self._days(ended - inside, ended):
                day.down += part

    def _days(self, began: float, ended: float) -> Iterator[tuple[Day, float]]:
        """Yield each day between two points in time (wall), and how much of it is between them."""
        while began < ended:
            number = int((began + self._zone) // DAY)
            until = min(ended, (number + 1) * DAY - self._zone)
            yield self.result.days.setdefault(number, Day()), until - began
            began = until
