"""The folding of systemd's signals; the sequences were recorded on systemd 252."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.control.signals import (
    BOOT,
    RUN_A,
    RUN_B,
    RUNNING,
    Change,
    Removed,
    service_half,
    snapshot,
    told,
    unit_half,
)
from watchdog.control.unit_state import (
    PROPERTIES,
    RUN_STATES,
    Exit,
    UnitState,
    with_past_stop,
    with_properties,
    with_snapshot,
)

TERM: dict[str, Any] = {"code": 2, "status": 15}
KILL: dict[str, Any] = {"code": 2, "status": 9, "result": "signal"}


def test_a_snapshot_translates_what_systemd_says() -> None:
    state = with_snapshot(
        None,
        snapshot(
            RUNNING,
            LoadError=("", ""),
            TriggeredBy=["web.socket"],
            Type="notify",
            Restart="always",
            RemainAfterExit=False,
            TimeoutStartUSec=2**64 - 1,
            TimeoutStopUSec=10_000_000,
            RestartUSec=100_000,
            ExecMainStartTimestampMonotonic=1_500_000,
            ControlGroup="/system.slice/web.service",
            Slice="system.slice",
            SomethingNew=5,
        ),
        BOOT,
    )
    assert state.name == "web.service"
    assert state.is_up
    assert state.is_settled
    assert state.invocation == RUN_A
    assert state.triggered_by == ("web.socket",)
    assert state.start_timeout == math.inf
    assert (state.stop_timeout, state.restart_delay) == (10.0, 0.1)
    assert state.started == 1.5
    assert state.control_group == "/system.slice/web.service"


def test_crashes_before_the_first_snapshot_are_not_counted() -> None:
    state = told(first=snapshot(Change(1.0, "active", "running", restarts=7)))
    assert state.crashes == 0


def test_half_a_pair_of_signals_draws_no_conclusion() -> None:
    dead = Change(2.0, "failed", "failed", down_since=2.0, **KILL)
    state = with_properties(told(), service_half(dead), 2.0)
    assert state.last_exit == Exit()
    assert with_properties(state, unit_half(dead), 2.0).last_exit == Exit("signal", 2, 9)


# --- stopped on purpose, or not ------------------------------------------------------------------

STOP = (
    Change(10.0, "active", "running", job=5, pid=7),
    Change(10.1, "deactivating", "stop-sigterm", job=5, pid=7),
    Change(10.2, "inactive", "dead", job=5, down_since=10.2, **TERM),
    Removed(5, "done"),
    Change(10.2, "inactive", "dead", down_since=10.2, **TERM),
)
STOP_WITH_TIMEOUT = (
    Change(10.1, "deactivating", "stop-sigterm", job=5, pid=7),
    Change(11.1, "deactivating", "stop-sigkill", job=5, pid=7, result="timeout"),
    Change(11.2, "failed", "failed", job=5, down_since=11.2, result="timeout", code=2, status=9),
    Removed(5, "done"),
)
RESTART = (
    Change(10.1, "deactivating", "stop-sigterm", job=5, pid=7),
    Change(10.2, "inactive", "dead", job=5, down_since=10.2, **TERM),
    Change(10.2, "inactive", "dead", job=5, run=RUN_B, down_since=10.2, pid=8),
    Change(10.3, "active", "running", job=5, run=RUN_B, down_since=10.2, pid=8),
    Removed(5, "done"),
    Change(10.3, "active", "running", run=RUN_B, down_since=10.2, pid=8),
)
CRASH = (Change(10.0, "failed", "failed", down_since=10.0, **KILL),)
AUTO_RESTART_STOPPED = (
    *CRASH,
    Change(10.0, "activating", "auto-restart", down_since=10.0, **KILL),
    Change(10.1, "activating", "auto-restart", job=6, down_since=10.0, **KILL),
    Change(10.1, "inactive", "dead", job=6, down_since=10.1, **KILL),
    Removed(6, "done"),
)


@pytest.mark.parametrize(
    ("events", "stopped_at"),
    [
        pytest.param(STOP, 10.2, id="systemctl stop"),
        pytest.param(STOP_WITH_TIMEOUT, 11.2, id="systemctl stop of what ignores SIGTERM"),
        pytest.param(
            (*CRASH, Change(20.0, "failed", "failed", job=6, down_since=10.0), Removed(6, "done")),
            20.0,
            id="systemctl stop of what has failed before",
        ),
        pytest.param(AUTO_RESTART_STOPPED, 10.1, id="systemctl stop during auto-restart"),
        pytest.param(
            (
                Change(10.0, "deactivating", "stop-post", down_since=0.0, **TERM),
                Change(10.1, "deactivating", "stop-post", job=6, **TERM),
                Change(10.2, "inactive", "dead", job=6, down_since=10.2, **TERM),
                Removed(6, "done"),
            ),
            10.2,
            id="systemctl stop while it ends by itself",
        ),
        pytest.param(
            (
                Change(10.0, "active", "running", job=6, pid=7),
                Change(10.1, "deactivating", "stop-sigterm", job=6, pid=7),
                Removed(6, "canceled"),
                Change(10.1, "deactivating", "stop-sigterm", job=7, pid=7),
                Change(10.2, "inactive", "dead", job=7, down_since=10.2, **TERM),
                Removed(7, "done"),
            ),
            10.2,
            id="systemctl stop that cancels a restart",
        ),
        pytest.param(
            (Change(10.2, "inactive", "dead", down_since=10.2, **TERM),), None, id="kill -TERM"
        ),
        pytest.param(CRASH, None, id="kill -9"),
        pytest.param(RESTART, None, id="systemctl restart"),
        pytest.param((*CRASH, Removed(9, "done")), None, id="systemctl try-restart of a dead unit"),
        pytest.param((*STOP, *RESTART[2:]), None, id="started again"),
        pytest.param(
            (
                *RESTART[:2],
                Change(10.2, "inactive", "dead", 5, down_since=10.2, condition=(False, 10.3)),
                Removed(5, "done"),
            ),
            None,
            id="restart whose condition is unmet",
        ),
        pytest.param(
            (
                Change(10.0, "inactive", "dead", down_since=10.0, **TERM),
                Change(11.0, "inactive", "dead", job=6, down_since=10.0, **TERM),
                Change(11.1, "inactive", "dead", 6, down_since=10.0, condition=(False, 11.1)),
                Removed(6, "done"),
            ),
            None,
            id="start whose condition is unmet",
        ),
        pytest.param(
            (
                *RESTART[:2],
                Change(10.3, "activating", "start", job=5, run=RUN_B, pid=8),
                Change(10.4, "inactive", "dead", job=5, run=RUN_B, down_since=10.4, code=1),
                Removed(5, "done"),
            ),
            None,
            id="restart of a oneshot",
        ),
        pytest.param(
            (
                *RESTART[:3],
                Change(10.4, "failed", "failed", job=5, run=RUN_B, down_since=10.4, **KILL),
                Removed(5, "failed"),
            ),
            None,
            id="restart whose start fails",
        ),
    ],
)
def test_only_a_stop_job_that_was_done_is_an_operators_stop(
    events: tuple[Change | Removed, ...], stopped_at: float | None
) -> None:
    assert told(*events).stopped_at == stopped_at


def test_a_stop_found_under_way_by_the_first_snapshot_is_an_operators_stop() -> None:
    first = snapshot(Change(9.0, "deactivating", "stop-sigterm", job=5, pid=7))
    assert told(*STOP[2:], first=first).stopped_at == BOOT


def test_a_stop_survives_a_snapshot_and_even_systemds_forgetting_the_unit() -> None:
    forgotten = snapshot(Change(0.0, "inactive", "dead", run=""))
    assert with_snapshot(told(*STOP), forgotten, 30.0).stopped_at == 10.2


def test_a_run_that_was_not_seen_ends_an_earlier_stop() -> None:
    other = snapshot(Change(20.0, "failed", "failed", run=RUN_B, down_since=20.0, **KILL))
    assert with_snapshot(told(*STOP), other, 30.0).stopped_at is None


def test_a_past_stop_counts_from_systemds_own_stamp() -> None:
    down = told(first=snapshot(Change(5.0, "inactive", "dead", down_since=5.0)))
    assert with_past_stop(down, 6.0).stopped_at == 5.0
    forgotten = told(first=snapshot(Change(0.0, "inactive", "dead", run="")))
    assert with_past_stop(forgotten, 6.0).stopped_at == 6.0


@pytest.mark.parametrize("events", [(), (STOP[0],), STOP])
def test_a_past_stop_is_no_news_where_more_is_known(events: tuple[Change | Removed, ...]) -> None:
    state = told(*events)
    assert with_past_stop(state, 6.0) is state


# --- start limit ---------------------------------------------------------------------------------


def test_a_refused_start_leaves_the_old_run_and_a_failed_job() -> None:
    refused = (
        *CRASH,
        Change(12.0, "failed", "failed", job=8, down_since=10.0, **KILL),
        Change(12.1, "failed", "failed", 8, down_since=10.0, condition=(True, 12.1), **KILL),
        Removed(8, "failed"),
    )
    assert told(*refused).start_limited
    started = Change(13.0, "active", "running", run=RUN_B, pid=8)
    assert not told(*refused, started).start_limited


def test_a_start_that_ran_and_failed_is_not_a_refused_one() -> None:
    state = told(
        *CRASH,
        Change(12.0, "failed", "failed", job=8, down_since=10.0, **KILL),
        Change(12.1, "activating", "start-pre", job=8, run=RUN_B, down_since=10.0),
        Change(12.2, "failed", "failed", job=8, run=RUN_B, down_since=12.2, result="exit-code"),
        Removed(8, "failed"),
    )
    assert not state.start_limited
    assert state.last_exit == Exit("exit-code", 0, 0)


def test_systemds_own_restart_may_hit_the_limit_too() -> None:
    state = told(
        Change(10.0, "inactive", "dead", down_since=10.0, code=1),
        Change(10.0, "activating", "auto-restart", down_since=10.0, code=1),
        Change(10.0, "activating", "auto-restart", 6, restarts=1, down_since=10.0, code=1),
        Change(10.1, "failed", "failed", 6, result="start-limit-hit", restarts=1, code=1),
    )
    assert state.start_limited
    assert told(*CRASH[:1], Removed(0, "failed")).start_limited is False


# --- crashes -------------------------------------------------------------------------------------


def auto_restart(number: int, run: str) -> tuple[Change, ...]:
    at = 10.0 * number
    return (
        Change(at, "failed", "failed", down_since=at, restarts=number - 1, **KILL),
        Change(at, "activating", "auto-restart", down_since=at, restarts=number - 1, **KILL),
        Change(at, "activating", "auto-restart", 6, down_since=at, restarts=number, **KILL),
        Change(at, "inactive", "dead", 6, run=run, down_since=at, restarts=number, pid=8),
        Change(at, "active", "running", 6, run=run, down_since=at, restarts=number, pid=8),
        Change(at, "active", "running", run=run, down_since=at, restarts=number, pid=8),
    )


def test_each_restart_by_systemd_is_a_crash() -> None:
    state = told(*auto_restart(1, RUN_B), *auto_restart(2, RUN_A))
    assert state.crashes == 2
    assert not state.stopped_at
    assert not state.start_limited


def test_crashes_that_were_not_seen_are_counted_by_the_next_snapshot() -> None:
    later = snapshot(Change(50.0, "active", "running", run=RUN_B, restarts=5, pid=9))
    assert with_snapshot(told(*auto_restart(1, RUN_B)), later, 60.0).crashes == 5


def test_a_reset_of_the_counter_is_no_crash_and_loses_none() -> None:
    once = told(*auto_restart(1, RUN_B))
    reset = with_properties(once, {"NRestarts": 0, "ActiveState": "active"}, 20.0)
    assert reset.crashes == 1
    again = with_properties(reset, {"NRestarts": 1, "ActiveState": "active"}, 30.0)
    assert again.crashes == 2


def test_no_present_run_no_start() -> None:
    assert told(*CRASH).started is None
    assert told(*auto_restart(1, RUN_B)[:2]).started is None
    starting = {"InactiveExitTimestampMonotonic": 3_000_000, "ActiveState": "activating"}
    assert with_properties(UnitState("web.service"), starting, 4.0).started == 3.0


# --- whatever comes ------------------------------------------------------------------------------

changes = st.builds(
    Change,
    at=st.floats(0, 1e6),
    active=st.sampled_from([*RUN_STATES, "deactivating", "inactive", "failed", "new-in-300"]),
    sub=st.sampled_from(["running", "dead", "failed", "auto-restart", "stop-sigterm"]),
    job=st.integers(0, 3),
    run=st.sampled_from(["", RUN_A, RUN_B]),
    result=st.sampled_from(["success", "signal", "start-limit-hit", "new"]),
    code=st.integers(0, 3),
    status=st.integers(0, 255),
    restarts=st.integers(0, 5),
    pid=st.integers(0, 9),
    down_since=st.floats(0, 1e6),
    condition=st.tuples(st.booleans(), st.floats(0, 1e6)),
)
removals = st.builds(
    Removed, st.integers(0, 3), st.sampled_from(["done", "failed", "canceled", "timeout", "new"])
)


@given(st.lists(changes | removals, max_size=12))
def test_in_whatever_order_signals_come_a_running_unit_was_not_stopped(
    events: list[Change | Removed],
) -> None:
    crashes = 0
    for end in range(len(events) + 1):
        state = told(*events[:end])
        assert state.crashes >= crashes
        crashes = state.crashes
        if state.active_state in RUN_STATES:
            assert state.stopped_at is None
            assert not state.start_limited or state.result == "start-limit-hit"


@given(st.lists(changes, max_size=6))
def test_a_signal_that_repeats_what_is_known_changes_nothing(events: list[Change]) -> None:
    state = told(*events)
    if events:
        again = with_properties(state, unit_half(events[-1]), 2e6)
        assert again == state


def test_what_is_kept_is_what_is_documented() -> None:
    assert {"ActiveState", "SubState", "Result", "NRestarts", "InvocationID"} < PROPERTIES
