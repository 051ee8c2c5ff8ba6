"""Is it all up? Rounds of every service until they pass, or a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog.core.model import Observation, Verdict
from watchdog.deploy.looking import PACE
from watchdog.deploy.target import Target

AT_LEAST = 0.5
"""Seconds for a round, however near the deadline is."""

LATE = "no answer before the deadline"


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
    return await asyncio.gather(*(_verify(target, patience, seen) for target in targets))


async def _verify(target: Target, patience: float, seen: Seen) -> Verified:
    clock = target.clock
    last = target.questions[-1].check if target.questions else "unit"
    rounds, began = target.round(last), clock.now().mono
    until = began + patience
    answers: Sequence[Observation] = (Observation(Verdict.FAIL, last, LATE),)
    while True:
        asking = asyncio.ensure_future(rounds.run())
        timer = clock.call_at(max(until, clock.now().mono + AT_LEAST), asking.cancel)
        try:
            answer = await asking
        except asyncio.CancelledError:
            if not asking.cancelled() or clock.now().mono < until:
                asking.cancel()
                raise  # it is us who are cancelled
            return Verified(target.service.name, answers, clock.now().mono - began)
        finally:
            timer.cancel()
        answers, now = rounds.results, clock.now().mono
        seen(target.service.name, answer)
        if answer.verdict is Verdict.PASS or now >= until:
            return Verified(target.service.name, answers, now - began)
        await target.changed(min(PACE, until - now))
