"""Files that the service may not touch, or does not find."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import there
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.unit import again, last_exit, program, shown
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


_NO_COMMAND = re.compile(r"(?:^|: )(?P<name>[\w.+-]+): (?:command )?not found$")
_CHDIR = 200  # how systemd ends a start that cannot enter WorkingDirectory=
_NO_ENTRY = "Changing to the requested working directory failed: Permission denied"


async def permission_denied(case: Case) -> Finding | None:
    """The service may not read, write or run a file that it needs; its log names it.

    Give the file, or for a file that is not there yet its directory, to the user of the unit. If
    a directory on the way may not be entered, that one is named.
    """
    properties, lines = await shown(case), await log_lines(case)
    path = _named(lines, _DENIED)
    if last_exit(properties, lines).status == _CHDIR or any(_NO_ENTRY in line for line in lines):
        path = str(Path(properties.get("WorkingDirectory", "/").lstrip("!-"), "."))
    if not path:
        return None
    runs = await program(case)
    user = properties.get("User") or "root"
    if barrier := barred(path, user):
        path, mend = barrier, f"chmod a+rx {shlex.quote(barrier)}"
    elif runs is not None and path == runs.path:
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


async def command_not_found(case: Case) -> Finding | None:
    """A shell does not find a program that the service calls; its log names it.

    Install it, or call it by its whole path: a service's PATH is short.
    """
    lines = await log_lines(case)
    found = next((found for line in reversed(lines) if (found := _NO_COMMAND.search(line))), None)
    if found is None:
        return None
    name = found["name"]
    return Finding(
        "command-not-found",
        f"{case.unit or case.service.name} calls {name}, and there is no such program in its PATH",
        "it is not installed, or lies where a shell of the service does not look",
        Remedy((f"command -v {shlex.quote(name)}", *again(case, await shown(case)))),
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


def barred(path: str, user: str) -> str:
    """Return the first directory on the way to *path* that *user* may not enter; empty if none."""
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        for directory in [*reversed(Path(path).parents), Path(path)]:
            mode = directory.stat()
            if not stat.S_ISDIR(mode.st_mode) or entry.pw_uid == 0:
                break
            bit = stat.S_IXOTH
            if mode.st_uid == entry.pw_uid:
                bit = stat.S_IXUSR
            elif mode.st_gid in groups:
                bit = stat.S_IXGRP
            if not mode.st_mode & bit:
                return str(directory)
    except (KeyError, OSError):
        pass  # nobody of that name, or we may not look
    return ""


RULES = (permission_denied, command_not_found, file_missing)
