"""The flowchart: its boxes in order, and the walk from one to the next up to the cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.log import is_hidden, last, log_lines
from watchdog.doctor.finding import Answer, Finding, Mark, Remedy
from watchdog.doctor.stages.aws import AWS
from watchdog.doctor.stages.external import EXTERNAL
from watchdog.doctor.stages.firewall import FIREWALL
from watchdog.doctor.stages.health import HEALTH
from watchdog.doctor.stages.nginx import NGINX_CONFIG, NGINX_RUNNING, PROXY_PORT
from watchdog.doctor.stages.port import PORT
from watchdog.doctor.stages.proxied import PROXIED
from watchdog.doctor.stages.unit import UNIT

STAGES: tuple[Stage, ...] = (
    UNIT,
    PORT,
    HEALTH,
    NGINX_RUNNING,
    NGINX_CONFIG,
    PROXY_PORT,
    PROXIED,
    FIREWALL,
    AWS,
    EXTERNAL,
)
"""Inside out: each is further down the way that a request comes."""

UNEXPLAINED = "unexplained"
"""The rule of a finding that no rule has made: the facts, and where to look."""

NEED_ILL = "need-ill"
"""The rule of a finding that blames a service which this one depends on (``depends_on``)."""

_VAGUE = frozenset({
    UNEXPLAINED, "hangs", "too-slow", "wrong-status", "wrong-answer", "peer-refuses",
    "python-error", "nobody-listens", "start-timeout",
})  # fmt: skip
"""Findings that say what is seen of a service whose need fails."""

Tell = Callable[[Stage, Answer | None], object]
"""Is told of each question, without an answer as it is asked, and with it then."""


@dataclass(frozen=True, slots=True)
class Step:
    """A box that the walk came to."""

    stage: Stage
    answer: Answer


@dataclass(frozen=True, slots=True)
class Examination:
    """What the doctor has found of one service."""

    service: str
    steps: tuple[Step, ...]
    finding: Finding | None = None
    troubles: tuple[str, ...] = ()  # rules that could not look, and why

    @property
    def is_busy(self) -> bool:
        """Tell whether something is under way, so that nothing can be said yet."""
        return any(step.answer.mark is Mark.BUSY for step in self.steps)

    @property
    def unanswered(self) -> Sequence[Step]:
        """Return the questions that nobody could answer, and that nothing later answers.

        A box that is passed proves those before it: a request has come all the way there.
        """
        left: list[Step] = []
        for step in self.steps:
            if step.answer.mark is Mark.GOOD:
                left.clear()
            elif step.answer.mark is Mark.UNKNOWN:
                left.append(step)
        return left


async def examine(
    case: Case, tell: Tell = lambda _stage, _answer: None, stages: Sequence[Stage] = STAGES
) -> Examination:
    """Walk *stages* with *case* up to the first bad answer, and look for its cause."""
    steps: list[Step] = []
    for stage in stages:
        tell(stage, None)
        answer = await stage.ask(case)
        steps.append(Step(stage, answer))
        tell(stage, answer)
        if answer.mark is Mark.BUSY:
            break
        if answer.mark is Mark.BAD:
            finding, troubles = await cause(case, stage)
            return Examination(
                case.service.name,
                tuple(steps),
                finding or await _unexplained(case, answer),
                troubles,
            )
    return Examination(case.service.name, tuple(steps))


def blamed(found: Examination, needs: Sequence[Examination]) -> Examination:
    """Return *found*, with the finding of the nearest of *needs* that explains what is seen."""
    if found.finding is None or found.finding.rule not in _VAGUE:
        return found
    for need in needs:
        if need.finding is not None:
            finding = Finding(
                NEED_ILL,
                f"{found.service} needs {need.service}, and there: {need.finding.fact}",
                f"mend that first; of {found.service} itself: {found.finding.fact}",
                need.finding.remedy,
                need.finding.details,
            )
            return replace(found, finding=finding)
    return found


async def cause(case: Case, stage: Stage) -> tuple[Finding | None, tuple[str, ...]]:
    """Return what the first of the stage's rules that sees something says, and what went wrong."""
    troubles = []
    for rule in stage.rules:
        try:
            finding = await rule(case)
        except Exception as error:  # noqa: BLE001 - one rule must not keep the others from looking
            troubles.append(f"{rule.__name__} could not look: {error!r}")
            continue
        if finding is not None:
            return finding, tuple(troubles)
    return None, tuple(troubles)


async def _unexplained(case: Case, answer: Answer) -> Finding:
    meaning = "none of the doctor's rules knows why; the last lines of its log may"
    if await is_hidden(case):
        meaning = "the journal, which may say why, is not ours to read: run this with sudo"
    commands = ["journalctl -e --unit " + case.unit] if case.unit else []
    commands += [f"tail -n 50 {path}" for path in case.logs]
    return Finding(
        UNEXPLAINED,
        answer.text,
        meaning,
        Remedy(tuple(commands) or (f"service-watchdog logs {case.service.name}",)),
        last(await log_lines(case)),
    )
