"""The second box: does it listen, at the address where it is asked?"""

from __future__ import annotations

import time

from watchdog.core.model import Verdict
from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.facts.sockets import asked_at, listeners, own, takes
from watchdog.doctor.facts.unit import is_down, shown
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.rules import answering, binding
from watchdog.doctor.stages.unit import WHY_IT_DIES, answered


async def ask(case: Case) -> Answer:
    """Ask the kernel, as the daemon does; a process that has just begun is given its time."""
    seen = await case.probed("port")
    if seen is None:
        return Answer(Mark.SKIPPED, "no port is configured")
    if seen.verdict is Verdict.FAIL and await _has_come(case):
        seen = await case.probes["port"]()
    may_come = seen.verdict is Verdict.FAIL and seen.curable and not await own(case)
    if may_come and (left := await time_left(case)) > 0:
        return Answer(Mark.BUSY, f"starting, with {left:.0f} s left: {seen.reason}")
    return answered(seen)


async def _has_come(case: Case) -> bool:
    """Tell whether somebody listens there by now, a moment after it was asked."""
    wanted = asked_at(case)
    return wanted is not None and any(
        each.port == wanted[1] and takes(each, wanted[0]) for each in await listeners(case)
    )


async def time_left(case: Case) -> float:
    """Return how many seconds a run that has just begun may still take to be ready."""
    properties = await shown(case)
    if not properties or is_down(properties) or properties.get("NRestarts", "0") != "0":
        return 0.0
    began = int(properties.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    return began + case.service.policy.start_timeout - time.monotonic() if began else 0.0


WHY_IT_DOES_NOT_LISTEN: tuple[Rule, ...] = (
    binding.port_taken,
    answering.process_stopped,
    binding.loopback_only,
    binding.other_port,
    answering.other_network,
    *WHY_IT_DIES,
    answering.nobody_listens,
)

PORT = Stage("port", "does it listen?", ask, WHY_IT_DOES_NOT_LISTEN)
