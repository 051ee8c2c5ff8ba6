"""Is a unit up? Every active state, every load state, every bound."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from watchdog.control.judge import MARGIN, TURN, UNBOUNDED, judge
from watchdog.control.unit_state import Exit, UnitState
from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import Policy

POLICY = Policy(stopped_grace=120.0)
NOW = 1000.0
KILLED = Exit("signal", 2, 9)


def unit(active: str, sub: str, **more: Any) -> UnitState:
    fields: dict[str, Any] = {
        "invocation": "aa",
        "state_changed": NOW - 1.0,
        "inactive_entered": NOW - 1.0,
    }
    fields |= {"active_state": active, "sub_state": sub} | more
    return UnitState("web.service", **fields)


def judged(state: UnitState, now: float = NOW) -> Observation:
    return judge(state, now, POLICY)


@pytest.mark.parametrize(
    "state",
    [
        unit("active", "running"),
        unit("active", "exited", remain_after_exit=True),
        unit("active", "running", load_state="masked"),
        unit("active", "running", load_state="not-found"),
        unit("active", "running", load_state="bad-setting"),
        unit("active", "running", result="exit-code", n_restarts=3),
        unit("reloading", "reload", job=5, job_since=NOW),
        unit("refreshing", "refreshing-extensions"),
        unit("inactive", "dead", type="oneshot"),
        unit("inactive", "dead", triggered_by=("web.timer", "web.socket")),
        unit("active", "running", job=5, job_since=NOW - 1e4, start_timeout=1.0, stop_timeout=1.0),
    ],
)
def test_what_is_up_or_has_nothing_to_do_passes(state: UnitState) -> None:
    assert judged(state).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("state", "until", "words"),
    [
        (unit("active", "running", job=5, job_since=NOW - 1.0), NOW + 179 + MARGIN, "job"),
        (unit("activating", "start", start_timeout=20.0), NOW + 19 + MARGIN, "starting (start)"),
        (
            unit("activating", "start-pre", start_timeout=20.0, start_pre_commands=2),
            NOW + 59 + MARGIN,
            "",
        ),
        (
            unit("deactivating", "stop", stop_timeout=8.0, stop_commands=1, stop_post_commands=1),
            NOW + 23 + MARGIN,
            "",
        ),
        (unit("activating", "start-pre", start_timeout=math.inf), NOW - 1 + UNBOUNDED + MARGIN, ""),
        (unit("deactivating", "stop-sigterm", stop_timeout=8.0), NOW + 7 + MARGIN, "stopping"),
        (unit("deactivating", "something-new", stop_timeout=8.0), NOW + 7 + MARGIN, ""),
        (unit("maintenance", "cleaning", stop_timeout=8.0), NOW + 7 + MARGIN, "cleaned"),
        (unit("inactive", "dead", job=5, job_since=NOW), NOW + 180 + MARGIN, "a job under way"),
        (unit("failed", "failed", job=5, job_since=NOW), NOW + 180 + MARGIN, "a job under way"),
        (
            unit("activating", "auto-restart", restart_delay=3.0, last_exit=KILLED),
            NOW + 2 + MARGIN,
            "killed by SIGKILL; systemd restarts it",
        ),
        (
            unit("activating", "auto-restart-queued", job=5, job_since=NOW),
            NOW + 180 + MARGIN,
            "systemd restarts it",
        ),
        (unit("failed", "failed-before-auto-restart", restart_delay=3.0), NOW + 2 + MARGIN, ""),
        (unit("inactive", "dead-before-auto-restart", restart_delay=3.0), NOW + 2 + MARGIN, ""),
        (
            unit("activating", "auto-restart", restart_delay=3.0, restart_delay_max=60.0),
            NOW + 59 + MARGIN,
            "",
        ),
        (
            unit("activating", "auto-restart", restart_delay=3.0, restart_delay_max=math.inf),
            NOW + 2 + MARGIN,
            "",
        ),
        (
            unit("failed", "failed", restart="on-failure", state_changed=NOW - 0.02),
            NOW - 0.02 + TURN,
            "systemd has its turn (Restart=on-failure)",
        ),
        (
            unit("inactive", "dead", restart="always", state_changed=NOW - 0.02),
            NOW - 0.02 + TURN,
            "systemd has its turn",
        ),
        (
            unit("inactive", "dead", stopped_at=NOW - 20.0),
            NOW + 100.0,
            "stopped by an operator (systemctl stop); brought back in 100 s",
        ),
        (unit("failed", "failed", stopped_at=NOW - 20.0), NOW + 100.0, "brought back in 100 s"),
        (
            unit("inactive", "dead", stopped_at=NOW - 20.0, load_state="masked"),
            NOW + 100.0,
            "brought back",
        ),
    ],
)
def test_what_is_under_way_or_wanted_is_held_until_its_bound(
    state: UnitState, until: float, words: str
) -> None:
    seen = judged(state)
    assert seen.verdict is Verdict.HOLD
    assert seen.until == pytest.approx(until)
    assert words in seen.reason
    after = judged(state, until + 0.001)
    assert after.verdict in {Verdict.FAIL, Verdict.PASS}
    assert (after.verdict is Verdict.PASS) == state.is_up


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (unit("failed", "failed", last_exit=KILLED), "web.service killed by SIGKILL"),
        (
            unit("failed", "failed", last_exit=Exit("exit-code", 1, 203)),
            "web.service exited with status 203/EXEC (executable not found or not runnable)",
        ),
        (unit("inactive", "dead", last_exit=Exit("success", 2, 15)), "killed by SIGTERM"),
        (unit("inactive", "dead", type="oneshot", remain_after_exit=True), "ended"),
        (unit("failed", "failed", type="oneshot", result="exit-code"), "ended"),
        (unit("failed", "failed", triggered_by=("web.socket",)), "ended"),
        (unit("inactive", "dead", triggered_by=("web.timer",)), "ended"),
        (
            unit("inactive", "dead", invocation="", inactive_entered=0.0, state_changed=0.0),
            "is not running; systemd knows of no start since boot",
        ),
        (
            unit("failed", "failed", start_limited=True, last_exit=KILLED, restart="always"),
            "killed by SIGKILL; systemd refuses to start it again: too many starts (start limit)",
        ),
        (
            unit("inactive", "dead", condition_result=False, condition_checked=NOW),
            "was not started: a Condition…= of its unit file was not met",
        ),
        (
            unit("failed", "failed", restart="always", last_exit=KILLED),
            "killed by SIGKILL",
        ),
        (
            unit("inactive", "dead", stopped_at=NOW - 200.0),
            "stopped by an operator (systemctl stop) and left down for 3 min",
        ),
        (
            unit("activating", "auto-restart", state_changed=NOW - 60, last_exit=KILLED),
            "killed by SIGKILL; systemd has not restarted it for 60 s",
        ),
    ],
)
def test_what_is_dead_fails_at_once_and_a_restart_may_help(state: UnitState, words: str) -> None:
    seen = judged(state)
    assert (seen.verdict, seen.dead, seen.curable) == (Verdict.FAIL, True, True)
    assert words in seen.reason
    assert seen.check == "unit"


@pytest.mark.parametrize(
    ("load_state", "words"),
    [
        ("masked", "is masked; to run it: systemctl unmask web.service"),
        ("not-found", "has no unit file; install it, or correct the name"),
        ("bad-setting", "systemd-analyze verify web.service"),
        ("error", "cannot be loaded: Unit name is not valid; see"),
        ("new-in-300", "cannot be loaded"),
    ],
)
@pytest.mark.parametrize("active", ["inactive", "failed"])
def test_no_restart_helps_a_unit_that_cannot_be_loaded(
    load_state: str, words: str, active: str
) -> None:
    state = unit(active, "dead", load_state=load_state, load_error="Unit name is not valid.")
    seen = judged(state)
    assert (seen.verdict, seen.dead, seen.curable) == (Verdict.FAIL, True, False)
    assert words in seen.reason


@pytest.mark.parametrize("active", ["activating", "deactivating"])
def test_a_unit_that_takes_longer_than_it_may_is_told_of_but_not_killed(active: str) -> None:
    """It has asked systemd for more time (EXTEND_TIMEOUT_USEC), or systemd is stuck."""
    seen = judged(unit(active, "start", state_changed=NOW - 500))
    assert (seen.verdict, seen.dead, seen.curable) == (Verdict.FAIL, False, False)
    assert "for 8 min, longer than its timeout allows" in seen.reason


def test_a_state_that_nobody_knows_is_no_evidence() -> None:
    assert judged(unit("new-in-300", "dead")).verdict is Verdict.UNKNOWN


spans = st.floats(0, 2**64 / 1e6) | st.just(math.inf)  # what a property of microseconds can say
states = st.builds(
    UnitState,
    name=st.just("web.service"),
    load_state=st.sampled_from(["loaded", "masked", "not-found", "bad-setting", "error", "new"]),
    active_state=st.sampled_from(
        [
            *["active", "reloading", "refreshing", "activating", "deactivating"],
            *["inactive", "failed", "maintenance", "new-in-300"],
        ]
    ),
    sub_state=st.sampled_from(["running", "dead", "failed", "auto-restart", "new-in-300"]),
    type=st.sampled_from(["simple", "oneshot", "notify"]),
    restart=st.sampled_from(["no", "always", "on-failure"]),
    remain_after_exit=st.booleans(),
    triggered_by=st.sampled_from([(), ("web.socket",)]),
    result=st.sampled_from(["success", "signal", "new"]),
    start_timeout=spans,
    stop_timeout=spans,
    restart_delay=spans,
    restart_delay_max=spans,
    state_changed=st.floats(0, 1e6),
    inactive_entered=st.floats(0, 1e6),
    job=st.integers(0, 1),
    job_since=st.floats(0, 1e6),
    stopped_at=st.none() | st.floats(0, 1e6),
    start_limited=st.booleans(),
    last_exit=st.builds(Exit, st.text(max_size=3), st.integers(0, 9), st.integers(-1, 300)),
)


def test_a_stop_on_purpose_is_respected_although_a_socket_could_start_it() -> None:
    state = unit("inactive", "dead", triggered_by=("web.socket",), stopped_at=NOW - 20.0)
    held = judged(state)
    assert held.verdict is Verdict.HOLD
    assert "stopped by an operator" in held.reason
    later = judged(state, NOW + 100.0)
    assert (later.verdict, later.reason) == (
        Verdict.PASS,
        "web.service is idle; web.socket starts it on demand",
    )


@given(states, st.floats(0, 2e6))
def test_every_state_has_an_answer_and_every_hold_an_end(state: UnitState, now: float) -> None:
    seen = judged(state, now)
    assert seen.reason
    if seen.verdict is Verdict.HOLD:
        assert seen.until is not None
        assert now < seen.until < math.inf
        later = judged(state, max(seen.until, math.nextafter(now, math.inf)))
        assert later.verdict is not Verdict.HOLD or (later.until or 0) > seen.until
    else:
        assert seen.until is None


@given(states, st.floats(0, 2e6))
def test_nothing_up_is_ever_failed_and_nothing_moving_is_ever_to_be_restarted(
    state: UnitState, now: float
) -> None:
    seen = judged(state, now)
    if state.is_up:
        assert seen.verdict in {Verdict.PASS, Verdict.HOLD}
    if seen.verdict is Verdict.FAIL and not seen.dead:
        assert not seen.curable


@given(states, st.floats(0, 119.9))
def test_while_an_operators_grace_lasts_nothing_is_failed(state: UnitState, since: float) -> None:
    stopped = replace(state, active_state="inactive", sub_state="dead", job=0, stopped_at=NOW)
    assert judged(stopped, NOW + since).verdict is not Verdict.FAIL
