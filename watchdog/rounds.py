"""One round: a service's checks in order, up to the first that does not pass.

The deadline, the timer and the one exception guard of every probe are here; a probe only asks.
Whatever an answer quotes of strangers' words passes here too, and is redacted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.ports import Clock, Excuse, Probe, ServiceControl

log = structlog.get_logger()

STALL = 0.5
"""Seconds. A deadline that is noticed so much too late tells of our own loop, not the service."""

ASLEEP = 1.0
"""Seconds of suspend within a round beyond which what it measured is void."""

EXCUSED_WITHIN = 2.0
"""Seconds to find out whether a failure is this host's own trouble."""

WORD_WITHIN = 5.0
"""Seconds for the control to say how the main process has ended; systemd may be in a re-exec."""

AGAIN = 2.0
"""Seconds after which a round is worth it whose failure may have been this host's own trouble."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Question:
    """A check after the control's own: its name, its probe and its deadline in seconds.

    ``excuse`` tells what of its failures is this host's own trouble.
    """

    check: str
    ask: Probe
    timeout: float
    vital: bool = True  # False: that nobody knows the answer is no reason not to judge the service
    excuse: Excuse | None = None


class Round:
    """Runs rounds of one service, one at a time; ``results`` holds the answers of the last one."""

    def __init__(
        self,
        control: ServiceControl,
        questions: Sequence[Question],
        start_timeout: float,
        clock: Clock,
        redacted: Callable[[Observation], Observation] = lambda answer: answer,
        *,
        hears: bool = False,  # whether ``abandon`` is called at all news of the control
    ) -> None:
        self._control = control
        self._questions = questions
        self._start_timeout = start_timeout
        self._clock = clock
        self._redacted = redacted
        self._hears = hears
        self._proven = ""  # the run that has passed a round
        self._untold = ""  # the run of whose main process's end the control says nothing
        self._abandon: Callable[[], None] | None = None
        self.results: tuple[Observation, ...] = ()

    @property
    def longest(self) -> float:
        """Return how many seconds a round can take."""
        asking = sum(question.timeout + EXCUSED_WITHIN for question in self._questions)
        return asking + WORD_WITHIN + self._start_timeout

    def abandon(self) -> None:
        """Let the probe in flight, if there is one, be given up: newer facts are known."""
        if self._abandon is not None:
            self._abandon()

    async def run(self) -> Observation:
        """Ask until the first check that does not pass and return its answer.

        Raises RoundAbandoned if ``abandon`` was called meanwhile.
        """
        asleep = self._clock.asleep()
        results: list[Observation] = []
        answer = self._redacted(await self._observe())
        results.append(answer)
        for question in self._questions:
            if answer.verdict is not Verdict.PASS:
                break
            asked = self._redacted(await self._ask(question))
            if self._hears and asked.verdict is Verdict.FAIL:
                await self._hear_of_an_end()
            asked = self._forgive_start(asked)
            asked = await self._excuse(question, asked)
            results.append(asked)
            if question.vital or asked.verdict is not Verdict.UNKNOWN:
                answer = asked
        if answer.verdict is Verdict.PASS:
            self._proven = self._control.identity
        elif self._clock.asleep() - asleep > ASLEEP:
            answer = replace(
                answer, verdict=Verdict.UNKNOWN, reason=f"the host was suspended: {answer.reason}"
            )
            results[-1] = answer
        self.results = tuple(results)
        return answer

    async def _observe(self) -> Observation:
        """Ask the control; what goes wrong with that must not end the watch."""
        try:
            return await self._control.observe(self._clock.now())
        except Exception as error:
            log.exception("cannot ask the control; the service is not judged")
            return Observation(Verdict.UNKNOWN, "control", f"cannot ask: {error!r}")

    async def _ask(self, question: Question) -> Observation:
        """Ask once, within the deadline, whatever the probe does."""
        began = self._clock.now().mono
        try:
            answer = await self._within(question.timeout, question.ask())
        except RoundAbandoned:
            raise
        except TimeoutError as error:
            late = self._clock.now().mono - began - question.timeout
            if late > STALL:
                reason = f"this daemon itself stalled for {late:.1f} s"
                answer = Observation(Verdict.UNKNOWN, question.check, reason)
            else:
                # What a probe knows of how far it had come, it notes on its cancellation.
                notes = getattr(error.__context__, "__notes__", ())
                reason = ": ".join([f"no answer within {question.timeout:g} s", *notes])
                answer = Observation(Verdict.FAIL, question.check, reason)
        except (
            Exception
        ) as error:  # the one guard: a broken probe is our trouble, not the service's
            log.exception("cannot ask; the check is not judged", check=question.check)
            answer = Observation(Verdict.UNKNOWN, question.check, f"cannot ask: {error!r}")
        # One probe serves several questions: /health here, and the way that others come to it.
        return replace(answer, check=question.check, duration=self._clock.now().mono - began)

    async def _within(self, seconds: float, asking: Awaitable[_T]) -> _T:
        """Return what *asking* returns. Raises TimeoutError after *seconds*, and RoundAbandoned."""
        abandoned = False

        def give_up() -> None:
            nonlocal abandoned
            abandoned = True
            scope.reschedule(asyncio.get_running_loop().time())

        def time_out() -> None:
            scope.reschedule(asyncio.get_running_loop().time())

        try:
            async with asyncio.timeout(None) as scope:
                timer = self._clock.call_at(self._clock.now().mono + seconds, time_out)
                self._abandon = give_up
                try:
                    answer = await asking
                finally:
                    timer.cancel()
                    self._abandon = None
        except Exception:
            if abandoned:
                raise RoundAbandoned from None
            raise
        if abandoned:  # in the moment in which the answer came
            raise RoundAbandoned
        return answer

    async def _hear_of_an_end(self) -> None:
        """If the process has just ended, let the control say how; that gives up this round.

        A request in flight breaks before the keeper has said a word: one death, one failure. It
        may have none to say, of a process that it did not start itself: that is waited for once.
        """
        run = self._control.identity
        if run and run == self._untold:
            return

        async def until_told() -> None:
            if await self._control.is_ending():
                await asyncio.Event().wait()

        try:
            await self._within(WORD_WITHIN, until_told())
        except TimeoutError:
            self._untold = run

    async def _excuse(self, question: Question, answer: Observation) -> Observation:
        """Turn a failure that is this host's own trouble into an UNKNOWN, which never counts."""
        if question.excuse is None or answer.verdict not in {Verdict.FAIL, Verdict.UNKNOWN}:
            return answer
        try:
            own = await self._within(EXCUSED_WITHIN, question.excuse())
        except RoundAbandoned:
            raise
        except Exception:
            log.exception("cannot look for trouble of this host's own", check=question.check)
            return answer
        if own is None or (own.circumstance is None and answer.verdict is Verdict.UNKNOWN):
            return answer
        if own.circumstance is None:
            return replace(
                answer,
                verdict=Verdict.UNKNOWN,
                reason=f"{answer.reason}; this host's own network may be down: {own.reason}",
                until=self._clock.now().mono + AGAIN,
            )
        return replace(
            answer, verdict=Verdict.UNKNOWN, reason=own.reason, circumstance=own.circumstance
        )

    def _forgive_start(self, answer: Observation) -> Observation:
        """Turn a failure into a HOLD while a fresh process has not had its time to start.

        A process that has passed a round once is past its start, however young it is.
        """
        started = self._control.started
        if answer.verdict is not Verdict.FAIL or not answer.curable or started is None:
            return answer
        until = started + self._start_timeout
        if self._control.identity == self._proven or self._clock.now().mono >= until:
            return answer
        return replace(
            answer, verdict=Verdict.HOLD, reason=f"starting: {answer.reason}", until=until
        )


class RoundAbandoned(Exception):  # noqa: N818 - nothing went wrong
    """The round was given up for a newer one."""
