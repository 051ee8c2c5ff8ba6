"""Backoff, budget, crash-loop and flapping rules: how often is too often."""

from __future__ import annotations

from watchdog.core.model import State
from watchdog.core.service import Policy


def threshold(policy: Policy, check: str) -> int:
    """Return after how many failures of *check* a restart is due; 0 is never."""
    if policy.restart_budget == 0:
        return 0
    return policy.restart_after.get(check, policy.max_failures)


def may_restart(policy: Policy) -> bool:
    """Tell whether any failure at all would bring a restart about."""
    return any(threshold(policy, check) for check in policy.restart_after)


def backoff(policy: Policy, attempts: int) -> float:
    """Return the seconds to wait before the next restart; the first one waits for nothing."""
    if attempts == 0:
        return 0.0
    # The exponent is bounded so that a year of attempts cannot overflow a float.
    return min(policy.backoff_max, policy.backoff_first * 2.0 ** min(attempts - 1, 32))


def remembered(state: State, policy: Policy, mono: float) -> tuple[float, ...]:
    """Return the restarts that budget or half-open retries still look back on."""
    horizon = mono - max(policy.restart_window, policy.retry_every)
    return tuple(at for at in state.restarts if at > horizon)


def budget_left(state: State, policy: Policy, mono: float) -> int:
    """Return how many restarts the budget still allows within its window."""
    spent = sum(1 for at in state.restarts if at > mono - policy.restart_window)
    return max(0, policy.restart_budget - spent)


def retry_at(state: State, policy: Policy) -> float:
    """Return when a spent budget allows its next half-open retry (mono)."""
    return state.restarts[-1] + policy.retry_every if state.restarts else 0.0


def counts_again(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether a failed round counts while a restart is waited for.

    Rounds come fast then and tell what is known already; those that a calm service would have had
    as well do count, so that a long backoff does not hide that it is down.
    """
    return state.failed_at is None or mono - state.failed_at >= policy.interval


def recent_crashes(state: State, policy: Policy, mono: float) -> tuple[float, ...]:
    """Return the crashes within the window that makes them a loop."""
    return tuple(at for at in state.crashes if at > mono - policy.crash_window)


def crash_loop_over(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether the last crash is long enough ago to believe in a passing round."""
    return not state.crashes or mono - state.crashes[-1] >= policy.crash_quiet


def is_stable(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether health has lasted long enough to be believed."""
    return state.healthy_since is not None and mono - state.healthy_since >= policy.stable_after


MOST_LOSSES = 20
"""Losses of health that are kept; more of them tell nothing new."""


def recent_losses(state: State, policy: Policy, mono: float) -> tuple[float, ...]:
    """Return when health was lost within the window that makes it flapping."""
    return tuple(at for at in state.losses if at > mono - policy.flap_window)


def lost_too_often(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether health was lost so often that people should know, short as each loss was."""
    return 0 < policy.flap_limit <= len(recent_losses(state, policy, mono))


def is_flapping(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether an incident that opens now is one of failing and healing by turns.

    People are told of it anyway, so half of the losses that would be told by themselves suffice.
    """
    again = state.closed is not None and mono - state.closed < policy.flap_window
    return again or 0 < policy.flap_limit < 2 * len(recent_losses(state, policy, mono))


def is_calm(state: State, policy: Policy, mono: float) -> bool:
    """Tell whether health has lasted long enough for flapping to be over."""
    return state.healthy_since is not None and mono - state.healthy_since >= policy.flap_window
