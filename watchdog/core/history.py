"""What a worker was told and what came of it, kept so that it can be run through ``step`` again.

The rounds of a calm service are all alike and nothing comes of them: they are counted, and written
down when something else happens. So a round that changes nothing writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from watchdog.core import schedule
from watchdog.core.model import (
    QUIET,
    Alert,
    AlertKind,
    Event,
    Judged,
    Leased,
    Note,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Restart,
    RestartFinished,
    Silenced,
    State,
    Step,
    Verdict,
)
from watchdog.core.standing import Measured, Started

MOST = 200
"""Turns that wait for a commit to ride in; then they are worth one of their own."""


@dataclass(frozen=True, slots=True)
class Watching:
    """A worker begins to watch."""

    now: Now
    state: State | None  # what was known of the service; None: nothing
    offset: float = 0.0  # seconds: the place of its regular rounds within their interval


@dataclass(frozen=True, slots=True)
class Turn:
    """An event that ``step`` was told, and what came of it."""

    now: Now
    event: Judged
    began: float = 0.0  # mono: an Observation's round; it was over at ``now``
    early: bool = False  # the round was not due: a signal or a person had asked for it
    phase: Phase | None = None  # entered with it
    notes: tuple[NoteKind, ...] = ()
    alerts: tuple[AlertKind, ...] = ()
    restart: str | None = None  # who wanted the one it has led to; empty: the daemon itself


@dataclass(frozen=True, slots=True)
class Again:
    """Rounds that found the same as the last one on record, and of which nothing came."""

    now: Now  # of the last of them
    began: float  # mono: the last of them
    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker has stopped watching, in good order."""

    now: Now


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The service was taken out of the configuration, with an incident open."""

    now: Now
    alerts: tuple[AlertKind, ...] = ()


Record = Watching | Turn | Again | Ended | Withdrawn


class Recorder:
    """Takes down the turns of one worker until a commit takes them along."""

    __slots__ = ("_again", "_count", "_is_new", "_records", "_seen")

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._seen: tuple[object, ...] | None = None  # what the last round on record found
        self._again: tuple[Now, float] | None = None  # the last of the rounds that found the same
        self._count = 0
        self._is_new = False

    @property
    def is_due(self) -> bool:
        """Tell whether what is taken down is worth a commit of its own."""
        return self._is_new or len(self._records) >= MOST

    def begin(self, now: Now, state: State | None, offset: float) -> None:
        """Take down that the watch begins."""
        self._records.append(Watching(now, state, offset))

    def take(
        self, event: Event, before: State, step: Step, now: Now, began: float, *, early: bool
    ) -> None:
        """Take down that *event* was told to ``step`` at *now*, and what came of it.

        What is measured for warnings is left out: no phase, incident or restart comes of it.
        """
        if isinstance(event, Measured | Started):
            return
        phase = step.state.phase if step.state.phase is not before.phase else None
        if isinstance(event, Observation):
            # How long a round takes counts where the next one follows at once.
            took = 0 if schedule.is_regular(step.state.phase) else round(now.mono - began)
            seen = (event.verdict, event.check, event.curable, event.dead, event.until, took)
            if seen == self._seen and phase is None and not step.effects:
                # No schedule tells of an early round. One that changed the state, or from which
                # the next one is counted, is told.
                if not early or (_is_calm(before) and step.state == before):
                    self._again = now, began
                    self._count += 1
                    return
            elif self._seen is None:
                self._is_new = True
            self._seen = seen
        else:
            began = 0.0
            if isinstance(event, RestartFinished):
                self._seen = ()  # another run: what the next round finds is told in any case
        self._count_up()
        self._records.append(_turn(event, step, now, began, early=early, phase=phase))

    def end(self, now: Now) -> None:
        """Take down that the watch ends."""
        self._count_up()
        self._records.append(Ended(now))

    def drained(self) -> tuple[Record, ...]:
        """Return what was taken down, and forget it."""
        self._count_up()
        records = tuple(self._records)
        self._records.clear()
        self._is_new = False
        return records

    def _count_up(self) -> None:
        if self._again is not None:
            self._records.append(Again(*self._again, self._count))
            self._again, self._count = None, 0


def _is_calm(state: State) -> bool:
    """Tell whether a round more, at any time, leaves the next one where it is."""
    return schedule.is_regular(state.phase) and state.silence is None


def _turn(
    event: Judged, step: Step, now: Now, began: float, *, early: bool, phase: Phase | None
) -> Turn:
    restart = next((each for each in step.effects if isinstance(each, Restart)), None)
    return Turn(
        now,
        event,
        began,
        early and isinstance(event, Observation),
        phase,
        tuple(each.kind for each in step.effects if isinstance(each, Note)),
        tuple(each.kind for each in step.effects if isinstance(each, Alert) and _is_told(each)),
        restart.wanted_by if restart is not None else None,
    )


def _is_told(alert: Alert) -> bool:
    """Tell whether *alert* is told everywhere; what is quiet says no more than the notes do."""
    return alert.kind not in QUIET


def aligned(chapters: Iterable[tuple[str, Sequence[Record]]]) -> Sequence[Record]:
    """Return the records of all *chapters*, each with the boot id of its host's life, on one clock.

    It is the monotonic clock of the first one. Over a reboot the wall clock tells how much time has
    passed; one that went backwards counts as standing still. What a worker knew when it began
    (``Watching.state``) keeps its own times.
    """
    records: list[Record] = []
    boot, shift = "", 0.0
    for life, chapter in chapters:
        for record in chapter:
            if records:
                last, mono = records[-1].now, record.now.mono + shift
                if life != boot or (isinstance(record, Watching) and mono < last.mono):
                    passed = max(0.0, record.now.wall - last.wall)
                    shift = last.mono + passed - record.now.mono
            boot = life
            records.append(_shifted(record, shift) if shift else record)
    return records


def _shifted(record: Record, shift: float) -> Record:
    now = Now(record.now.mono + shift, record.now.wall)
    match record:
        case Turn(event=Observation()):
            return replace(
                record, now=now, event=_later(record.event, shift), began=record.began + shift
            )
        case Turn():
            return replace(record, now=now, event=_later(record.event, shift))
        case Again():
            return replace(record, now=now, began=record.began + shift)
        case Watching():
            return replace(record, now=now, offset=record.offset + shift)
        case _:
            return replace(record, now=now)


def _later(event: Judged, shift: float) -> Judged:
    match event:
        case Observation(until=float(until)):
            return replace(event, until=until + shift)
        case Paused(until=until) | Silenced(until=until) | Leased(until=until):
            return replace(event, until=until + shift)
        case _:
            return event


def passes(record: Record) -> bool:
    """Tell whether *record* is of a round that passed."""
    return (
        isinstance(record, Turn)
        and isinstance(record.event, Observation)
        and record.event.verdict is Verdict.PASS
    )
