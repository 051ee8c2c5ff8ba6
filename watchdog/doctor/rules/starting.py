"""Why a start does not come to its end: conditions, readiness, time."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.unit import Shown, again, drop_in, is_down, program, shown
from watchdog.doctor.finding import Finding, Remedy

_UNMET = re.compile(r"(?:Condition|Assert)\w+=\S.* was not met|(?:Condition|Assert)\w+=[^\s)]+")
_SKIPPED = re.compile(r" was skipped because |^Condition check resulted in .* being skipped")
_START = re.compile(rf"^Start(?:ed|ing) |{_SKIPPED.pattern}")
_TIMED_OUT = re.compile(r"^\S+: start(?:-pre|-post)? operation timed out")
_UNREADY = re.compile(rf"{_TIMED_OUT.pattern}|^\S+: Failed with result 'protocol'")
_SILENT = ("uvicorn", "hypercorn", "flask", "waitress", "daphne")
"""Servers that do not tell systemd when they are ready (sd_notify(3))."""


async def condition_unmet(case: Case) -> Finding | None:
    """A `Condition…=` or `Assert…=` of the unit file was not met, so systemd did not start it.

    Meet it, or take it out of the unit file.
    """
    properties = await shown(case)
    if not is_down(properties):
        return None
    lines = await log_lines(case)
    # systemd forgets what it knew of a unit that nothing refers to and that is down: the log stays.
    checked = int(properties.get("ConditionTimestampMonotonic") or 0)
    if not (_is_unmet(properties, checked) if checked else _was_skipped(lines)):
        return None
    said = await case.ran("systemctl", "status", "--no-pager", "--full", "--lines=0", case.unit)
    found = _UNMET.search(said.out) or _UNMET.search("\n".join(reversed(lines)))
    words = found[0].removesuffix(" was not met") if found else "a Condition…= of its unit file"
    return Finding(
        "condition-unmet",
        f"{case.unit} was not started: {words} is not met",
        "systemd skips it at every start, without an error, until that is so",
        Remedy((f"systemctl cat {shlex.quote(case.unit)}", *again(case, properties))),
    )


def _is_unmet(properties: Shown, checked: int) -> bool:
    """Tell whether the last start came to nothing at *checked* (µs, monotonic), none since."""
    unmet = "no" in {properties.get(key) for key in ("ConditionResult", "AssertResult")}
    return unmet and checked >= int(properties.get("InactiveEnterTimestampMonotonic") or 0)


def _was_skipped(lines: Sequence[str]) -> bool:
    """Tell whether the last start that systemd tells of was none."""
    last = next((line for line in reversed(lines) if _START.search(line)), "")
    return _SKIPPED.search(last) is not None


async def never_ready(case: Case) -> Finding | None:
    """A unit of `Type=notify` whose program never says that it is ready: systemd ends it.

    uvicorn and others have no sd_notify: `Type=exec` goes with them.
    """
    properties, lines = await shown(case), await log_lines(case)
    if properties.get("Type") not in {"notify", "notify-reload"}:
        return None
    if not _says(_UNREADY, lines, properties, "timeout", "protocol"):
        return None
    runs = await program(case)
    name = next((each for each in _SILENT if runs and each in runs.command), "")
    if not name:
        return None
    return Finding(
        "never-ready",
        f"{case.unit} is Type=notify, and {name} never tells systemd that it is ready",
        "systemd waits for that until the time is over, and ends it",
        Remedy((*drop_in(case, "50-type", "Type=exec"), *again(case, properties))),
        last(lines),
    )


async def start_timeout(case: Case) -> Finding | None:
    """The start took longer than `TimeoutStartSec=`: systemd ended it.

    If it needs that long, the time is doubled; if it hangs, its log says where.
    """
    properties, lines = await shown(case), await log_lines(case)
    if not is_down(properties) or not _says(_TIMED_OUT, lines, properties, "timeout"):
        return None
    given = properties.get("TimeoutStartUSec", "")
    longer = drop_in(case, "50-timeout", f"TimeoutStartSec={_doubled(given)}")
    return Finding(
        "start-timeout",
        f"the start of {case.unit} took longer than the {given} that it is given",
        "systemd ends it before it is ready: it needs longer, or waits for what is missing",
        Remedy((*longer, *again(case, properties))),
        last(lines),
    )


def _says(said: re.Pattern[str], lines: Sequence[str], properties: Shown, *results: str) -> bool:
    """Tell whether systemd says so in the log; its result alone may be of a stop, or of a run."""
    if lines:
        return any(said.search(line) for line in lines)
    return properties.get("Result") in results and properties.get("RuntimeMaxUSec") == "infinity"


def _doubled(span: str) -> str:
    """Return twice a span as systemctl prints it: ``1min 30s``."""
    return re.sub(r"\d+", lambda found: str(2 * int(found[0])), span) or "3min"


RULES = (condition_unmet, never_ready, start_timeout)
