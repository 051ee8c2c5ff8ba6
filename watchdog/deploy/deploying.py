"""One service's deploy: its plan, step by step; after a failed one the reason and the way back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from watchdog.core.model import RestartOutcome
from watchdog.core.spans import span
from watchdog.deploy.commands import CommandFailedError, run_command
from watchdog.deploy.lease import Lease
from watchdog.deploy.lock import Lock
from watchdog.deploy.looking import NotAsItShouldBeError, stays_good, until_good
from watchdog.deploy.nginx import nginx_is_valid, nginx_reloaded
from watchdog.deploy.plan import Kind, Plan, Step
from watchdog.deploy.target import Target
from watchdog.deploy.telling import (
    Cause,
    DeployBegan,
    DeployEnded,
    Done,
    Explained,
    Found,
    Outcome,
    Printed,
    Report,
    RollbackBegan,
    Said,
    StepBegan,
    StepEnded,
    Tell,
    Waiting,
)
from watchdog.errors import ControlError, WatchdogError

Diagnose = Callable[[str], Awaitable[Found | None]]
"""Asked by service once a step has failed; what it finds is shown."""

_LAST = {Kind.UNIT: "unit", Kind.PORT: "port", Kind.HEALTH: "http"}
_WAYS = {Kind.PROXIED: "proxied", Kind.EXTERNAL: "external"}


class Deploying:
    """Carries out *plan* on *target*."""

    def __init__(
        self,
        target: Target,
        plan: Plan,
        lease: Lease,
        tell: Tell,
        diagnose: Diagnose | None = None,
    ) -> None:
        self._target = target
        self._plan = plan
        self._lease = lease
        self._tell = tell
        self._diagnose = diagnose
        self._lock = Lock(plan.service)
        self.report = Report(plan)
        """What became of it so far."""
        self._is_touched = False  # a command has been begun, or the restart
        self._is_restarted = False

    async def run(self) -> Report:
        """Return what became of it; it is cut short by being cancelled, and the report says so."""
        report = self.report
        self._tell(DeployBegan(report))
        try:
            with self._lock:
                await self._deploy()
        except asyncio.CancelledError:
            report.outcome = Outcome.INTERRUPTED
            await self._give_back("interrupted")
            raise
        finally:
            self._lease.drop()
            self._tell(DeployEnded(report))
        return report

    def say(self, text: str) -> None:
        """Tell something besides the steps."""
        self.report.said.append(text)
        self._tell(Said(text))

    async def _deploy(self) -> None:
        report, plan = self.report, self._plan
        if await self._all(plan.steps, report.steps):
            report.outcome, report.code = Outcome.DEPLOYED, 0
            return
        report.outcome = Outcome.FAILED if self._is_touched else Outcome.REFUSED
        if self._is_touched:
            way_back = plan.rollback if self._is_restarted else plan.verify
            if report.steps[-1].step.kind is Kind.RELEASE:
                way_back = ()  # the daemon has taken over
            if self._is_restarted:  # a command's own words, which are shown, are its cause
                report.cause = await self._explain(stays=not way_back)
            if way_back:
                await self._roll_back(way_back)
        failed = report.failed
        name = failed.step.kind.value if failed is not None else "deploy"
        await self._give_back(f"{name} failed, {report.outcome.value}")

    async def _roll_back(self, steps: Sequence[Step]) -> None:
        report = self.report
        self._tell(RollbackBegan(self._plan))
        report.outcome, report.is_going_back = Outcome.NOT_ROLLED_BACK, True
        if await self._all(steps, report.rollback):
            report.outcome = Outcome.ROLLED_BACK
        else:
            report.rollback_cause = await self._explain(stays=True)
        report.code = 1

    async def _give_back(self, how: str) -> None:
        """End the lease, whatever comes of it: the daemon also ends it by itself."""
        with contextlib.suppress(Exception):
            await self._lease.end(how)

    async def _explain(self, *, stays: bool) -> Cause:
        """Gather why the last step failed; none of it may keep the way back waiting for long."""
        control, cause = self._target.control, Cause()
        with contextlib.suppress(Exception):
            cause = Cause(await self._target.collect(control.identity, control.main_pid))
        if self._diagnose is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_DIAGNOSIS):
                    cause = replace(cause, finding=await self._diagnose(self._plan.service))
        self._tell(Explained(cause, stays))
        return cause

    async def _all(self, steps: Sequence[Step], done: list[Done]) -> bool:
        """Do *steps* in order up to the first that fails; tell whether none did."""
        for number, step in enumerate(steps, 1):
            self.report.current = step
            self._tell(StepBegan(step, number, len(steps)))
            began, is_good = time.monotonic(), True
            try:
                text = await self._do(step)
            except WatchdogError as error:
                is_good, text = False, self._target.redactor.text(str(error))
                self.report.code = int(getattr(error, "code", 1 if self._is_touched else 3))
            done.append(Done(step, is_good, text, time.monotonic() - began))
            self._tell(StepEnded(done[-1]))
            if not is_good:
                return False
        return True

    # --- steps ------------------------------------------------------------------------------------

    async def _do(self, step: Step) -> str:  # noqa: PLR0911 - one arm for each kind
        """Do *step* and return what was seen. Raises WatchdogError."""
        match step.kind:
            case Kind.LEASE:
                return await self._take_lease(step)
            case Kind.BEFORE | Kind.AFTER | Kind.ROLLBACK:
                return await self._run(step)
            case Kind.RESTART:
                return await self._restart()
            case Kind.UNIT | Kind.PORT | Kind.HEALTH:
                return await self._look(_LAST[step.kind], step)
            case Kind.PROXIED | Kind.EXTERNAL:
                return await self._look(_WAYS[step.kind], step)
            case Kind.NGINX_TEST:
                return await nginx_is_valid()
            case Kind.NGINX_RELOAD:
                return await nginx_reloaded(step.subject)
            case Kind.PROOF:
                target = self._target
                seen = await stays_good(target, self._last_local(), step.patience, self._waits)
                return f"{target.service.policy.recover_after} rounds in a row: {seen.reason}"
            case Kind.RELEASE:
                return await self._release()

    async def _take_lease(self, step: Step) -> str:
        self._waits("the daemon answers once no restart of its own is under way")
        try:
            async with asyncio.timeout(step.patience):
                is_held = await self._lease.take()
        except TimeoutError:
            raise ControlError(f"the daemon has not answered within {step.patience:g} s") from None
        self._lock.take()  # also with a lease: the daemon may go before we are done
        if is_held:
            return "held: the daemon neither restarts nor alerts meanwhile"
        self.say("the daemon does not run: nobody watches this service; going on without a lease")
        return "not needed: no daemon runs"

    async def _run(self, step: Step) -> str:
        self._is_touched = True
        began, redacted = time.monotonic(), self._target.redactor
        try:
            await run_command(
                step.command,
                step.patience,
                lambda line: self._tell(Printed(_plain(redacted.text(line)))),
            )
        except CommandFailedError as error:
            raise NotAsItShouldBeError(str(error)) from error
        return f"done after {span(time.monotonic() - began)}"

    async def _restart(self) -> str:
        self._is_touched = self._is_restarted = True
        end = await self._target.control.restart()
        self._target.crashes.clear()  # those before it were of another run
        if end.outcome is not RestartOutcome.DONE:
            code = 3 if end.outcome is RestartOutcome.IMPOSSIBLE else 1
            raise NotAsItShouldBeError(end.reason, code)
        return end.reason

    async def _look(self, last: str, step: Step) -> str:
        return (await until_good(self._target, last, step.patience, self._waits)).reason

    async def _release(self) -> str:
        judged = await self._lease.end("done, health is proven")
        if judged is None:
            return "nothing to give back: no lease is held"
        if not judged:
            return "given back; the daemon has not said how it finds it"
        if judged["code"] == 1:
            raise NotAsItShouldBeError(
                f"the daemon finds it {judged['phase']}: {judged['reason']}; it goes on from here"
            )
        return f"the daemon watches again: {judged['phase']}"

    def _last_local(self) -> str:
        names = [question.check for question in self._target.questions]
        return next((name for name in reversed(names) if name in _LAST.values()), "unit")

    def _waits(self, text: str) -> None:
        self._tell(Waiting(text))


_DIAGNOSIS = 30.0  # seconds


def _plain(line: str) -> str:
    """Return *line* as a terminal may show it: no control characters of somebody else's."""
    return "".join(char if char.isprintable() else " " for char in line).rstrip()
