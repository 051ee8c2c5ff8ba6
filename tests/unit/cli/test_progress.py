"""How a deploy looks: plain lines in a file, one line redrawn on a terminal."""

from __future__ import annotations

import io
import os
from dataclasses import replace

import pytest

from watchdog.cli.progress import Progress, how_far, how_it_ended
from watchdog.config import Deployment
from watchdog.core.service import Service, UnitControl
from watchdog.deploy.plan import Kind, Step, plan_of
from watchdog.deploy.telling import (
    Cause,
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
  finding: the port is closed
  meaning: nobody answers
  | nginx: 502
rolling back
api: health failed; rolled back, and healthy again (5 s)
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
    shown = ("Traceback", "nginx: 502")
    finding = Finding("x", "the port is closed", "nobody answers", Remedy(("open it",)), shown)
    cause = Cause(["== journal, last lines ==", "Traceback"], finding)
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
        Explained(cause, stays=False),
        RollbackBegan(PLAN),
        DeployEnded(report),
    ):
        progress(event)
    assert out.text == FAILED


async def test_what_mends_it_is_told_where_nothing_is_rolled_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    out, remedy = Output(), Remedy(("open it", "and again"))
    Progress(out)(Explained(Cause((), Finding("x", "closed", "silent", remedy)), stays=True))
    assert out.text == (
        "  finding: closed\n  meaning: silent\n  to fix:  open it\n           and again\n"
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.DEPLOYED, "deployed, and healthy"),
        (Outcome.REFUSED, "not begun; nothing has changed"),
        (Outcome.FAILED, "health failed; nothing was rolled back: no rollback is configured"),
        (Outcome.ROLLED_BACK, "health failed; rolled back, and healthy again"),
        (
            Outcome.NOT_ROLLED_BACK,
            "health failed, and the rollback failed at restart: a person is needed",
        ),
    ],
)
def test_the_last_line_says_what_became_of_it(outcome: Outcome, words: str) -> None:
    steps = [
        Done(RESTART, is_good=True, text="", took=0),
        Done(HEALTH, is_good=False, text="", took=0),
    ]
    back = [Done(RESTART, is_good=False, text="", took=0)]
    assert how_it_ended(Report(PLAN, outcome, steps=steps, rollback=back)) == words


def test_a_command_that_fails_before_the_restart_is_told_with_that() -> None:
    steps = [Done(BEFORE, is_good=False, text="", took=0)]
    ended = how_it_ended(Report(PLAN, Outcome.FAILED, steps=steps))
    assert ended.startswith("before failed; it was not restarted, and nothing was rolled back:")


def test_what_the_daemon_finds_in_the_end_is_not_blamed_on_a_missing_rollback() -> None:
    plan = replace(PLAN, rollback=(RESTART,))
    steps = [
        Done(RESTART, is_good=True, text="", took=0),
        Done(Step(Kind.RELEASE, "api", 1), is_good=False, text="", took=0),
    ]
    ended = how_it_ended(Report(plan, Outcome.FAILED, steps=steps))
    assert ended == "release failed; nothing was rolled back"


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


@pytest.mark.parametrize(
    ("is_going_back", "words"),
    [
        (False, "interrupted after health failed; nothing was rolled back"),
        (True, "interrupted at restart (api.service) of the rollback; nothing is verified"),
    ],
)
def test_a_deploy_cut_short_after_a_failure_says_whether_it_was_on_the_way_back(
    is_going_back: bool,
    words: str,
) -> None:
    report = Report(PLAN, steps=[Done(HEALTH, is_good=False, text="", took=0)])
    report.is_going_back, report.current = is_going_back, RESTART
    assert how_far(report) == words


def test_a_deploy_cut_short_when_it_was_proven_says_that_it_is_healthy() -> None:
    release = Step(Kind.RELEASE, "api", 1)
    report = Report(PLAN, steps=[Done(Step(Kind.PROOF, "api", 1), is_good=True, text="", took=0)])
    report.current = release
    assert how_far(report) == "interrupted at release (api); it was restarted, and is healthy"
