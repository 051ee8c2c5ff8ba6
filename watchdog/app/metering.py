"""What the metrics tell, read from what runs: quickly, for it is done on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

import watchdog
from watchdog.core import policy as rules
from watchdog.core.model import Now, Observation, Verdict
from watchdog.core.service import UnitControl
from watchdog.core.thresholds import Limits
from watchdog.ports import KeptBySystemd, ServiceControl
from watchdog.web.metrics import ChannelReading, CheckReading, Readings, ServiceReading
from watchdog.worker import Worker

if TYPE_CHECKING:
    from watchdog.app.engine import Engine

SLICE = 100
"""Services that are read before others have their turn."""

_SUCCESS = {Verdict.PASS: 1.0, Verdict.FAIL: 0.0}
_USAGE = Limits(memory=1, cpu=1)  # what is measured; the values are compared with nothing


async def read(engine: Engine) -> Readings:
    """Return how everything stands."""
    now, tally = engine.clock.now(), engine.store.tally
    services = []
    for count, worker in enumerate(list(engine.workers.values()), 1):
        services.append(_service(worker, now))
        if count % SLICE == 0:
            await asyncio.sleep(0)
    return Readings(
        watchdog.__version__,
        engine.host,
        services,
        [
            ChannelReading(
                channel["name"],
                channel["pending"],
                max(0.0, now.wall - channel["oldest"]) if channel["oldest"] is not None else None,
                channel["dead"],
                bool(channel["last_error"]),
            )
            for channel in await engine.channels.describe()
        ],
        dict(tally.events),
        dict(tally.restarts),
        dict(tally.tries),
        tuple(engine.late.counts),
        engine.late.total,
        engine.configured,
        not engine.reload_trouble,
        len(engine.troubles()),
    )


def _service(worker: Worker, now: Now) -> ServiceReading:
    state, policy, control = worker.state, worker.service.policy, worker.control
    # By what is configured: to ask a Protocol takes 14 µs, of each of a thousand services.
    is_unit = isinstance(worker.service.control, UnitControl)
    unit = cast("KeptBySystemd", control) if is_unit else None
    due = worker.next_round
    return ServiceReading(
        state.service,
        state.phase.value,
        state.failures,
        policy.restart_budget,
        0 if state.gave_up else rules.budget_left(state, policy, now.mono),
        state.incident is not None,
        state.silence is not None,
        len(state.warnings),
        now.wall - (now.mono - worker.began) if worker.began else None,
        now.wall - (now.mono - due) if due is not None else None,
        unit.unit if unit is not None else "",
        unit.unit_state if unit is not None else "",
        [_check(answer) for answer in worker.results],
        partial(_usage, control),
    )


def _check(answer: Observation) -> CheckReading:
    return CheckReading(answer.check, _SUCCESS.get(answer.verdict), answer.duration)


def _usage(control: ServiceControl) -> Mapping[str, float]:
    """Return what the service uses, as far as it can be measured."""
    from watchdog.probes.resources import measure  # noqa: PLC0415 - for those who are scraped

    usage, _ = measure(control, _USAGE, 0.0)
    found = {"memory": usage.memory, "cpu": usage.cpu_time}
    return {name: value for name, value in found.items() if value is not None}
