"""From a configuration to services in a person's hands: asked and restarted without the daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from watchdog.app.assemble import Assembly
from watchdog.app.by_hand import askable
from watchdog.app.kept_elsewhere import KeptElsewhere
from watchdog.clock import HostClock
from watchdog.config import Config
from watchdog.core.service import ProcessControl, Service, UnitControl
from watchdog.deploy.target import LOCAL, Target
from watchdog.errors import ControlError


@asynccontextmanager
async def targets(
    config: Config, services: Iterable[Service], *, to_restart: bool = False
) -> AsyncIterator[Sequence[Target]]:
    """Yield *services* as targets; *to_restart*: also ask whether this user may.

    Raises ControlError if systemd cannot be asked about a unit.
    """
    asked = list(map(askable, services))
    async with AsyncExitStack() as stack:
        clock = HostClock()
        assembly = await stack.enter_async_context(Assembly(config.daemon, clock))
        await assembly.connect(replace(config, services=tuple(asked)))
        if trouble := assembly.trouble():
            raise ControlError(trouble.removesuffix("; trying again"))
        found = [await _target(config, service, assembly, clock, stack) for service in asked]
        for target in found if to_restart else ():
            if isinstance(target.service.control, UnitControl):
                target.denied = await assembly.may_restart(target.service.control.unit)
        yield found


async def _target(
    config: Config, service: Service, assembly: Assembly, clock: HostClock, stack: AsyncExitStack
) -> Target:
    parts, own = assembly.parts(service), config.deployment(service.name)
    control = parts.control
    if isinstance(service.control, ProcessControl):
        control = KeptElsewhere()
    questions = [question for question in parts.questions if question.check in LOCAL]
    for name, check in (("proxied", own.proxied), ("external", own.external)):
        if check is not None:
            questions.append(assembly.asked_by_hand(name, check))
    target = Target(service, own, control, questions, parts.collect, assembly.redactor, clock)
    target.listen()
    await stack.enter_async_context(control)
    return target
