"""Maintenance: no restarts, no alerts. A person asks for it, or a running deploy holds a lease.

A lease ends with the deploy that holds it; a maintenance that a person had asked for lies below it
meanwhile, and goes on when it ends.
"""

from __future__ import annotations

from dataclasses import replace

from watchdog.core.incident import enter, make_note, unproven
from watchdog.core.model import (
    Leased,
    Maintenance,
    NoteKind,
    Now,
    Paused,
    Phase,
    Released,
    Resumed,
    State,
    Step,
)
from watchdog.core.spans import span

RETAKEN_WITHIN = 10.0
"""Seconds after the daemon has come back for a deploy that still runs to take its lease again."""


def is_leased(state: State, lease: str = "") -> bool:
    """Tell whether a deploy holds *state*'s maintenance; with *lease*, whether that one does."""
    held = state.maintenance.lease if state.maintenance is not None else ""
    return held == lease if lease else bool(held)


def paused(state: State, event: Paused, now: Now) -> Step:
    """Begin a maintenance in place of one that a person had asked for; a lease goes on above it."""
    asked_for = Maintenance(event.until, event.owner, event.reason)
    text = f"maintenance for {span(event.until - now.mono)} by {event.owner}: {event.reason}"
    note = make_note(state, NoteKind.PAUSED, text, now)
    held = state.maintenance
    if held is not None and held.lease:
        return Step(replace(state, maintenance=replace(held, under=asked_for)), (note,))
    return Step(_begun(state, asked_for, now), (note,))


def resumed(state: State, event: Resumed, now: Now) -> Step:
    """End a maintenance that a person had asked for; a lease is for its deploy to end."""
    held = state.maintenance
    if held is None:
        return Step(state)
    if not held.lease:
        return _over(state, f"by {event.owner}", now)
    if held.under is None:
        return Step(state)
    text = f"maintenance over: by {event.owner}; the deploy by {held.owner} goes on"
    note = make_note(state, NoteKind.RESUMED, text, now)
    return Step(replace(state, maintenance=replace(held, under=None)), (note,))


def leased(state: State, event: Leased, now: Now) -> Step:
    """Begin a lease, or go on with the same one; while another one is held nothing changes."""
    held = state.maintenance
    if is_leased(state, event.lease):
        return Step(replace(state, maintenance=_lease(event, held and held.under)))
    if is_leased(state):
        return Step(state)
    text = f"deploy by {event.owner}: nothing is judged for {span(event.until - now.mono)} at most"
    note = make_note(state, NoteKind.LEASED, text, now)
    return Step(_begun(state, _lease(event, held), now), (note,))


def released(state: State, event: Released, now: Now) -> Step:
    """End the lease that *event* names, if it is the one that is held."""
    return _given_back(state, event.how, now) if is_leased(state, event.lease) else Step(state)


def run_out(state: State, now: Now) -> Step | None:
    """Return the end of a maintenance whose time is over, None if there is none."""
    held = state.maintenance
    if held is None or now.mono < held.until:
        return None
    if held.lease:
        return _given_back(state, "its deploy has not ended it in time", now)
    return _over(state, "it has ended", now)


def adrift(state: State, now: Now) -> State:
    """Return *state* as a daemon that comes back finds it: a lease must be taken again soon."""
    held = state.maintenance
    if held is None or not held.lease:
        return state
    until = min(held.until, now.mono + RETAKEN_WITHIN)
    return replace(state, maintenance=replace(held, until=until))


def _lease(event: Leased, under: Maintenance | None) -> Maintenance:
    return Maintenance(event.until, event.owner, event.reason, event.lease, under)


def _begun(state: State, maintenance: Maintenance, now: Now) -> State:
    goes_on = state.phase is Phase.RESTARTING
    begun = enter(state, Phase.MAINTENANCE, now)
    return replace(begun, maintenance=maintenance, unfinished=begun.unfinished or goes_on)


def _given_back(state: State, how: str, now: Now) -> Step:
    held = state.maintenance
    assert held is not None  # noqa: S101 - the callers have looked
    under = held.under
    if state.incident is not None:
        state = replace(state, incident=replace(state.incident, deployed=held.owner))
    text = f"deploy by {held.owner} over: {how}"
    if under is None or now.mono >= under.until:
        return _over(state, text, now, NoteKind.RELEASED)
    note = make_note(state, NoteKind.RELEASED, f"{text}; maintenance by {under.owner} goes on", now)
    return Step(replace(state, maintenance=under), (note,))


def _over(state: State, how: str, now: Now, kind: NoteKind = NoteKind.RESUMED) -> Step:
    # A restart that goes on is waited for, or there might be a second one beside it.
    phase = Phase.RESTARTING if state.unfinished else Phase.PENDING
    begun_anew = replace(
        unproven(enter(state, phase, now)),
        maintenance=None,
        failures=0,
        attempts=0,
        restarted=int(state.unfinished),
        gave_up=False,
        crashes=(),
        losses=(),
    )
    text = how if kind is NoteKind.RELEASED else f"maintenance over: {how}"
    return Step(begun_anew, (make_note(state, kind, text, now),))
