"""The third box: does /health answer as it should?"""

from __future__ import annotations

from watchdog.core.model import Verdict
from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.facts.log import log_lines
from watchdog.doctor.facts.raised import TRACEBACK
from watchdog.doctor.finding import Answer, Finding, Mark
from watchdog.doctor.rules import answering, ending, environment, files, host, python
from watchdog.doctor.stages.port import WHY_IT_DOES_NOT_LISTEN, time_left
from watchdog.doctor.stages.unit import answered


async def ask(case: Case) -> Answer:
    """Ask it as the daemon does."""
    seen = await case.probed("http")
    if seen is None:
        return Answer(Mark.SKIPPED, "no health is configured")
    if seen.verdict is Verdict.FAIL and seen.curable and (left := await time_left(case)) > 0:
        return Answer(Mark.BUSY, f"starting, with {left:.0f} s left: {seen.reason}")
    return answered(seen)


def _unless_it_answers(rule: Rule) -> Rule:
    """Return *rule*, asked only where no answer came: with one, somebody does listen."""

    async def asked(case: Case) -> Finding | None:
        seen = await case.probed("http")
        return None if seen is None or " answered " in seen.reason else await rule(case)

    return _as(rule, asked)


def _if_it_raised(rule: Rule) -> Rule:
    """Return *rule*, asked only if the log has an exception; all else there may be a stranger's.

    A server that answers logs what it was asked for, in words that whoever asks has chosen.
    """

    async def asked(case: Case) -> Finding | None:
        return await rule(case) if TRACEBACK in await log_lines(case) else None

    return _as(rule, asked)


def _as(rule: Rule, asked: Rule) -> Rule:
    asked.__name__ = rule.__name__
    asked.__doc__ = rule.__doc__
    return asked


HEALTH = Stage(
    "health",
    "does it answer?",
    ask,
    (
        answering.process_stopped,
        host.disk_full,
        host.inodes_full,
        answering.process_stuck,
        answering.packets_dropped,
        answering.hangs,
        answering.too_slow,
        *(_unless_it_answers(rule) for rule in WHY_IT_DOES_NOT_LISTEN),
        _if_it_raised(host.disk_read_only),
        _if_it_raised(python.module_missing),
        environment.env_keys_missing,
        _if_it_raised(environment.env_key_asked),
        _if_it_raised(files.permission_denied),
        _if_it_raised(ending.peer_refuses),
        answering.wrong_status,
        answering.wrong_answer,
    ),
)
