"""What the doctor says: answers to its questions, and findings: fact, meaning, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a question was answered."""

    GOOD = "good"  # ✓
    BAD = "bad"  # ✗
    UNKNOWN = "unknown"  # ? could not be asked: no permission, no such tool
    SKIPPED = "skipped"  # a dash: does not apply here
    BUSY = "busy"  # … not to be judged now: starting, stopping


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends it."""

    commands: tuple[str, ...]  # as a person types them; words in CAPITALS are theirs to fill in
    safe: bool = False  # nothing can be lost by them: the doctor may run them, once confirmed


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen, in one line."""

    mark: Mark
    text: str
    remedy: Remedy | None = None  # of what is not known: how it can be


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the doctor: fact, meaning, command that fixes it."""

    rule: str  # its name, such as "unit-masked": the same in tests, docs and JSON
    fact: str  # what is, in one line; names the object
    meaning: str  # what that leads to
    remedy: Remedy
    details: tuple[str, ...] = ()  # lines that show it, such as the last of a log
