"""How a deploy looks: plain lines in a file, one line redrawn on a terminal."""

from __future__ import annotations

import io
import os

import pytest

from watchdog.cli.progress import Progress, how_far
from watchdog.config import Deployment
from watchdog.core.service import Service, UnitControl
from watchdog.deploy.plan import Kind, Step, plan_of
from watchdog.deploy.telling import (
    DeployBegan,
    DeployEnded,
    Done,
    Explained,
    Outcome,
    Printed,
    Report,
    RollbackBegan,
    Said,
    StepBegan,
    StepEnded,
    Waiting,
)
from watchdog.doctor.finding import Finding, Remedy

RESTART = Step(Kind.RESTART, "api.service", 300)
BEFORE = Step(Kind.BEFORE, "git pull", 600, ("git", "pull"))
HEALTH = Step(Kind.HEALTH, "http://127.0.0.1/health", 30)
PLAN = plan_of(Service("api", UnitControl("api.service")), Deployment())

FAILED = """\
deploying api: 5 steps
    Already up to date.
✓ before        git pull: done after 0 s
! the daemon has gone
✗ health        /health answered 500 (5 tries)  (5 s)
  == journal, last lines ==
    Traceback
  why: the port is closed: nobody answers
  to mend it: open it
rolling back
api: failed; rolled back, and the rollback is healthy (5 s)
"""


class Output(io.TextIOWrapper):
    """A file, or a terminal."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


async def test_a_log_has_a_line_for_each_step_and_all_that_explains_a_failure() -> None:
    out, report = Output(), Report(PLAN, Outcome.ROLLED_BACK)
    report.evidence = ["== journal, last lines ==", "Traceback"]
    report.finding = Finding("x", "the port is closed", "nobody answers", Remedy(("open it",)))
    bad = Done(HEALTH, is_good=False, text="/health answered 500 (5 tries)", took=5)
    report.steps = [bad]
    progress = Progress(out)
    for event in (
        DeployBegan(report),
        StepBegan(BEFORE, 1, 5),
        Printed("Already up to date."),
        StepEnded(Done(BEFORE, is_good=True, text="done after 0 s", took=0)),
        Said("the daemon has gone"),
        StepBegan(HEALTH, 2, 5),
        Waiting("starting"),
        StepEnded(bad),
        Explained(report),
        RollbackBegan(PLAN),
        DeployEnded(report),
    ):
        progress(event)
    assert out.text == FAILED


async def test_a_terminal_shows_what_is_waited_for_in_one_line_that_is_redrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Output(terminal=True)
    progress = Progress(out)
    progress(StepBegan(HEALTH, 2, 5))
    progress(Waiting("starting: " + "x" * 100))
    progress(Printed("a line"))
    progress(StepEnded(Done(HEALTH, is_good=True, text="200", took=0)))
    *_, drawn, last = out.text.split("\r\033[K")
    assert drawn.startswith("… health        http://127.0.0.1/health  0 s  starting: x")
    assert len(drawn) == 59
    assert last == "✓ health        200\n"


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✓"), ("ascii", "ok")])
async def test_a_terminal_that_knows_no_symbols_gets_words(encoding: str, mark: str) -> None:
    out = Output(encoding=encoding)
    Progress(out)(StepEnded(Done(RESTART, is_good=True, text="done", took=0)))
    assert out.text.startswith(f"{mark} ")


async def test_a_reader_that_has_gone_does_not_end_a_deploy() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as out:  # noqa: ASYNC230, PTH123
        progress = Progress(out)
        progress(Said("one"))
        progress(Said("two"))
        out.flush()


@pytest.mark.parametrize(
    ("done", "current", "words"),
    [
        ([], Step(Kind.LEASE, "api", 1), "interrupted at lease (api); nothing has changed"),
        ([], BEFORE, "interrupted at before (git pull); not restarted"),
        ([BEFORE], RESTART, "interrupted at restart (api.service); it was restarted, is not"),
        ([BEFORE, RESTART], HEALTH, "; it was restarted, is not verified, and nothing was rolled"),
    ],
)
def test_a_deploy_cut_short_says_how_far_it_came(
    done: list[Step], current: Step, words: str
) -> None:
    report = Report(PLAN, steps=[Done(step, is_good=True, text="", took=0) for step in done])
    report.current = current
    assert words in how_far(report)
