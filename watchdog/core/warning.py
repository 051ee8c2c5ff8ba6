"""Warnings: told once when they begin, again only when worse by a step, and over without a call.

What is measured goes up and down. A level is left only after a margin below it has held for a
while (``CALM``), so that neither a value that trembles nor two servers that answer by turns make
two warnings of one. Who has mended it knows: the end of what was told is for those alone who can
close it quietly, and a line of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from watchdog.core.incident import incident_id
from watchdog.core.model import (
    Alert,
    AlertKind,
    Effect,
    Note,
    NoteKind,
    Now,
    Phase,
    State,
    Step,
)
from watchdog.core.service import Policy
from watchdog.core.standing import Measured, Reading, StandingWarning, Started
from watchdog.core.telling import Circumstance, CircumstanceKind, Measure, MeasureKind
from watchdog.core.thresholds import HostWarnings, Steps, Warnings
from watchdog.core.warning_words import in_english

HOST = "(host)"
"""The state of the host's own warnings is kept under this name, which no service can have."""

CALM = 3600.0
"""Seconds for which something must be better before it counts as better."""

RECENT, FORMER, FEWEST = 3, 10, 5
"""Starts: how many are held against how many before them, and against how many at least.

Medians: one slow start, after a reboot with cold caches, is none.
"""

_OFTENEST = 64  # healings that are remembered

_YES = Steps((1.0,))
_COUNT = Steps((1.0, 10.0, 100.0))

StepsOf = Callable[[CircumstanceKind], Steps]


def of_service(warnings: Warnings) -> StepsOf:
    """Return the steps of what is measured of a service."""
    limit = float(warnings.healed_limit)
    steps = {
        # Worse is less time: so it is counted up to its end, which is a step as well.
        CircumstanceKind.CERTIFICATE: Steps(
            (*(-left for left in warnings.certificate), 0.0) if warnings.certificate else (),
            margin=3600.0,
        ),
        CircumstanceKind.MEMORY: Steps(warnings.memory, margin=5.0),
        CircumstanceKind.OOM_KILLS: _COUNT if warnings.oom_kills else Steps(),
        CircumstanceKind.SLOW_START: Steps((warnings.slow_start,) if warnings.slow_start else ()),
        CircumstanceKind.HEALED_OFTEN: Steps((limit, 2 * limit, 4 * limit) if limit else ()),
    }
    return lambda kind: steps.get(kind, _YES)


def of_host(warnings: HostWarnings) -> StepsOf:
    """Return the steps of what is measured of the host."""
    steps = {
        CircumstanceKind.DISK: Steps(warnings.disk_used, margin=2.0),
        CircumstanceKind.INODES: Steps(warnings.inodes_used, margin=2.0),
    }
    return lambda kind: steps.get(kind, _YES)


def measured(state: State, event: Measured | Started, policy: Policy, now: Now) -> Step:
    """Take what was measured of a service, and what follows from what is known of it."""
    if isinstance(event, Started):
        state = replace(state, starts=(*state.starts, event.took)[-(RECENT + FORMER) :])
    readings = [*_derived(state, policy, now)]
    if isinstance(event, Measured):
        readings += event.readings
    steps = of_service(policy.warnings)
    return judged(state, readings, steps, now, is_all=isinstance(event, Measured))


def judged(
    state: State, readings: Sequence[Reading], steps: StepsOf, now: Now, *, is_all: bool = True
) -> Step:
    """Return the warnings that stand after *readings*, and what is to be told of them.

    If the readings are all there are, a warning of something else is over: nobody measures it.
    """
    standing = {_key(warning.about): warning for warning in state.warnings}
    effects: list[Effect] = []
    for key, reading in {_key(reading.about): reading for reading in readings}.items():
        before = standing.get(key)
        rules = steps(reading.about.kind)
        after = (
            _begun(state.service, reading, rules, now)
            if before is None
            else _after(before, reading, rules, now)
        )
        if after is not None:
            after, said = _told(state, before, after, now)
            standing[key] = after
            effects += said
        elif before is not None:
            del standing[key]
            effects += _over(state, before, now, in_english(reading.about))
    if is_all:
        known = {_key(reading.about) for reading in readings}
        for key in [key for key in standing if key not in known]:
            measure = Measure(MeasureKind.NO_LONGER_MEASURED)
            effects += _over(state, standing.pop(key), now, "is no longer measured", measure)
    return Step(replace(state, warnings=tuple(standing.values())), tuple(effects))


def dropped(state: State, now: Now) -> tuple[Effect, ...]:
    """Return the end of all warnings of what is no longer in the configuration."""
    measure, text = Measure(MeasureKind.NO_LONGER_WATCHED), "is no longer watched"
    ends = [_over(state, warning, now, text, measure) for warning in state.warnings]
    return tuple(effect for end in ends for effect in end)


def with_healing(before: State, after: State, policy: Policy, now: Now) -> State:
    """Return *after* with a restart of ours on record that has just healed the service."""
    warnings = policy.warnings
    if not (before.restarted and before.attempts) or after.restarted or not warnings.healed_limit:
        return after
    if after.phase is not Phase.HEALTHY:
        return after
    recent = _recent(after.healings, warnings, now)
    return replace(after, healings=(*recent, now.mono)[-_OFTENEST:])


def _derived(state: State, policy: Policy, now: Now) -> Sequence[Reading]:
    """Return what is known of a service without measuring it now."""
    warnings, readings = policy.warnings, []
    if warnings.healed_limit:
        count = len(_recent(state.healings, warnings, now))
        kind, lasted = CircumstanceKind.HEALED_OFTEN, warnings.healed_window
        readings.append(Reading(Circumstance(kind, count=count, lasted=lasted), float(count)))
    former = state.starts[:-RECENT][-FORMER:]
    if warnings.slow_start and len(former) >= FEWEST:
        took, usual = _median(state.starts[-RECENT:]), _median(former)
        # Nobody minds 40 ms in place of 20: it must come near to what would count as a failure.
        is_long = took > policy.start_timeout / 2
        told = Circumstance(CircumstanceKind.SLOW_START, value=took, limit=usual)
        readings.append(Reading(told, took / max(usual, 0.001) if is_long else 0.0))
    return readings


def _recent(healings: Sequence[float], warnings: Warnings, now: Now) -> tuple[float, ...]:
    return tuple(at for at in healings if at > now.mono - warnings.healed_window)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _key(about: Circumstance) -> tuple[CircumstanceKind, str]:
    return about.kind, about.subject


def _begun(service: str, reading: Reading, steps: Steps, now: Now) -> StandingWarning | None:
    """Return the warning that *reading* begins, if it does."""
    level = steps.reached(reading.value) if reading.value is not None else 0
    if not level:
        return None
    told = reading.about
    name = incident_id(f"{service}\0{told.kind}\0{told.subject}", now.wall)
    return StandingWarning(name, told, now.wall, level)


def _after(
    before: StandingWarning, reading: Reading, steps: Steps, now: Now
) -> StandingWarning | None:
    """Return the warning as *reading* leaves it; None: it is over."""
    if reading.value is None:
        return before
    level = steps.reached(reading.value, before.level)
    if level >= before.level:
        return replace(before, about=reading.about, level=level, better_since=None)
    since = now.mono if before.better_since is None else before.better_since
    if steps.at and now.mono - since < CALM:
        return replace(before, better_since=since)
    if not level:
        return None
    # What was told of a worse step is over with it: back there, it is news again.
    told_level = min(before.told, level)
    return replace(before, about=reading.about, level=level, told=told_level, better_since=None)


def _told(
    state: State, before: StandingWarning | None, after: StandingWarning, now: Now
) -> tuple[StandingWarning, Sequence[Effect]]:
    """Return *after* and what is to be said of it, unless nobody wants to hear it now."""
    reason = in_english(after.about)
    effects: list[Effect] = []
    if before is None or after.level > before.level:
        effects.append(Note(NoteKind.WARNED, reason, now.wall))
    is_quiet = state.silence is not None or state.phase is Phase.MAINTENANCE
    # What was kept back and is better by now waits to be bad again, or for its end.
    if after.told >= after.level or is_quiet or after.better_since is not None:
        return after, effects
    effects.append(_alert(AlertKind.WARNING, state, after, now))
    return replace(after, told=after.level), effects


def _over(
    state: State, warning: StandingWarning, now: Now, now_it: str, measure: Measure | None = None
) -> Iterator[Effect]:
    """Yield the end of *warning*; *now_it* says why it is over, *measure* too if it is not mended.

    A silence does not hold it back: it calls nobody, and would look open for ever.
    """
    text = f"{in_english(warning.about)}: over, {now_it}"
    yield Note(NoteKind.WARNING_OVER, text, now.wall)
    if warning.told:
        lasted = max(0.0, now.wall - warning.since)
        alert = _alert(AlertKind.WARNING_OVER, state, warning, now)
        yield replace(alert, duration=lasted, measure=measure)


def _alert(kind: AlertKind, state: State, warning: StandingWarning, now: Now) -> Alert:
    return Alert(
        kind,
        state.service if state.service != HOST else "",
        now.wall,
        in_english(warning.about),
        incident=warning.id,
        opened=warning.since,
        circumstance=warning.about,
    )
