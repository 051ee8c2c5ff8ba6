"""How the doctor's answers look: a tree as it walks, and the finding below it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from watchdog.cli.terminal import has_signs, painted
from watchdog.doctor.case import Stage
from watchdog.doctor.finding import Answer, Finding, Mark, Remedy
from watchdog.doctor.flowchart import Examination

_SIGNS = {
    Mark.GOOD: "✓",
    Mark.BAD: "✗",
    Mark.UNKNOWN: "?",
    Mark.SKIPPED: "\N{EN DASH}",
    Mark.BUSY: "…",
}
_COLOURS = {Mark.GOOD: "32", Mark.BAD: "31", Mark.UNKNOWN: "35", Mark.BUSY: "33"}
_WIDTH = 14

_NEED_NO_ROOT = ("aws ", "curl ", "dig ", "getent ")
"""With sudo, aws would look for root's credentials."""

Redacted = Callable[[str], str]


class Tree:
    """Prints each box as the walk comes to it; on a terminal, first what is being asked."""

    def __init__(self, redacted: Redacted) -> None:
        self._redacted = redacted
        self._live = sys.stdout.isatty()

    def begin(self, name: str) -> None:
        """Head the tree of a service."""
        print(bold(name))

    def __call__(self, stage: Stage, answer: Answer | None) -> None:
        """Print *answer*, or that *stage* is being asked."""
        if answer is not None:
            erased = "\r\033[K" if self._live else ""
            print(f"{erased}{line(stage.name, replace(answer, text=self._redacted(answer.text)))}")
            print_commands("to know:", answer.remedy)
        elif self._live:
            print(f"  · {stage.name:<{_WIDTH}}{stage.question}", end="", flush=True)


def line(name: str, answer: Answer) -> str:
    """Return a box with its answer."""
    return f"  {sign(answer.mark)} {name:<{_WIDTH}}{answer.text}"


def sign(mark: Mark) -> str:
    """Return the symbol of *mark*, in colour on a terminal; its word where there are no symbols."""
    text = _SIGNS[mark] if has_signs() else mark.value
    return painted(text, _COLOURS[mark]) if mark in _COLOURS else text


def bold(text: str) -> str:
    """Return *text* in bold, on a terminal."""
    return painted(text, "1")


def print_commands(label: str, remedy: Remedy | None) -> None:
    """Print below a box what mends it, or what it takes to see."""
    for index, command in enumerate(remedy.commands if remedy else ()):
        print(f"      {label if index == 0 else ' ' * len(label)} {typed(command)}")


def print_finding(finding: Finding, redacted: Redacted) -> None:
    """Print finding, meaning, and the commands that fix it."""
    print(f"\n{bold('finding:')} {redacted(finding.fact)}  [{finding.rule}]")
    print(f"{bold('meaning:')} {redacted(finding.meaning)}")
    for index, command in enumerate(finding.remedy.commands):
        print(f"{bold('to fix:') if index == 0 else ' ' * 7}  {typed(command)}")
    for each in finding.details:
        print(f"  | {redacted(each)}")


def typed(command: str) -> str:
    """Return *command* as whoever asks types it."""
    is_root = os.geteuid() == 0 or command.startswith(_NEED_NO_ROOT)
    return command if is_root else f"sudo {command}"


def as_told(finding: Finding, redacted: Redacted) -> Finding:
    """Return *finding* as it may be shown."""
    fact, meaning = redacted(finding.fact), redacted(finding.meaning)
    details = tuple(map(redacted, finding.details))
    return replace(finding, fact=fact, meaning=meaning, details=details)


def finding_as_json(finding: Finding, redacted: Redacted) -> dict[str, Any]:
    """Return *finding* as JSON can say it."""
    return {
        "rule": finding.rule,
        "fact": redacted(finding.fact),
        "meaning": redacted(finding.meaning),
        "remedy": remedy_as_json(finding.remedy),
        "details": [redacted(each) for each in finding.details],
    }


def remedy_as_json(remedy: Remedy | None) -> dict[str, Any] | None:
    """Return *remedy* as JSON can say it."""
    return {"commands": remedy.commands, "safe": remedy.safe} if remedy else None


def as_json(found: Examination, redacted: Redacted) -> dict[str, Any]:
    """Return an examination as JSON can say it."""
    return {
        "name": found.service,
        "stages": [
            {
                "name": step.stage.name,
                "question": step.stage.question,
                "mark": step.answer.mark.value,
                "text": redacted(step.answer.text),
                "remedy": remedy_as_json(step.answer.remedy),
            }
            for step in found.steps
        ],
        "finding": finding_as_json(found.finding, redacted) if found.finding else None,
        "troubles": found.troubles,
        "code": code_of(found),
    }


def code_of(found: Examination) -> int:
    """Return the exit code of an examination."""
    if found.finding is not None:
        return 1
    if found.unanswered:
        return 3
    return 4 if found.is_busy else 0
