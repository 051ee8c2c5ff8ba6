from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watchdog.doctor.finding import Answer, Finding, Mark, Remedy
from watchdog.doctor.fixing import ROUNDS, Course, End, fix
from watchdog.doctor.flowchart import Examination, Step
from watchdog.doctor.stages.unit import UNIT

WELL = Examination("api", (Step(UNIT, Answer(Mark.GOOD, "up")),))
STARTING = Examination("api", (Step(UNIT, Answer(Mark.BUSY, "starting")),))


def ill(*commands: str, safe: bool = True) -> Examination:
    finding = Finding("broken", "it is broken", "", Remedy(commands, safe=safe))
    return Examination("api", (Step(UNIT, Answer(Mark.BAD, "down")),), finding)


async def course(
    examinations: Sequence[Examination], *, consent: bool = True, held: str = ""
) -> tuple[Course, list[str]]:
    """Return the course of a fix that finds *examinations* in turn, and what it ran."""
    left, ran = list(examinations), list[str]()

    async def examine() -> Examination:
        return left.pop(0) if len(left) > 1 else left[0]

    async def glance() -> Examination:
        return WELL

    async def confirm(_: Finding) -> bool:
        return consent

    async def is_held() -> str:
        return held

    return await fix(examine, glance, confirm, is_held, ran.append, 0.0), ran


async def test_what_is_well_is_left_alone() -> None:
    done, ran = await course([WELL])
    assert (done.end, ran) == (End.HEALTHY, [])


async def test_safe_remedies_are_performed_one_after_the_other() -> None:
    done, ran = await course([ill("true 1"), ill("true 2"), WELL])
    assert done.end is End.HEALTHY
    assert ran == ["true 1", "true 2"]


async def test_a_remedy_that_is_not_safe_is_not_performed() -> None:
    done, ran = await course([ill("true 1"), ill("true 2", safe=False)])
    assert (done.end, ran) == (End.NOT_SAFE, ["true 1"])


async def test_no_remedy_is_performed_twice() -> None:
    done, ran = await course([ill("true 1"), ill("true 2"), ill("true 1")])
    assert (done.end, ran) == (End.REPEATED, ["true 1", "true 2"])


async def test_there_is_an_end_to_remedies() -> None:
    done, ran = await course([ill(f"true {number}") for number in range(99)])
    assert done.end is End.REPEATED
    assert len(ran) == ROUNDS


async def test_nothing_is_done_without_consent() -> None:
    done, ran = await course([ill("true")], consent=False)
    assert (done.end, ran) == (End.REFUSED, [])


async def test_nothing_is_done_while_the_daemon_is_at_it() -> None:
    done, ran = await course([ill("true")], held="the daemon is restarting api now")
    assert (done.end, ran) == (End.BUSY, [])
    assert done.trouble == "the daemon is restarting api now"


async def test_what_is_starting_is_in_progress() -> None:
    done, _ = await course([STARTING])
    assert done.end is End.BUSY


async def test_a_command_that_fails_ends_it_and_says_why(tmp_path: Path) -> None:
    done, ran = await course([ill(f"ls {tmp_path}/nowhere", "true")])
    assert done.end is End.FAILED
    assert ran == [f"ls {tmp_path}/nowhere"]
    assert done.trouble.startswith(f"cannot fix: ls {tmp_path}/nowhere: ")
    assert "No such file" in done.trouble
