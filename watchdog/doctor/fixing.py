"""``doctor --fix``: the safe remedies, one after the other, each examined before the next."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from watchdog.doctor.finding import Finding
from watchdog.doctor.flowchart import Examination
from watchdog.tool import run

ROUNDS = 5
"""Remedies at most: what needs more is for a person."""

PATIENCE = 120.0
"""Seconds for one command; systemd's own timeout of a start is 90."""

_PAUSE = 0.5  # seconds between two looks while something starts
_MARGIN = 5.0


class End(StrEnum):
    """Why there was no further remedy."""

    HEALTHY = "healthy"
    NOT_SAFE = "not-safe"  # the remedy is for a person
    REPEATED = "repeated"  # the same finding again: the remedy did not mend it
    REFUSED = "refused"  # the person said no
    BUSY = "in-progress"
    FAILED = "failed"  # a command of the remedy failed


@dataclass(slots=True)
class Course:
    """What was done, and how it ended."""

    examination: Examination
    end: End = End.HEALTHY
    done: list[Finding] = field(default_factory=list)
    trouble: str = ""


Examine = Callable[[], Awaitable[Examination]]
Confirm = Callable[[Finding], Awaitable[bool]]
Tell = Callable[[str], object]


async def fix(
    examine: Examine,
    glance: Examine,
    confirm: Confirm,
    is_held: Callable[[], Awaitable[str]],
    tell: Tell,
    start_timeout: float,
) -> Course:
    """Examine and remedy by turns until there is nothing to do, or nothing that is safe.

    *glance* examines without a word; *is_held* says why the daemon must not be disturbed now.
    """
    course = Course(await examine())
    while (finding := course.examination.finding) is not None:
        course.end = await _next(course, finding, confirm, is_held)
        if course.end is not End.HEALTHY:
            return course
        course.done.append(finding)
        course.trouble = await _perform(finding, tell)
        if course.trouble:
            course.end = End.FAILED
            return course
        await _settle(glance, start_timeout)
        course.examination = await examine()
    course.end = End.BUSY if course.examination.is_busy else End.HEALTHY
    return course


async def _next(
    course: Course, finding: Finding, confirm: Confirm, is_held: Callable[[], Awaitable[str]]
) -> End:
    """Return HEALTHY if the remedy of *finding* may be performed, or why not."""
    if not finding.remedy.safe:
        return End.NOT_SAFE
    if len(course.done) >= ROUNDS or finding.remedy in [done.remedy for done in course.done]:
        return End.REPEATED
    course.trouble = await is_held()
    if course.trouble:
        return End.BUSY
    return End.HEALTHY if await confirm(finding) else End.REFUSED


async def _perform(finding: Finding, tell: Tell) -> str:
    """Run the commands of a remedy; return what went wrong."""
    for command in finding.remedy.commands:
        tell(command)
        ran = await run(*shlex.split(command), patience=PATIENCE)
        if ran.code != 0:
            said = (ran.err or ran.out).strip().splitlines()
            why = ran.trouble or (said[0] if said else f"exit status {ran.code}")
            return f"cannot fix: {command}: {why}"
    return ""


async def _settle(glance: Examine, start_timeout: float) -> None:
    """Wait while something is starting, for as long as a start may take."""
    until = time.monotonic() + start_timeout + _MARGIN
    # What starts tells nobody when it is ready; so it is asked.
    while time.monotonic() < until and (await glance()).is_busy:  # noqa: ASYNC110
        await asyncio.sleep(_PAUSE)
