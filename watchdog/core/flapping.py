"""Failing and healing by turns is one incident, told once, that ends when health lasts.

Its alert is a firing one. While it comes back by itself or by our restarts, that these are used up
is no news; that it does not come back any more, is.
"""

from __future__ import annotations

from dataclasses import replace

from watchdog.core import policy as rules
from watchdog.core.incident import make_alert
from watchdog.core.model import AlertKind, Now, Observation, Phase, State, Step, Verdict
from watchdog.core.reminder import outlook
from watchdog.core.service import Policy


def health_lost(state: State, policy: Policy, now: Now) -> State:
    """Return *state* with a proven health on record as lost."""
    if state.phase is not Phase.HEALTHY:
        return state
    kept = max(policy.flap_limit, rules.MOST_LOSSES)
    losses = (*rules.recent_losses(state, policy, now.mono), now.mono)[-kept:]
    return replace(state, losses=losses)


def down_for_good(step: Step, seen: Observation, policy: Policy, now: Now) -> Step:
    """Return *step* with giving up told, if a flapping service does not heal any more."""
    state, incident = step.state, step.state.incident
    if incident is None or not incident.flapping or incident.told_gave_up:
        return step
    # Not since it was given up on: each half-open retry begins that anew.
    down_since = max((incident.opened_mono, *state.losses))
    lasts = now.mono - down_since >= policy.stable_after
    if state.phase is not Phase.GAVE_UP or not lasts or seen.verdict is not Verdict.FAIL:
        return step
    told = replace(state, incident=replace(incident, told_gave_up=True))
    alert = make_alert(told, AlertKind.GAVE_UP, policy, now, outlook(state, now))
    return Step(told, (*step.effects, alert))
