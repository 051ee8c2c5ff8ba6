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
_SERVERS: Sequence[Server] = get_args(Server)


@dataclass(frozen=True, slots=True)
class Existing:
    """What there is; empty where nothing tells."""

    load_state: str = "not-found"
    path: str = ""  # of the unit file
    drop_ins: tuple[str, ...] = ()
    user: str = ""
    directory: str = ""
    env_file: str = ""
    server: Server | None = None
    app: str = ""
    venv: str = ""
    workers: int | None = None
    worker_class: str = ""


async def existing(unit: str) -> Existing:
    """Return what systemd knows of *unit*; nothing if it cannot be asked."""
    command = ["systemctl", "show", *(f"--property={each}" for each in _PROPERTIES), "--", unit]
    answer = await run(*command)
    return read_shown(dict(line.split("=", 1) for line in answer.lines if "=" in line))


def read_shown(shown: Mapping[str, str]) -> Existing:
    """Return what ``systemctl show`` tells."""
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
        shown.get("EnvironmentFiles", "").partition(" (")[0],
        server,
        next((word for word in options if re.fullmatch(r"[\w.]+:[\w.]+", word)), ""),
        next((venv for word in (words[place], words[0]) if (venv := _venv(word))), "")
        if server
        else "",
        int(workers) if workers.isdecimal() else None,
        _option(options, "--worker-class", "-k"),
    )


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
