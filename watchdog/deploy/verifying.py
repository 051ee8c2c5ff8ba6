"""Is it all up? Rounds of every service until they pass, or a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog.core.model import Observation, Verdict
from watchdog.deploy.looking import PACE
from watchdog.deploy.target import Target


@dataclass(frozen=True, slots=True)
class Verified:
    """What was seen of one service last."""

    service: str
    answers: Sequence[Observation]  # check by check, up to the first that did not pass
    took: float  # seconds

    @property
    def verdict(self) -> Verdict:
        """Return the answer of the last round."""
        return self.answers[-1].verdict

    @property
    def code(self) -> int:
        """Return the exit code that says it."""
        return {Verdict.PASS: 0, Verdict.UNKNOWN: 3}.get(self.verdict, 1)


Seen = Callable[[str, Observation], None]
"""Is told of each round by service and what it found."""


async def verify(
    targets: Sequence[Target], patience: float, seen: Seen = lambda *_: None
) -> Sequence[Verified]:
    """Return each of *targets* once a round of it passes, or after *patience* seconds what is."""
    until = time.monotonic() + patience
    return await asyncio.gather(*(_verify(target, until, seen) for target in targets))


async def _verify(target: Target, until: float, seen: Seen) -> Verified:
    last = target.questions[-1].check if target.questions else "unit"
    rounds, began = target.round(last), time.monotonic()
    answers: Sequence[Observation] = ()
    while True:
        try:
            async with asyncio.timeout(max(until - time.monotonic(), _AT_LEAST)):
                answer = await rounds.run()
        except TimeoutError:
            late = Observation(Verdict.FAIL, last, "no answer before the deadline")
            return Verified(target.service.name, answers or (late,), time.monotonic() - began)
        answers = rounds.results
        seen(target.service.name, answer)
        now = time.monotonic()
        if answer.verdict is Verdict.PASS or now >= until:
            return Verified(target.service.name, answers, now - began)
        await target.changed(min(PACE, max(0.0, until - now)))


_AT_LEAST = 0.5  # seconds for a round, however near the deadline is
