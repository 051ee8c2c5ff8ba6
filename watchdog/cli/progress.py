"""How a deploy looks while it goes on: one line redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from typing import TextIO

from watchdog.cli.findings import typed
from watchdog.cli.terminal import has_signs, painted
from watchdog.core.excerpt import excerpt, is_title
from watchdog.core.spans import span
from watchdog.deploy.plan import Kind
from watchdog.deploy.telling import (
    DeployBegan,
    DeployEnded,
    Done,
    Event,
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

TICK = 0.2
"""Seconds between two redrawings."""

_LINES, _SIZE = 40, 6000  # lines and bytes of evidence that are shown
_WIDTH = max(len(kind) for kind in Kind)
_GREEN, _RED, _YELLOW = "32", "31", "33"


class Progress:
    """Shows events as they come; if nobody can read them any more, the deploy goes on."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._is_live = self._out.isatty() and os.environ.get("TERM") != "dumb"
        self._timer: asyncio.TimerHandle | None = None
        self._step = ""
        self._since = 0.0
        self._waiting = ""

    def __call__(self, event: Event) -> None:
        """Show *event*."""
        match event:
            case DeployBegan():
                name, count = event.report.plan.service, len(event.report.plan.steps)
                self._line(f"deploying {name}: {count} steps")
            case StepBegan():
                self._begin(f"{event.step.kind.value:{_WIDTH}}  {event.step.subject}")
            case Waiting():
                self._waiting = event.text
            case Printed():
                self._line(f"    {event.line}")
            case Said():
                self._line(self._coloured(f"! {event.text}", _YELLOW))
            case StepEnded():
                self._end(event.done)
            case Explained():
                self._explain(event)
            case RollbackBegan():
                self._line("rolling back")
            case DeployEnded():
                self._close(event.report)

    # --- steps ------------------------------------------------------------------------------------

    def _begin(self, step: str) -> None:
        self._step, self._since, self._waiting = step, time.monotonic(), ""
        if self._is_live:
            self._tick()

    def _tick(self) -> None:
        self._draw()
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _draw(self) -> None:
        took = time.monotonic() - self._since
        text = f"{self._mark(None)} {self._step}  {span(took)}"
        if self._waiting:
            text += f"  {self._waiting}"
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r\033[K{text[:width]}")

    def _end(self, done: Done) -> None:
        self._stop()
        kind = done.step.kind
        text = f"{kind.value:{_WIDTH}}  "
        if kind in {Kind.BEFORE, Kind.AFTER, Kind.ROLLBACK}:
            text += f"{done.step.subject}: "
        took = f"  ({span(done.took)})" if done.took >= 1 else ""
        colour = _GREEN if done.is_good else _RED
        mark = self._coloured(self._mark(is_good=done.is_good), colour)
        self._line(f"{mark} {text}{done.text}{took}")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._step = ""
            self._write("\r\033[K")

    # --- the end ----------------------------------------------------------------------------------

    def _explain(self, event: Explained) -> None:
        evidence, finding = event.cause.evidence, event.cause.finding
        for line in excerpt(evidence, _LINES, _SIZE) if evidence else ():
            self._line(f"  {line}" if is_title(line) else f"    {line}")
        if finding is not None:
            self._line(f"  finding: {finding.fact}")
            self._line(f"  meaning: {finding.meaning}")
            # After a rollback the fault is no longer there to be mended.
            for index, command in enumerate(finding.remedy.commands if event.stays else ()):
                self._line(f"  {'to fix:' if index == 0 else '':8} {typed(command)}")
            for detail in finding.details:
                if not any(detail.strip() in line for line in evidence):
                    self._line(f"  | {detail}")

    def _close(self, report: Report) -> None:
        self._stop()
        name, took = report.plan.service, sum(d.took for d in (*report.steps, *report.rollback))
        colour = _GREEN if report.outcome is Outcome.DEPLOYED else _RED
        self._line(self._coloured(f"{name}: {how_it_ended(report)} ({span(took)})", colour))

    # --- writing ----------------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        if self._timer is None:
            self._write(f"{text}\n")
            return
        self._write(f"\r\033[K{text}\n")
        self._draw()

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:
            # Whoever read it has gone. What is half done must still be brought to its end, and
            # the exit code be what came of it.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)

    def _mark(self, is_good: bool | None) -> str:  # noqa: FBT001 - or neither yet
        if has_signs(self._out):
            return {True: "✓", False: "✗", None: "…"}[is_good]
        return {True: "ok  ", False: "FAIL", None: "... "}[is_good]

    def _coloured(self, text: str, colour: str) -> str:
        return painted(text, colour, self._out) if self._is_live else text


def how_it_ended(report: Report) -> str:
    """Say what became of a deploy, in the words that stand below it."""
    failed = report.failed.step.kind.value if report.failed is not None else "deploy"
    match report.outcome:
        case Outcome.DEPLOYED:
            return "deployed, and healthy"
        case Outcome.REFUSED:
            return "not begun; nothing has changed"
        case Outcome.FAILED:
            why = "" if report.plan.rollback else ": no rollback is configured"
            is_restarted = any(done.step.kind is Kind.RESTART for done in report.steps)
            deeds = "nothing" if is_restarted else "it was not restarted, and nothing"
            return f"{failed} failed; {deeds} was rolled back{why}"
        case Outcome.ROLLED_BACK:
            return f"{failed} failed; rolled back, and healthy again"
        case Outcome.NOT_ROLLED_BACK:
            at = report.rollback[-1].step.kind.value
            return f"{failed} failed, and the rollback failed at {at}: a person is needed"
        case Outcome.INTERRUPTED:
            return how_far(report)


def how_far(report: Report) -> str:
    """Say how far a deploy had come that was cut short."""
    done = {each.step.kind for each in report.steps if each.is_good}
    at = report.current
    where = f"interrupted at {at.kind.value} ({at.subject})" if at is not None else "interrupted"
    if report.is_going_back:
        return f"{where} of the rollback; nothing is verified"
    if report.failed is not None:
        return f"interrupted after {report.failed.step.kind.value} failed; nothing was rolled back"
    if Kind.PROOF in done:
        return f"{where}; it was restarted, and is healthy"
    if Kind.RESTART not in done and (at is None or at.kind is not Kind.RESTART):
        began = Kind.BEFORE in done or (at is not None and at.kind is Kind.BEFORE)
        return f"{where}; {'not restarted' if began else 'nothing has changed'}"
    return f"{where}; it was restarted, is not verified, and nothing was rolled back"
