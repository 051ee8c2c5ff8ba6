"""How the application is run today, as far as its unit tells."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import get_args

from watchdog.templates.unit import DRAINING, Server
from watchdog.tool import run

_PROPERTIES = (
    *("LoadState", "FragmentPath", "DropInPaths", "ExecStart", "User", "DynamicUser"),
    *("WorkingDirectory", "Environment", "EnvironmentFiles"),
)
_ARGUMENTS = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_APP = re.compile(r"[\w.]+:[\w.]+")
_TAKEN = (
    *("--host", "--port", "--fd", "--workers", "--timeout-graceful-shutdown"),
    *("-b", "--bind", "-w", "-k", "--worker-class", "--graceful-timeout"),
)
"""Options with a value that the template gives its own."""
_SERVERS: Sequence[Server] = get_args(Server)


@dataclass(frozen=True, slots=True)
class Existing:
    """What there is; empty where nothing tells."""

    load_state: str = "not-found"
    path: str = ""  # of the unit file
    drop_ins: tuple[str, ...] = ()
    user: str = ""
    directory: str = ""
    env_files: tuple[str, ...] = ()  # as EnvironmentFile= has them: "-" is one that may be missing
    server: Server | None = None
    app: str = ""
    venv: str = ""
    workers: int | None = None
    worker_class: str = ""
    arguments: tuple[str, ...] = ()  # further ones of its command


async def existing(unit: str) -> Existing:
    """Return what systemd knows of *unit*; nothing if it cannot be asked."""
    command = ["systemctl", "show", *(f"--property={each}" for each in _PROPERTIES), "--", unit]
    answer = await run(*command)
    shown: dict[str, str] = {}
    for line in answer.lines:
        name, _, value = line.partition("=")
        shown[name] = f"{shown[name]}\n{value}" if name in shown else value
    return read_shown(shown)


def read_shown(shown: Mapping[str, str]) -> Existing:
    """Return what ``systemctl show`` tells; what it has on several lines is joined by them."""
    if shown.get("LoadState") != "loaded":
        return Existing(shown.get("LoadState", "not-found"))
    found = _ARGUMENTS.search(shown.get("ExecStart", ""))
    words = _words(found[1]) if found else []
    place, server = next(
        ((at, name) for at, word in enumerate(words) for name in _SERVERS if _is(word, name)),
        (len(words), None),
    )
    options = words[place + 1 :]
    variables = dict(
        word.split("=", 1) for word in shown.get("Environment", "").split() if "=" in word
    )
    workers = _option(options, "--workers", "-w")
    workers = variables.get(workers.strip("${}"), workers)
    return Existing(
        "loaded",
        shown.get("FragmentPath", ""),
        tuple(shown.get("DropInPaths", "").split()),
        "" if shown.get("DynamicUser") == "yes" else shown.get("User", ""),
        shown.get("WorkingDirectory", "").lstrip("!-"),
        tuple(map(_env_file, shown.get("EnvironmentFiles", "").splitlines())),
        server,
        next((word for word in options if _APP.fullmatch(word)), ""),
        next((venv for word in (words[place], words[0]) if (venv := _venv(word))), "")
        if server
        else "",
        int(workers) if workers.isdecimal() else None,
        _option(options, "--worker-class", "-k"),
        _further(options) if server else (),
    )


def _env_file(shown: str) -> str:
    path, _, more = shown.partition(" (")
    return f"-{path}" if "ignore_errors=yes" in more else path


def _further(options: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments that the template has nothing to say to."""
    further, skipped = [], False
    for word in options:
        name, equals, _ = word.partition("=")
        if name in _TAKEN:
            skipped = not equals
        elif not skipped and not _APP.fullmatch(word):
            further.append(word)
        else:
            skipped = False
    return tuple(further)


def _is(word: str, server: Server) -> bool:
    name = PurePosixPath(word).name
    return name == server or (server == "uvicorn" and word == DRAINING)


def _venv(program: str) -> str:
    """Return the virtual environment that has *program*; empty if it is in none."""
    path = PurePosixPath(program)
    return str(path.parent.parent) if path.parent.name == "bin" else ""


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an odd quote: systemd shows arguments as they are, unquoted
        return line.split()


def _option(words: Sequence[str], *names: str) -> str:
    """Return the value of an option, written with a space or with "="."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(iter(words[at + 1 :]), "")
    return ""
