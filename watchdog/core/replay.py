"""A recorded history run through ``step`` again, with a policy of one's own choice.

The model: what was observed is the truth about the service, and stands until something else was
observed. Rounds are those that the policy's own schedule would have had; a signal wakes it as it
woke the daemon. A restart that the daemon made as well takes the end that it really had. One that
it did not make changes nothing: what was observed afterwards was observed. One that only the daemon
made is not made here, and the trouble lasts until the daemon saw health.

With the policy that was in force, what happened comes out again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import assert_never

from watchdog.core import schedule
from watchdog.core.history import Again, Ended, Record, Turn, Watching, Withdrawn, passes
from watchdog.core.machine import step
from watchdog.core.model import (
    Acknowledged,
    Began,
    Effect,
    Judged,
    Now,
    Observation,
    Paused,
    Phase,
    Restart,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Silenced,
    State,
    Verdict,
)
from watchdog.core.service import Policy
from watchdog.core.withdrawal import withdrawn

SAME = 60.0
"""Seconds. A restart that really was made so much later, without health in between, is the same."""

JITTER = 0.25
"""Seconds by which a real round may have begun late; the round that is played never does."""


_HAIR = 0.001
"""Seconds that do not count: sums of times, over a reboot above all, are not exact."""


_AHEAD = 8
"""Records that are looked at for what has cut a round short."""


@dataclass(frozen=True, slots=True)
class Deed:
    """An effect, and when it was asked for."""

    now: Now
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Made:
    """A restart that really was made."""

    begun: float  # mono
    ended: float  # mono; infinite: it is under way
    place: int  # of its beginning among the records


@dataclass(slots=True)
class _UnderWay:
    """A restart that is played."""

    made: _Made | None  # the real one whose end it takes
    ends: float  # mono


def replayed(service: str, records: Sequence[Record], policy: Policy) -> Sequence[Deed]:
    """Return what *policy* would have had done in the recorded life of *service*, in order.

    *records* are on one clock: see ``aligned``.
    """
    player = _Player(service, records, policy)
    for place, record in enumerate(records):
        player.meet(place, record)
    return player.deeds


class _Player:
    def __init__(self, service: str, records: Sequence[Record], policy: Policy) -> None:
        self.deeds: list[Deed] = []
        self._records = records
        self._policy = policy
        self._state = State(service)
        self._made = _restarts(records)
        self._taken: set[_Made] = set()  # by a restart that is played
        self._usual = _usual_restart(records)
        self._world: Turn | None = None  # the observation that stands
        self._offset = 0.0
        self._began = 0.0  # mono: the last round
        self._due: float | None = None  # mono: the next round
        self._under_way: _UnderWay | None = None
        self._stamp = Now(0.0, 0.0)  # where the wall clock stood last
        self._place = 0

    # --- what is on record ----------------------------------------------------------------------

    def meet(self, place: int, record: Record) -> None:
        """Play up to *record*, and what it says."""
        self._place = place
        match record:
            case Watching():
                self._begin(record)
            case Turn(event=Observation()) if record.early:
                self._play_until(record.began)
                self._see(record)
                if self._state.phase is not Phase.RESTARTING:
                    self._hold_round(record.began)
            case Turn(event=Observation()):
                # A round that is played is a little sooner than the real one; it finds the same.
                self._play_until(record.began - min(JITTER, self._leeway(record.began)))
                if self._world is None and self._due is not None:
                    self._due = max(self._due, record.began)
                self._see(record)
                self._play_until(math.nextafter(record.began, math.inf))
            case Turn():
                self._play_until(record.now.mono)
                self._stamp = record.now
                self._hear(record)
            case Again():
                self._play_until(math.nextafter(record.began, math.inf))
                self._stamp = record.now
                # The last of them may have been an early one of which nothing came; a pace that
                # quickens next is counted from it.
                self._began = max(self._began, record.began)
            case Ended():
                self._play_until(record.now.mono)
                self._due = None
            case Withdrawn():
                gone = withdrawn(self._state, self._policy, record.now)
                self._do(gone.effects, record.now)
                self._state = gone.state
            case _:
                assert_never(record)

    def _begin(self, record: Watching) -> None:
        """Begin as a worker does. What was not recorded before it was not done either."""
        if self._place == 0 or record.state is None:
            self._state = record.state or State(self._state.service)
            self._under_way = None
        if self._under_way is not None:
            self._under_way.ends = math.inf  # what has become of it, Began tells
        self._offset = record.offset
        self._world = None
        self._began, self._due = 0.0, None
        self._stamp = record.now

    def _see(self, turn: Turn) -> None:
        self._world = turn
        self._stamp = turn.now

    def _leeway(self, began: float) -> float:
        """Return by how much the round at *began* may have been late.

        A round that nothing but news has caused is that one; between two rounds half is each one's.
        """
        before = self._records[self._place - 1] if self._place else None
        if isinstance(before, Turn | Again) and before.began:
            return max(0.0, began - before.began) / 2
        return max(0.0, began - before.now.mono) if before is not None else math.inf

    def _hear(self, turn: Turn) -> None:
        event, now = turn.event, turn.now
        if isinstance(event, RestartFinished):
            self._world = None  # another run: of that nothing has been observed yet
            made = self._under_way.made if self._under_way is not None else None
            if made is None or made.ended != now.mono:
                return  # the end of a restart that is not played
            self._under_way = None
        elif isinstance(event, Began):
            if self._under_way is not None and self._under_way.made is None:
                event = Began(restarted=True)
            self._under_way = None
        elif isinstance(event, Paused | Silenced | RestartRequested | Acknowledged):
            if event.incident and not turn.notes:
                return  # in fact it came too late
            if event.incident and self._state.incident is not None:
                # Under another policy the same trouble has another id.
                event = replace(event, incident=self._state.incident.id)
        self._take(event, now)

    # --- what the policy has done ---------------------------------------------------------------

    def _play_until(self, mono: float) -> None:
        """Hold the rounds, and end the restarts, that come before *mono*."""
        while True:
            under_way = self._under_way
            ends = under_way.ends if under_way is not None else math.inf
            due = math.inf if self._due is None or self._world is None else self._due
            if min(ends, due) >= mono:
                return
            if ends <= due:
                self._under_way = None
                reason = "as usual"
                self._take(RestartFinished(RestartOutcome.DONE, reason), self._at(ends))
            elif self._is_settled():
                # The same again until *mono*: only the last of these rounds need be held.
                self._due = self._last_regular(due, mono)
                self._hold_round(self._due)
            else:
                self._hold_round(due)

    def _hold_round(self, began: float) -> None:
        turn = self._world
        self._due = None
        assert turn is not None  # noqa: S101 - without an observation no round is held
        assert isinstance(turn.event, Observation)  # noqa: S101 - for the types
        took = max(0.0, turn.now.mono - turn.began)
        if self._is_given_up(began, began + took):
            return
        self._began = began
        now = turn.now if began == turn.began else self._at(began + took)
        self._take(turn.event, now)
        self._plan(now, turn.event.until)

    def _is_given_up(self, began: float, ended: float) -> bool:
        """Tell whether in fact a new round began, or the watch ended, before this one is over."""
        ended -= _HAIR
        for record in self._records[self._place : self._place + _AHEAD]:
            if isinstance(record, Turn) and record.early and began < record.began < ended:
                return True
            if record.now.mono >= ended:
                return False
            if isinstance(record, Ended):
                return True
        return False

    def _is_settled(self) -> bool:
        """Tell whether nothing but something new can come of a passing round."""
        state, world = self._state, self._world
        return (
            state.phase is Phase.HEALTHY
            and world is not None
            and isinstance(world.event, Observation)
            and world.event.verdict is Verdict.PASS
            and (world.now.mono - world.began) * 2 <= self._policy.interval  # keeps to the grid
            and state.passes >= self._policy.recover_after
            and not (state.attempts or state.gave_up)
            and state.incident is None
            and state.silence is None
        )

    def _last_regular(self, due: float, mono: float) -> float:
        """Return the last regular round before *mono*, *due* if there is no later one."""
        began = mono - 2 * self._policy.interval
        if began <= due:
            return due
        return max(due, schedule.next_round(self._state, self._policy, began, self._offset))

    def _take(self, event: Judged, now: Now) -> None:
        before = self._state
        taken = step(before, event, self._policy, now)
        self._state = taken.state
        self._do(taken.effects, now)
        if taken.state.phase is not before.phase:
            self._plan(now)

    def _do(self, effects: Sequence[Effect], now: Now) -> None:
        for effect in effects:
            self.deeds.append(Deed(now, effect))
            if isinstance(effect, Restart):
                self._restart(now)

    def _plan(self, now: Now, until: float | None = None) -> None:
        if self._state.phase is Phase.RESTARTING:
            self._due = None
        else:
            due = schedule.next_round(self._state, self._policy, self._began, self._offset, until)
            self._due = max(due, now.mono)

    def _restart(self, now: Now) -> None:
        made = self._same(now.mono)
        if made is None:
            self._under_way = _UnderWay(None, now.mono + self._usual)
        else:
            self._taken.add(made)
            self._under_way = _UnderWay(made, math.inf)  # its end is on record

    def _same(self, mono: float) -> _Made | None:
        """Return the real restart that one at *mono* is: under way, or soon to come."""
        for made in self._made:
            if made.ended < mono or made in self._taken:
                continue
            if made.begun > mono + SAME:
                return None
            between = self._records[self._place : made.place]
            return None if any(passes(record) for record in between) else made
        return None

    def _at(self, mono: float) -> Now:
        return Now(mono, self._stamp.wall + (mono - self._stamp.mono))


def _restarts(records: Sequence[Record]) -> Sequence[_Made]:
    made: list[_Made] = []
    begun: tuple[float, int] | None = None
    for place, record in enumerate(records):
        ends = isinstance(record, Watching) or (
            isinstance(record, Turn) and isinstance(record.event, RestartFinished)
        )
        if ends and begun is not None:
            made.append(_Made(begun[0], record.now.mono, begun[1]))
            begun = None
        if isinstance(record, Turn) and record.restart is not None:
            begun = record.now.mono, place
    if begun is not None:
        made.append(_Made(begun[0], math.inf, begun[1]))
    return made


def _usual_restart(records: Sequence[Record]) -> float:
    """Return how many seconds a restart of this service takes."""
    took = [
        record.event.duration
        for record in records
        if isinstance(record, Turn)
        and isinstance(record.event, RestartFinished)
        and record.event.outcome is RestartOutcome.DONE
    ]
    return median(took) if took else 1.0
