"""``preflight``: the two checklists of a deploy, each item checked for real."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.facts.unit import port_given, program, shown, venv
from watchdog.doctor.finding import Answer, Finding, Mark
from watchdog.doctor.flowchart import cause
from watchdog.doctor.rules import environment, loading, readiness
from watchdog.doctor.rules import program as programs
from watchdog.doctor.stages.aws import AWS
from watchdog.doctor.stages.external import EXTERNAL
from watchdog.doctor.stages.firewall import FIREWALL
from watchdog.doctor.stages.health import HEALTH
from watchdog.doctor.stages.nginx import NGINX_CONFIG, NGINX_RUNNING, PROXY_PORT
from watchdog.doctor.stages.port import PORT
from watchdog.doctor.stages.proxied import PROXIED
from watchdog.doctor.stages.unit import UNIT

Say = Callable[[Case], Awaitable[str]]
"""Says what is fine about an item; empty if it does not apply here."""

_NO_UNIT = "not kept by a unit"


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a checklist, as it was found."""

    name: str
    answer: Answer
    finding: Finding | None = None


def _item(name: str, question: str, say: Say, *rules: Rule) -> Stage:
    """Return an item that is fine unless one of *rules* finds something."""

    async def ask(case: Case) -> Answer:
        if not case.unit:
            return Answer(Mark.SKIPPED, _NO_UNIT)
        finding, troubles = await cause(case, stage)
        if finding is not None:
            return Answer(Mark.BAD, finding.fact)
        if troubles:
            return Answer(Mark.UNKNOWN, troubles[0])
        said = await say(case)
        return Answer(Mark.GOOD, said) if said else Answer(Mark.SKIPPED, "none is configured")

    stage = Stage(name, question, ask, rules)
    return stage


async def _unit_file(case: Case) -> str:
    return f"{(await shown(case)).get('FragmentPath') or case.unit}, as systemd has read it"


async def _program(case: Case) -> str:
    runs = await program(case)
    return f"{runs.path} can be run" if runs else "in an image of its own: not looked at"


async def _ports(case: Case) -> str:
    runs = await program(case)
    given = port_given(runs.command, await environment.variables(case) or {}) if runs else None
    return f"port {given} in its unit and in the configuration" if given else ""


async def _environment(case: Case) -> str:
    named = [path for path, _ in await environment.files(case)]
    if not named and not case.deployment.env_keys:
        return ""
    has = await environment.variables(case)
    where = named[0] if named else "Environment="
    if has is None:
        return f"{where} is there; what is in it is not ours to read"
    return f"{where}, with {len(has)} variable{'' if len(has) == 1 else 's'}"


async def _venv(case: Case) -> str:
    place = await venv(case)
    if not place:
        return ""
    return f"{place}: {(await readiness.in_venv(case, place, '--version')).out.strip()}"


async def _requirements(case: Case) -> str:
    place = await venv(case)
    if not place:
        return ""
    directory = (await shown(case)).get("WorkingDirectory", "")
    file = readiness.requirements_of(case, directory, place)
    if not file and not await readiness.has_pip(case, place):
        return ""
    return f"as {file} asks for; pip check is content" if file else "pip check is content"


async def _enabled(case: Case) -> str:
    return (await shown(case)).get("UnitFileState") or "started by something else"


BEFORE: tuple[Stage, ...] = (
    _item("unit file", "is it there?", _unit_file, *loading.RULES),
    _item(
        "program", "can it be run?", _program,
        programs.directory_missing, programs.user_missing, programs.group_missing,
        programs.executable_missing,
        programs.interpreter_missing, programs.executable_forbidden,
    ),
    _item("ports", "do unit and configuration agree?", _ports, readiness.ports_disagree),
    _item(
        "environment", "is the .env there, and has it all?", _environment,
        environment.env_file_missing, environment.env_keys_missing,
    ),
    _item("venv", "is it there?", _venv, programs.venv_missing, readiness.venv_broken),
    _item("requirements", "are they installed?", _requirements, readiness.requirements_unmet),
    NGINX_CONFIG,
    FIREWALL,
    AWS,
    _item("enabled", "is it started at boot?", _enabled, readiness.not_enabled),
)  # fmt: skip
"""What must be right before a deploy."""

AFTER: tuple[Stage, ...] = (
    UNIT,
    PORT,
    HEALTH,
    NGINX_RUNNING,
    PROXY_PORT,
    PROXIED,
    EXTERNAL,
)
"""What must be right after it."""

_STANDS_ON = {
    PORT.name: {UNIT.name},
    HEALTH.name: {PORT.name},
    PROXY_PORT.name: {NGINX_RUNNING.name, NGINX_CONFIG.name},
    PROXIED.name: {HEALTH.name, PROXY_PORT.name},
    EXTERNAL.name: {HEALTH.name, PROXY_PORT.name, PROXIED.name},
}
"""What must be right before one can ask why an item is not: its rules take that for granted."""


async def check(case: Case, items: Sequence[Stage], tell: Callable[[Item], object]) -> list[Item]:
    """Check each of *items*, whatever came of the others; *tell* is told of each as it comes.

    What follows from an item that is bad is bad without a finding of its own.
    """
    found: list[Item] = []
    for stage in items:
        bad = {item.name for item in found if item.answer.mark is Mark.BAD}
        answer = await stage.ask(case)
        finding = None
        if answer.mark is Mark.BAD and not bad & _STANDS_ON.get(stage.name, set()):
            finding, _ = await cause(case, stage)
        found.append(Item(stage.name, answer, finding))
        tell(found[-1])
    return found
