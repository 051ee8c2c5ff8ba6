"""The first box: is the service up?"""

from __future__ import annotations

import shlex

from watchdog.config import Deployment
from watchdog.core.model import Observation, Verdict
from watchdog.core.service import CommandControl, Service, UnitControl
from watchdog.doctor.case import Case, Rule, Stage
from watchdog.doctor.facts.log import log_lines
from watchdog.doctor.facts.unit import Shown, again, age, is_down, restarts, shown
from watchdog.doctor.finding import Answer, Finding, Mark, Remedy
from watchdog.doctor.rules import (
    binding,
    ending,
    environment,
    files,
    host,
    loading,
    program,
    python,
    starting,
)

_PROVEN = 10.0
"""Seconds that a run must last before a unit that has crashed counts as up."""

_MARKS = {
    Verdict.PASS: Mark.GOOD,
    Verdict.FAIL: Mark.BAD,
    Verdict.UNKNOWN: Mark.UNKNOWN,
    Verdict.HOLD: Mark.BUSY,
}
_IGNORED = (".slice", ".target", ".mount", ".device")


def answered(seen: Observation) -> Answer:
    """Return what a probe has seen as the answer of a box."""
    return Answer(_MARKS[seen.verdict], seen.reason)


async def ask(case: Case) -> Answer:
    """Ask whoever keeps the process."""
    seen = await case.probed("unit")
    if seen is None:
        return Answer(Mark.UNKNOWN, "nobody here can tell whether it runs")
    if not case.unit:
        return answered(seen)
    properties = await shown(case)
    crashed = restarts(properties)
    if crashed > 1 and not is_down(properties) and age(properties) < _PROVEN:
        often = f"{seen.reason}, but systemd has restarted it {crashed} times"
        return Answer(Mark.BAD, f"{often}, the last time {age(properties):.0f} s ago")
    if seen.verdict is Verdict.HOLD and (crashed or _is_left_down(seen)):
        return Answer(Mark.BAD, seen.reason)
    return answered(seen)


def _is_left_down(seen: Observation) -> bool:
    """Tell whether nothing is under way: systemd only waits, or a person wanted it down."""
    return "stopped by an operator" in seen.reason or "systemd restarts it" in seen.reason


async def command_says_no(case: Case) -> Finding | None:
    """A service kept by commands: the status command says that it is down.

    Run the start command of the configuration.
    """
    control, seen = case.service.control, await case.probed("unit")
    if not isinstance(control, CommandControl) or seen is None:
        return None
    return Finding(
        "command-says-no",
        f"{case.service.name} is down: {seen.reason}",
        "the command that tells its status says so",
        Remedy((shlex.join(control.start),)),
    )


async def need_failed(case: Case) -> Finding | None:
    """A unit that this one needs (`Requires=`, `BindsTo=`) is down; the cause is looked for there.

    Mend that one, then start this one.
    """
    properties = await shown(case)
    if not is_down(properties):
        return None
    refused = any("Dependency failed" in line for line in await log_lines(case))
    needs = [
        unit
        for key in ("Requires", "BindsTo", "Requisite")
        for unit in properties.get(key, "").split()
        if not unit.endswith(_IGNORED) and not unit.startswith('"')  # systemctl escapes that one
    ]
    for unit in dict.fromkeys(needs):
        if not _keeps_down(await case.shown(unit), refused=refused):
            continue
        why = await _why(case, unit)
        remedy = why.remedy.commands if why else (f"systemctl start {shlex.quote(unit)}",)
        words = why.fact if why else "nobody knows why"
        return Finding(
            "need-failed",
            f"{case.unit} needs {unit}, which is down: {words}",
            "systemd starts it only together with what it requires",
            Remedy((*remedy, *again(case, properties)), safe=bool(why and why.remedy.safe)),
            why.details if why else (),
        )
    return None


def _keeps_down(theirs: Shown, *, refused: bool) -> bool:
    """Tell whether a needed unit is down for good: an inactive one is started along with ours."""
    if theirs.get("LoadState") in {"not-found", "masked", "bad-setting"}:
        return True
    return theirs.get("ActiveState") == "failed" or (
        refused and theirs.get("ActiveState") == "inactive"
    )


async def _why(case: Case, unit: str) -> Finding | None:
    """Return why *unit*, which ours needs, is down."""
    other = Case(Service(unit, UnitControl(unit)), Deployment(), config=case.config)
    for rule in (*_OF_THE_HOST, *_OF_THE_RUN, *ending.RULES):
        if (finding := await rule(other)) is not None:
            return finding
    return None


_OF_THE_HOST: tuple[Rule, ...] = (
    *loading.RULES,
    *program.RULES,
    environment.env_file_missing,
)
"""Certain whatever the log says: what the unit needs is not there."""

_OF_THE_RUN: tuple[Rule, ...] = (
    starting.condition_unmet,
    binding.port_taken,
    binding.port_was_taken,
    binding.port_privileged,
    *python.RULES,
    host.disk_full,
    host.inodes_full,
    host.disk_read_only,
    host.memory_out,
    environment.env_keys_missing,
    environment.env_key_asked,
    files.permission_denied,
    files.command_not_found,
    files.file_missing,
    ending.peer_refuses,
    ending.python_error,
    starting.never_ready,
    starting.start_timeout,
)
"""What the log of the last run, and the state of the host, say."""

WHY_IT_DIES: tuple[Rule, ...] = (*_OF_THE_HOST, need_failed, *_OF_THE_RUN)
"""Asked by the next box too: a unit that dies after a moment may be met while it is up."""

UNIT = Stage("unit", "is it up?", ask, (command_says_no, *WHY_IT_DIES, *ending.RULES))
