"""The check "limits": what is measured at the pace of a calm service, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.doubles import ScriptedControl
from watchdog.core.model import Observation, Verdict
from watchdog.core.telling import CircumstanceKind
from watchdog.core.thresholds import LimitAction, Limits
from watchdog.probes.limits import LimitsCheck

MIB = 2**20
RESTART = Limits(memory=800 * MIB, rounds=3, action=LimitAction.RESTART)
WARN = Limits(memory=800 * MIB, cpu=1.5, rounds=3)


class Used:
    """A service whose cgroup says what a test says, on a clock that a test moves."""

    def __init__(self, directory: Path, limits: Limits) -> None:
        self.directory = directory
        self.mono = 1000.0
        self.busy = 0.0
        self.control = ScriptedControl(cgroup=str(directory))
        self.check = LimitsCheck(limits, self.control, 30.0, lambda: self.mono)
        (directory / "memory.stat").write_text("inactive_file 0\n")

    async def round(self, mib: float, *, cpus: float = 0.0, after: float = 30.0) -> Observation:
        self.mono += after
        self.busy += cpus * after
        (self.directory / "memory.current").write_text(f"{int(mib * MIB)}\n")
        (self.directory / "cpu.stat").write_text(f"usage_usec {int(self.busy * 1e6)}\n")
        return await self.check.ask()

    @property
    def warned(self) -> list[CircumstanceKind]:
        return [reading.about.kind for reading in self.check.readings() if reading.value]


Using = Callable[[Limits], Used]


@pytest.fixture(name="using")
def fixture_using(tmp_path: Path) -> Using:
    return lambda limits: Used(tmp_path, limits)


async def test_what_is_within_its_limits_passes_and_says_how_much_that_is(using: Using) -> None:
    used = using(WARN)
    await used.round(300)
    seen = await used.round(312, cpus=0.25)
    assert (seen.verdict, seen.check) == (Verdict.PASS, "limits")
    assert seen.reason == "memory 312 MiB of 800 MiB, CPU 25 % of 150 %"
    assert used.warned == []


async def test_too_much_for_three_rounds_in_a_row_is_a_failure_that_a_restart_may_heal(
    using: Using,
) -> None:
    used = using(RESTART)
    assert [(await used.round(900)).verdict for _ in range(2)] == [Verdict.PASS] * 2
    seen = await used.round(912)
    assert (seen.verdict, seen.curable, seen.dead) == (Verdict.FAIL, True, False)
    assert seen.reason == "memory is at 912 MiB, above its limit of 800 MiB"
    assert seen.circumstance is not None
    assert seen.circumstance.kind is CircumstanceKind.MEMORY_LIMIT
    assert used.warned == [], "one way to be told of it is enough"


async def test_rounds_that_come_fast_do_not_count_as_more(using: Using) -> None:
    used = using(RESTART)
    answers = [await used.round(900, after=0.5) for _ in range(40)]
    assert {answer.verdict for answer in answers} == {Verdict.PASS}
    used = using(RESTART)
    for _ in range(3):
        await used.round(900)
    assert (await used.round(100, after=2.0)).verdict is Verdict.FAIL, "not measured again so soon"
    assert (await used.round(100)).verdict is Verdict.PASS


async def test_a_new_run_is_not_blamed_for_the_one_before(using: Using) -> None:
    used = using(RESTART)
    for _ in range(3):
        await used.round(900)
    used.control.identity = "run 2"
    assert (await used.round(900, after=0.5)).verdict is Verdict.PASS


async def test_rounds_with_a_long_pause_between_them_are_not_in_a_row(using: Using) -> None:
    used = using(RESTART)
    await used.round(900)
    await used.round(900)
    assert (await used.round(900, after=600)).verdict is Verdict.PASS


async def test_a_limit_that_only_warns_passes_and_can_be_read(using: Using) -> None:
    used = using(WARN)
    answers = [await used.round(900, cpus=2.0) for _ in range(3)]
    assert {answer.verdict for answer in answers} == {Verdict.PASS}
    assert used.warned == [CircumstanceKind.MEMORY_LIMIT]
    await used.round(900, cpus=2.0)
    assert used.warned == [CircumstanceKind.MEMORY_LIMIT, CircumstanceKind.CPU_LIMIT]


async def test_what_was_too_much_between_two_readings_is_told_of_once(using: Using) -> None:
    used = using(WARN)
    for _ in range(3):
        await used.round(900)
    await used.round(300)
    assert used.warned == [CircumstanceKind.MEMORY_LIMIT]
    await used.round(300)
    assert used.warned == []


async def test_what_was_too_much_is_forgotten_with_its_run(using: Using) -> None:
    used = using(WARN)
    for _ in range(3):
        await used.round(900)
    used.control.identity = "run 2"
    await used.round(300)
    assert used.warned == []


async def test_a_limit_that_cannot_be_measured_is_unknown_and_told_of(using: Using) -> None:
    used = using(Limits(open_files=900, rounds=3, action=LimitAction.RESTART))
    await used.round(100)
    seen = await used.round(100)
    assert seen.verdict is Verdict.UNKNOWN
    assert seen.reason == "cannot measure open files: its processes are not known"
    assert used.warned == [], "a run that is just beginning has none yet"
    await used.round(100)
    [reading] = [reading for reading in used.check.readings() if reading.value]
    assert reading.about.kind is CircumstanceKind.UNMEASURED
    assert reading.about.subject == "open files"
    assert reading.about.reason == "its processes are not known"
