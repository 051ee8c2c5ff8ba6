"""Looking at a service until it is as it should be, or will not be."""

from __future__ import annotations

from collections.abc import Callable

from watchdog.core.model import Observation, Verdict
from watchdog.deploy.plan import TRIES
from watchdog.deploy.target import Target
from watchdog.errors import WatchdogError

PACE = 0.25
"""Seconds between two looks at what is on its way; news of systemd come in between."""

GAP = 1.0
"""Seconds between two tries of what has failed."""

Waits = Callable[[str], None]
"""Is told what is waited for."""


class NotAsItShouldBeError(WatchdogError):
    """What was looked at is not as it should be; *code* is the exit code that says so."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


async def until_good(target: Target, last: str, patience: float, waits: Waits) -> Observation:
    """Return the first round as far as *last* that passes. Raises NotAsItShouldBeError.

    A process that is gone, or that has crashed since the restart, is not waited for; what fails
    otherwise is tried again, and what is on its way is waited for, *patience* seconds in all.
    """
    rounds, until, failed = target.round(last), target.clock.now().mono + patience, 0
    while True:
        seen = await rounds.run()
        if seen.verdict is Verdict.PASS:
            return seen
        if target.crashes:
            crash = target.crashes[-1]
            raise NotAsItShouldBeError(f"{crash.reason}, and was started again by its keeper")
        failed += seen.verdict is not Verdict.HOLD
        code = 3 if seen.verdict is Verdict.UNKNOWN else 1
        if seen.verdict is Verdict.FAIL and seen.dead:
            raise NotAsItShouldBeError(seen.reason)
        if failed >= TRIES:
            raise NotAsItShouldBeError(f"{seen.reason} ({TRIES} tries)", code)
        if target.clock.now().mono >= until:
            raise NotAsItShouldBeError(f"{seen.reason}; waited {patience:g} s", code)
        waits(seen.reason)
        await target.changed(PACE if seen.verdict is Verdict.HOLD else GAP)


async def stays_good(target: Target, last: str, patience: float, waits: Waits) -> Observation:
    """Return once as many rounds in a row have passed as prove health, all of one run."""
    run, policy = target.control.identity, target.service.policy
    seen = await until_good(target, last, patience, waits)
    for _ in range(policy.recover_after - 1):
        await target.changed(policy.recovery_interval)
        seen = await until_good(target, last, patience, waits)
    if target.control.identity != run:
        raise NotAsItShouldBeError("it was restarted meanwhile, by somebody else or by itself")
    return seen
