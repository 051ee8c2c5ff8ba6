"""Which of the two URLs fails: the one through nginx on this host, or the one that users have."""

from __future__ import annotations

from watchdog.core.model import Verdict
from watchdog.core.service import HttpCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.reached import Reached, reach
from watchdog.doctor.finding import Answer, Mark

_MARKS = {Verdict.PASS: Mark.GOOD, Verdict.FAIL: Mark.BAD}


async def asked(case: Case, name: str, check: HttpCheck | None) -> Answer:
    """Return what the check of that *name* finds, as an answer."""
    if check is None:
        return Answer(Mark.SKIPPED, f"{name} is not configured")
    seen = await case.probed(name)
    if seen is None:
        return Answer(Mark.UNKNOWN, f"{check.url} was not asked")
    mark = _MARKS.get(seen.verdict, Mark.UNKNOWN)
    return Answer(mark, seen.reason)


async def failing(case: Case) -> HttpCheck | None:
    """Return the check that fails, the nearer first; None if neither does."""
    for name in ("proxied", "external"):
        check = getattr(case.deployment, name)
        seen = await case.probed(name) if check else None
        if seen is not None and seen.verdict is Verdict.FAIL:
            found: HttpCheck = check
            return found
    return None


async def answer_of(case: Case) -> tuple[HttpCheck, Reached] | None:
    """Return the check that fails and what it answers; None if neither fails."""
    check = await failing(case)
    return None if check is None else (check, await reach(case, check))
