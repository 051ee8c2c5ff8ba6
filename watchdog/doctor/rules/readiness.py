"""What else must be right before a deploy; nothing of it need be the cause of a failure yet."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from watchdog.core.service import HttpCheck, PortCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import there
from watchdog.doctor.facts.log import last
from watchdog.doctor.facts.unit import again, port_given, program, shown, venv
from watchdog.doctor.finding import Finding, Remedy
from watchdog.doctor.rules.environment import variables
from watchdog.doctor.rules.program import install_command, make_venv
from watchdog.tool import Ran

_AT_BOOT = frozenset({"enabled", "enabled-runtime", "static", "alias", "indirect", "generated"})
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})

# Run by the environment's own Python, with the parser that its pip has: what a requirement means
# (extras, markers, versions) is for nobody else to say.
_PATIENCE = 30.0
"""Seconds. pip reads all that is installed, and compiles itself anew where it may not write."""

_UNMET = """
import importlib.metadata as installed, pathlib, sys
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
def lines(path):
    text = path.read_text(encoding="utf-8-sig").replace("\\\\\\n", " ")
    for line in text.splitlines():
        line = line.split(" #")[0].split(" --")[0].strip()
        if line.startswith(("-r", "--requirement")):
            yield from lines(path.parent / line.split(None, 1)[-1].removeprefix("-r").strip())
        elif line and not line.startswith(("#", "-", ".", "/")) and "://" not in line.split("@")[0]:
            yield line
for line in lines(pathlib.Path(sys.argv[1])):
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        continue
    if wanted.marker is not None and not wanted.marker.evaluate():
        continue
    try:
        has = installed.version(wanted.name)
    except installed.PackageNotFoundError:
        print(f"{wanted.name} is not installed")
        continue
    if not wanted.specifier.contains(has, prereleases=True):
        print(f"{wanted.name} is {has}, required is {wanted.specifier}")
"""


async def ports_disagree(case: Case) -> Finding | None:
    """The unit starts the application at another port than the one that is configured.

    One of the two is wrong: `--port` in its unit, or `port` and `health` in the configuration.
    """
    runs = await program(case)
    given = port_given(runs.command, await variables(case) or {}) if runs else None
    wanted = _wanted(case)
    if given is None or not wanted or wanted == {given}:
        return None
    other = ", ".join(str(port) for port in sorted(wanted - {given}))
    return Finding(
        "ports-disagree",
        f"{case.unit} starts at port {given}, and port {other} is configured",
        f"its unit and {case.config} disagree: it will be asked where it does not listen",
        Remedy((f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, {}))),
    )


async def venv_broken(case: Case) -> Finding | None:
    """The virtual environment is there, and its Python does not run.

    It was moved, or the Python that it was made with is gone: make it again.
    """
    place = await venv(case)
    if not place or there(place) is not True:
        return None
    ran = await in_venv(case, place, "-c", "import sys")
    if ran.code == 0:
        return None
    directory = (await shown(case)).get("WorkingDirectory", "")
    why = ran.trouble or (last(ran.err.splitlines(), 1) or (f"exit status {ran.code}",))[0]
    return Finding(
        "venv-broken",
        f"{place}/bin/python does not run: {why}",
        "nothing in that virtual environment can be started",
        Remedy((*make_venv(case, place, directory), *again(case, await shown(case)))),
    )


async def requirements_unmet(case: Case) -> Finding | None:
    """The virtual environment has not what the requirements ask for, or `pip check` complains.

    Install them.
    """
    place = await venv(case)
    if not place or there(place) is not True:
        return None
    said = await complaints(case, place)
    if not said:
        return None
    directory = (await shown(case)).get("WorkingDirectory", "")
    install = install_command(case, place, directory) or f"{place}/bin/python -m pip check"
    more = f", and {len(said) - 1} more" if len(said) > 1 else ""
    return Finding(
        "requirements-unmet",
        f"{place}: {said[0]}{more}",
        "the application may not start, or fail at the first request that needs it",
        Remedy((install, *again(case, {}))),
        last(said[1:]),
    )


async def not_enabled(case: Case) -> Finding | None:
    """The unit is not started when the host boots.

    `systemctl enable`: loses nothing.
    """
    properties = await shown(case)
    state = properties.get("UnitFileState", "")
    if not state or state in _AT_BOOT or properties.get("TriggeredBy"):
        return None
    return Finding(
        "not-enabled",
        f"{case.unit} is {state}",
        "after the next boot of this host it will not run",
        Remedy((f"systemctl enable {shlex.quote(case.unit)}",), safe=True),
    )


async def complaints(case: Case, place: str) -> Sequence[str]:
    """Return what is wrong with the packages in the virtual environment at *place*."""
    requirements = requirements_of(case, (await shown(case)).get("WorkingDirectory", ""), place)
    found: list[str] = []
    if not await has_pip(case, place):
        if requirements:
            raise LookupError(f"{place} has no pip to compare it with {requirements}")
        return ()  # what has no pip was made by something that looks after it, such as uv
    if requirements:
        ran = await _answered(case, place, f"read {requirements}", "-c", _UNMET, requirements)
        found += ran.lines if ran.code == 0 else [_failure(ran, f"read {requirements}")]
    ran = await _answered(case, place, "run pip check", "-m", "pip", "check")
    if ran.code != 0:
        found += ran.lines or [_failure(ran, "run pip check")]
    return found


async def has_pip(case: Case, place: str) -> bool:
    """Tell whether there is a pip in the environment. Raises LookupError if it does not answer."""
    return (await _answered(case, place, "look for pip", "-c", "import pip")).code == 0


async def _answered(case: Case, place: str, what: str, *arguments: str) -> Ran:
    """Return what `in_venv` does. Raises LookupError for an environment that does not answer."""
    ran = await in_venv(case, place, *arguments)
    if ran.code is None:
        raise LookupError(f"cannot {what}: {ran.trouble}")
    return ran


def requirements_of(case: Case, directory: str, place: str) -> str:
    """Return the file that says what the application needs; empty if nobody says."""
    return install_command(case, place, directory).rpartition("--requirement ")[2].strip("'")


async def in_venv(case: Case, place: str, *arguments: str) -> Ran:
    """Run the environment's Python as the user of the unit: its files may be that user's.

    Root would run whatever that user has put there.
    """
    command = [f"{place}/bin/python", "-I", *arguments]
    user = (await shown(case)).get("User", "")
    if user and user != "root" and os.geteuid() == 0:
        try:
            group = pwd.getpwnam(user).pw_gid
        except KeyError:
            return Ran(None, trouble=f"there is no user {user}")
        command = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", *command]
    return await case.ran(*command, patience=_PATIENCE)


def _failure(ran: Ran, what: str) -> str:
    said = next(iter(ran.err.splitlines()[-1:]), f"exit status {ran.code}")
    return f"cannot {what}: {said}"


def _wanted(case: Case) -> set[int]:
    """Return the ports of this host that the configuration asks at."""
    ports = {check.port for check in case.service.checks if isinstance(check, PortCheck)}
    urls = [urlsplit(check.url) for check in case.service.checks if isinstance(check, HttpCheck)]
    return ports | {
        url.port or (443 if url.scheme == "https" else 80) for url in urls if url.hostname in _HERE
    }
