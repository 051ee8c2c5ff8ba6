"""Files that the service may not touch, or does not find."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import there
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.unit import again, program, shown
from watchdog.doctor.finding import Finding, Remedy

_DENIED = (
    re.compile(r"PermissionError: \[Errno 13\][^:]*: '(?P<path>/[^']+)'"),
    re.compile(r"(?i)permission denied:? '?(?P<path>/[^':,;\s]+)"),
    re.compile(r"(?i)(?P<path>/[^'\":,;\s]+)['\"]?:? (?:failed )?\(?(?:13: )?permission denied"),
)
_ABSENT = (
    re.compile(r"(?:FileNotFoundError: )?\[Errno 2\] No such file or directory: '(?P<path>[^']+)'"),
    re.compile(r"can't open file '(?P<path>[^']+)'"),
    re.compile(r"(?P<path>/[^':,;\s]+): (?:not found|No such file or directory)"),
)


async def permission_denied(case: Case) -> Finding | None:
    """The service may not read, write or run a file that it needs; its log names it.

    Give the file, or for a file that is not there yet its directory, to the user of the unit.
    """
    properties, lines = await shown(case), await log_lines(case)
    path = _named(lines, _DENIED)
    if not path:
        return None
    runs = await program(case)
    user = properties.get("User") or "root"
    if runs is not None and path == runs.path:
        mend = f"chmod a+rx {shlex.quote(path)}"
    elif Path(path).is_dir() or there(path):
        mend = f"chown {user} {shlex.quote(path)}"
    else:
        mend = f"chown {user} {shlex.quote(str(Path(path).parent))}"
    return Finding(
        "permission-denied",
        f"{case.unit or case.service.name}, as user {user}, may not use {path}",
        "it ends, or does only half of its work, before it may",
        Remedy((f"namei -l {shlex.quote(path)}", mend, *again(case, properties))),
        last(lines),
    )


async def file_missing(case: Case) -> Finding | None:
    """A file that the service opens is not there; its log names it.

    Put it there. One that is there by now needs only a restart.
    """
    properties, lines = await shown(case), await log_lines(case)
    path = _named(lines, _ABSENT)
    if not path or properties.get("Result") == "resources":
        return None
    directory = properties.get("WorkingDirectory", "").lstrip("!-") or "/"
    absolute = path if path.startswith("/") else str(Path(directory, path))
    now = " (it is there now)" if there(absolute) else ""
    return Finding(
        "file-missing",
        f"{case.unit or case.service.name} does not find {absolute}{now}",
        "it ends without that file; it may be part of a deploy that was not complete",
        Remedy((f"ls -l {shlex.quote(str(Path(absolute).parent))}", *again(case, properties))),
        last(lines),
    )


def _named(lines: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> str:
    for line in reversed(lines):
        for pattern in patterns:
            if found := pattern.search(line):
                return found["path"]
    return ""


RULES = (permission_denied, file_missing)
