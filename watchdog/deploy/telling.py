"""What a deploy tells while it goes on, as data; words and symbols are the terminal's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from watchdog.deploy.plan import Plan, Step


class Remedied(Protocol):
    """What mends it."""

    @property
    def commands(self) -> Sequence[str]:
        """Return them as a person types them."""
        ...


class Found(Protocol):
    """A finding of whoever was asked why a step failed."""

    @property
    def fact(self) -> str:
        """What is, in one line."""
        ...

    @property
    def meaning(self) -> str:
        """What that leads to."""
        ...

    @property
    def remedy(self) -> Remedied:
        """What mends it."""
        ...

    @property
    def details(self) -> Sequence[str]:
        """Lines that show it."""
        ...


class Outcome(StrEnum):
    """How a deploy ended."""

    DEPLOYED = "deployed"
    REFUSED = "refused"  # nothing was done
    FAILED = "failed"  # and nothing was rolled back
    ROLLED_BACK = "rolled-back"  # and verified
    NOT_ROLLED_BACK = "not-rolled-back"  # that failed as well
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Done:
    """A step that is over."""

    step: Step
    is_good: bool
    text: str  # what was seen, or why it failed
    took: float  # seconds


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a step has failed, as far as is known."""

    evidence: Sequence[str] = ()
    finding: Found | None = None


@dataclass(slots=True)
class Report:
    """What became of one service's deploy."""

    plan: Plan
    outcome: Outcome = Outcome.INTERRUPTED
    code: int = 1  # the exit code that says it
    steps: list[Done] = field(default_factory=list)
    rollback: list[Done] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    cause: Cause = Cause()  # why it failed
    rollback_cause: Cause = Cause()  # why the rollback did
    current: Step | None = None  # what is being done
    is_going_back: bool = False  # the way back is begun

    @property
    def failed(self) -> Done | None:
        """Return the step that failed, of the deploy itself."""
        return next((done for done in self.steps if not done.is_good), None)


@dataclass(frozen=True, slots=True)
class DeployBegan:
    """The first step is about to be done."""

    report: Report


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step is being done."""

    step: Step
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the present step waits for has changed."""

    text: str


@dataclass(frozen=True, slots=True)
class Printed:
    """The present command has printed a line."""

    line: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something besides the steps that people should know."""

    text: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is over."""

    done: Done


@dataclass(frozen=True, slots=True)
class Explained:
    """It is known why a step has failed, or will not be."""

    cause: Cause
    stays: bool  # nothing else is done about it: what mends it is for a person


@dataclass(frozen=True, slots=True)
class RollbackBegan:
    """The way back is begun."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class DeployEnded:
    """It is over, in one way or another."""

    report: Report


Event = (
    DeployBegan
    | StepBegan
    | Waiting
    | Printed
    | Said
    | StepEnded
    | Explained
    | RollbackBegan
    | DeployEnded
)

Tell = Callable[[Event], None]
