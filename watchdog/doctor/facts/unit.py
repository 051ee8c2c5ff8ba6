"""A unit as ``systemctl show`` prints it, and the program that it runs."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.control.unit_state import Exit
from watchdog.doctor.case import Case, read

Shown = Mapping[str, str]

_EXEC = re.compile(r"path=(?P<path>.*?) ; argv\[\]=(?P<argv>.*?) ; (?:flags|ignore_errors)=")
_PORT = (
    re.compile(r"(?:^|\s)(?:--(?:http-)?port|-p|-P)[ =](?P<port>\S+)"),
    re.compile(r"(?:^|\s)(?:--bind|-b|--http|--listen)[ =](?:http://)?\S*?:(?P<port>[^\s/]+)"),
    re.compile(r"\srunserver (?:\S+:)?(?P<port>\d+)"),
)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_ENVIRONMENT_FILE = re.compile(r"^(?P<path>.*) \(ignore_errors=(?P<optional>yes|no)\)$")
_ASSIGNED = re.compile(r"^(\w+)=[\"']?([^\"'\n]*)", re.MULTILINE)
_ENDED = re.compile(
    r"Main process exited, code=(?P<how>exited|killed|dumped), status=(?P<code>\d+)/"
)
_HOW = {"exited": 1, "killed": 2, "dumped": 3}


@dataclass(frozen=True, slots=True)
class Program:
    """What ``ExecStart=`` runs."""

    path: str  # absolute, if it can be found
    command: str  # with its arguments, joined by spaces: systemctl quotes none

    @property
    def venv(self) -> str:
        """Return the virtual environment that it lies in, or would; empty if in none."""
        directory, name = str(Path(self.path).parent.parent), Path(self.path).parent.name
        if name != "bin" or directory in {"/", "/usr", "/usr/local"}:
            return ""
        called = Path(directory).name
        if "venv" in called or called in {"env", ".env", "virtualenv"}:
            return directory
        return directory if (Path(directory) / "pyvenv.cfg").exists() else ""


async def shown(case: Case) -> Shown:
    """Return the properties of the service's unit; empty if it has none."""
    return await case.shown(case.unit) if case.unit else {}


async def program(case: Case) -> Program | None:
    """Return what the unit runs; None if that is not known, or lies in an image of its own."""
    properties = await shown(case)
    if any(properties.get(key) for key in ("RootDirectory", "RootImage")):
        return None
    return started(properties)


def started(properties: Shown) -> Program | None:
    """Return what ``ExecStart=`` starts; None if it starts nothing."""
    found = _EXEC.search(properties.get("ExecStart", ""))
    if found is None:
        return None
    path = found["path"]
    return Program(path if path.startswith("/") else shutil.which(path) or path, found["argv"])


async def venv(case: Case) -> str:
    """Return the virtual environment of the service; empty if it has none."""
    if case.deployment.venv:
        return case.deployment.venv
    runs = await program(case)
    if runs is None:
        return ""
    if runs.venv:
        return runs.venv
    for word in runs.command.split():  # bash -c "exec venv/bin/uvicorn …" and the like
        if word.startswith("/") and (inside := Program(word, "").venv):
            return inside
    return ""


def port_given(command: str, environment: Mapping[str, str]) -> int | None:
    """Return the port that *command* tells its program; None if it tells none."""
    for pattern in _PORT:
        for found in pattern.finditer(command):
            variable = _VARIABLE.fullmatch(found["port"])
            text = environment.get(variable[1], "") if variable else found["port"]
            if text.isdecimal():
                return int(text)
    return None


def environment_files(properties: Shown) -> Sequence[tuple[str, bool]]:
    """Return the files of ``EnvironmentFile=``, and whether each must be there."""
    found = [_ENVIRONMENT_FILE.match(each) for each in _each(properties, "EnvironmentFiles")]
    return [(each["path"], each["optional"] == "no") for each in found if each]


def environment(properties: Shown) -> Mapping[str, str]:
    """Return what ``Environment=`` sets."""
    try:
        words = shlex.split(properties.get("Environment", ""))
    except ValueError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def variables(properties: Shown) -> Mapping[str, str]:
    """Return what ``Environment=`` sets, and the files of ``EnvironmentFile=`` after it."""
    known = dict(environment(properties))
    for path, _ in environment_files(properties):
        known.update(_ASSIGNED.findall(read(path) or ""))
    return known


def _each(properties: Shown, key: str) -> Sequence[str]:
    return [line for line in properties.get(key, "").split("\n") if line]


def is_down(properties: Shown) -> bool:
    """Tell whether the unit does not run, or is being tried again and again."""
    return properties.get("ActiveState") not in {"active", "reloading", "refreshing"}


def restarts(properties: Shown) -> int:
    """Return how often systemd has restarted it by itself since it was last started by hand."""
    return int(properties.get("NRestarts") or 0)


def age(properties: Shown) -> float:
    """Return for how many seconds the unit has been in its present state."""
    changed = int(properties.get("StateChangeTimestampMonotonic") or 0)
    return max(0.0, time.monotonic() - changed / 1e6)


def last_exit(properties: Shown, log: Sequence[str]) -> Exit:
    """Return how the last run ended; while the next one starts, only *log* knows."""
    code = int(properties.get("ExecMainCode") or 0)
    if code:
        result = properties.get("Result", "success")
        return Exit(result, code, int(properties.get("ExecMainStatus") or 0))
    for line in reversed(log):
        if found := _ENDED.search(line):
            return Exit("exit-code", _HOW[found["how"]], int(found["code"]))
    return Exit(properties.get("Result", "success"))


def again(case: Case, properties: Shown) -> tuple[str, ...]:
    """Return the commands that start the service anew; after too many tries systemd refuses."""
    if not case.unit:
        return (f"service-watchdog restart {shlex.quote(case.service.name)}",)
    unit = shlex.quote(case.unit)
    reset = (f"systemctl reset-failed {unit}",) if properties.get("ActiveState") == "failed" else ()
    return (*reset, f"systemctl restart {unit}")


def drop_in(case: Case, name: str, *settings: str) -> tuple[str, ...]:
    """Return the commands that add *settings* to the unit's [Service]."""
    directory = f"/etc/systemd/system/{case.unit}.d"
    lines = " ".join(shlex.quote(line) for line in ("[Service]", *settings))
    script = f"mkdir -p {directory} && printf '%s\\n' {lines} >{directory}/{name}.conf"
    return (f"sh -c {shlex.quote(script)}", "systemctl daemon-reload")
