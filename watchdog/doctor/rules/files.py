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
from watchdog.doctor.facts.unit import again, last_exit, program, shown, venv
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


_DIRECTORIES = {
    "StateDirectory": "/var/lib", "LogsDirectory": "/var/log", "CacheDirectory": "/var/cache",
    "RuntimeDirectory": "/run", "ConfigurationDirectory": "/etc",
}  # fmt: skip
_DEEP = 3  # parts: "/", "srv", "api"
_SYSTEM = frozenset({"bin", "boot", "dev", "lib", "lib64", "proc", "sbin", "sys", "usr"})
_SHARED = frozenset({"/etc/systemd", "/var/lib", "/var/log", "/var/cache", "/var/www"})
_NO_COMMAND = re.compile(r"(?:^|: )(?P<name>[\w.+-]+): (?:command )?not found$")
_CHDIR = 200  # how systemd ends a start that cannot enter WorkingDirectory=
_NO_ENTRY = "Changing to the requested working directory failed: Permission denied"


async def permission_denied(case: Case) -> Finding | None:
    """The service may not read, write or run a file that it needs; its log names it.

    Give the file, or for a file that is not there yet its directory, to the user of the unit. If
    a directory on the way may not be entered, that one is named. What lies outside the service's
    own directories is only shown: a log can be made to name any file.
    """
    properties, lines = await shown(case), await log_lines(case)
    path = _named(lines, _DENIED)
    if last_exit(properties, lines).status == _CHDIR or any(_NO_ENTRY in line for line in lines):
        path = str(Path(properties.get("WorkingDirectory", "/").lstrip("!-"), "."))
    if not path:
        return None
    runs = await program(case)
    user = properties.get("User") or "root"
    barrier = barred(path, user)
    path = barrier or path
    mend: tuple[str, ...] = ()  # what is not the service's own, whoever wants it keeps closed
    if _is_within(path, await own_places(case)):
        if barrier or (runs is not None and path == runs.path):
            mend = (f"chmod a+rx {shlex.quote(path)}",)
        else:
            theirs = path if there(path) else str(Path(path).parent)
            mend = (f"chown --no-dereference {user} {shlex.quote(theirs)}",)
    return Finding(
        "permission-denied",
        f"{case.unit or case.service.name}, as user {user}, may not use {path}",
        "it ends, or does only half of its work, before it may",
        Remedy((f"namei -l {shlex.quote(path)}", *mend, *again(case, properties))),
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


async def own_places(case: Case) -> Sequence[Path]:
    """Return the directories that are the service's own, as far as its unit says."""
    properties, runs = await shown(case), await program(case)
    stated = [properties.get("WorkingDirectory", "").lstrip("!-")]
    stated += properties.get("ReadWritePaths", "").split()
    for key, top in _DIRECTORIES.items():
        stated += [f"{top}/{name}" for name in properties.get(key, "").split()]
    if place := await venv(case):
        stated.append(place)
    places = [Path(each.lstrip("-+")) for each in stated if each]
    if runs is not None:
        places.append(Path(runs.path).parent)
    return [each for each in places if each.is_absolute() and not _is_system(each)]


def _is_system(directory: Path) -> bool:
    """Tell whether *directory* is of the host: what lies in it is not one service's."""
    parts = directory.parts
    return len(parts) < _DEEP or parts[1] in _SYSTEM or str(directory) in _SHARED


def _is_within(path: str, places: Sequence[Path]) -> bool:
    real = Path(path).resolve()
    return any(real.is_relative_to(place.resolve()) for place in places)


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
