from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.store.conftest import MakeStore
from tests.unit.store.values import BOOT, WALL, change
from watchdog.core.model import (
    Incident,
    Maintenance,
    Now,
    Observation,
    Phase,
    Silence,
    State,
    Verdict,
)
from watchdog.core.standing import StandingWarning
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.store.rebase import read_boot_id, rebased

ABOUT = Circumstance(CircumstanceKind.DISK, subject="/", value=91.0, limit=1e9)

moments = st.floats(0, 1e7)
walls = st.floats(1e9, 2e9)
nows = st.builds(Now, moments, walls)

OTHER_BOOT = "7c3b0f5e-0000-4000-8000-000000000002"


def state_with(mono: float) -> State:
    """Return a state in which every time is *mono*."""
    return State(
        "api",
        Phase.WAITING,
        since=mono,
        failed_at=mono,
        cause=Observation(Verdict.FAIL, "http", "503", until=mono),
        restart_at=mono,
        restarts=(mono, mono),
        healthy_since=mono,
        crashes=(mono,),
        losses=(mono,),
        closed=mono,
        incident=Incident("abc234", WALL, mono, told_mono=mono),
        maintenance=Maintenance(mono, "lee", "deploy", "d1", Maintenance(mono, "kim", "disk")),
        silence=Silence(mono, "kim", "known"),
        warnings=(StandingWarning("abc234", ABOUT, WALL, 1, better_since=mono),),
        healings=(mono, mono),
    )


@given(mono=moments, saved=nows, now=nows)
def test_every_time_of_a_state_moves_alike(mono: float, saved: Now, now: Now) -> None:
    there = rebased(state_with(mono), saved, now)
    assert there == state_with(there.since)


@given(mono=moments, saved=nows, now=nows)
def test_what_was_so_long_ago_is_now_as_much_longer_ago_as_the_clock_went_on(
    mono: float, saved: Now, now: Now
) -> None:
    there = rebased(state_with(mono), saved, now)
    passed = max(0.0, now.wall - saved.wall)  # backwards counts as standing still
    age, age_then = now.mono - there.since, saved.mono - mono
    assert abs(age - (age_then + passed)) < 1e-3
    if mono <= saved.mono:
        assert there.since <= now.mono, "the past stays the past"


def test_a_reboot_of_a_minute_ages_everything_by_a_minute() -> None:
    saved, now = Now(5000.0, WALL), Now(20.0, WALL + 60)
    assert rebased(State("api", since=4990.0, restart_at=5300.0), saved, now) == State(
        "api", since=-50.0, restart_at=260.0
    )


def test_no_time_of_a_state_is_forgotten() -> None:
    # A new field of State: if it is a time, rebase it and add it above; then name it here.
    assert {field.name for field in fields(State)} == {
        *("service", "phase", "failures", "passes", "attempts", "gave_up"),  # no times
        *("restarted", "unfinished"),  # nor these
        *("since", "failed_at", "cause", "restart_at", "restarts", "healthy_since", "crashes"),
        *("losses", "closed"),
        *("incident", "maintenance", "silence", "warnings", "healings"),
        "starts",  # how long they took
    }


async def test_times_stay_as_they_are_within_one_life_of_the_host(make_store: MakeStore) -> None:
    state = state_with(900.0)
    async with make_store() as store:
        await store.commit(change(state=state, now=Now(1000.0, WALL)))
    async with make_store() as store:
        # The administrator has set the clock meanwhile; that changes nothing.
        left = (await store.load(Now(1060.0, WALL - 5000)))["api"]
    assert left.state == state


async def test_times_are_brought_over_a_reboot(make_store: MakeStore) -> None:
    async with make_store(boot_id=BOOT) as store:
        await store.commit(change(state=state_with(900.0), now=Now(1000.0, WALL)))
    async with make_store(boot_id=OTHER_BOOT) as store:
        left = (await store.load(Now(2000.0, WALL + 40)))["api"]
    assert left.state == state_with(1860.0)


async def test_without_a_boot_id_a_clock_that_stands_lower_tells_of_a_reboot(
    make_store: MakeStore,
) -> None:
    async with make_store(boot_id="") as store:
        await store.commit(change(state=state_with(900.0), now=Now(1000.0, WALL)))
        left = (await store.load(Now(10.0, WALL + 40)))["api"]
    assert left.state == state_with(-130.0)


def test_the_kernel_tells_its_boot_id() -> None:
    assert len(read_boot_id()) == 36
