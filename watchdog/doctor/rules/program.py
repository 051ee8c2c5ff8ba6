"""What ``ExecStart=`` needs and has not got: programs, directories, users.

These rules look at the host, not at how the last run ended: so they are right between two tries of
``Restart=`` as well, and before a deploy.
"""

from __future__ import annotations

import difflib
import grp
import os
import pwd
import shlex
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.host import there
from watchdog.doctor.facts.unit import Program, again, drop_in, program, shown, venv
from watchdog.doctor.finding import Finding, Remedy

_SHEBANG = 256  # bytes; the kernel reads no more (BINPRM_BUF_SIZE)


async def directory_missing(case: Case) -> Finding | None:
    """`WorkingDirectory=` is not there: systemd ends the start with 200/CHDIR.

    Correct it (one that is nearly the same is named), or make the directory.
    """
    properties = await shown(case)
    stated = properties.get("WorkingDirectory", "")
    if not stated.startswith("/") or there(stated) is not False:  # "!/x": it may be missing
        return None
    close = _close_to(Path(stated))
    if close is not None:
        edit = drop_in(case, "50-directory", f"WorkingDirectory={close}")
        remedy = Remedy((*edit, *again(case, properties)))
    else:
        remedy = Remedy((f"systemctl edit --full {shlex.quote(case.unit)}",))
    guess = f"; did you mean {close}?" if close else ""
    return Finding(
        "directory-missing",
        f"WorkingDirectory={stated} of {case.unit} is not there{guess}",
        "systemd cannot even begin to start it (200/CHDIR)",
        remedy,
    )


async def user_missing(case: Case) -> Finding | None:
    """The user of `User=` does not exist on this host: 217/USER.

    Make it (a system user without a login), or correct the unit.
    """
    properties = await shown(case)
    name = properties.get("User", "")
    if not name or properties.get("DynamicUser") == "yes":
        return None
    try:
        pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        pass
    else:
        return None
    if name.isdecimal():
        return None  # systemd runs a number that has no name
    make = f"useradd --system --user-group --no-create-home {shlex.quote(name)}"
    return Finding(
        "user-missing",
        f"the user {name}, as which {case.unit} runs (User=), does not exist",
        "systemd cannot even begin to start it (217/USER)",
        Remedy((make, *again(case, properties))),
    )


async def group_missing(case: Case) -> Finding | None:
    """The group of `Group=` does not exist on this host: 216/GROUP.

    Make it, or correct the unit.
    """
    properties = await shown(case)
    name = properties.get("Group", "")
    if not name or name.isdecimal() or properties.get("DynamicUser") == "yes":
        return None
    try:
        grp.getgrnam(name)
    except KeyError:
        make = f"groupadd --system {shlex.quote(name)}"
        return Finding(
            "group-missing",
            f"the group {name}, as which {case.unit} runs (Group=), does not exist",
            "systemd cannot even begin to start it (216/GROUP)",
            Remedy((make, *again(case, properties))),
        )
    return None


async def venv_missing(case: Case) -> Finding | None:
    """The program lies in a virtual environment that is not there.

    Make it, and install what the application needs.
    """
    runs, place = await program(case), await venv(case)
    if runs is None or not place or there(place) is not False:
        return None
    properties = await shown(case)
    return Finding(
        "venv-missing",
        f"{case.unit} runs {runs.path}, and its virtual environment {place} is not there",
        "nothing of the application's can be run before it is made again",
        Remedy((*make_venv(case, place, properties.get("WorkingDirectory", "")),
                *again(case, properties))),
    )  # fmt: skip


async def executable_missing(case: Case) -> Finding | None:
    """The program of `ExecStart=` is not there: 203/EXEC.

    In a virtual environment: install it. Elsewhere: correct the path.
    """
    runs = await program(case)
    if runs is None or not runs.path.startswith("/") or there(runs.path) is not False:
        return None
    properties = await shown(case)
    place = await venv(case)
    if Path(runs.path).is_symlink():
        target = Path(runs.path).resolve()
        if place and Path(runs.path).name.startswith("python"):
            remedy = (f"python3 -m venv --upgrade {place}", *again(case, properties))
            return _not_there(runs, f", a link to {target}, which is not there", remedy)
        return _not_there(
            runs, f", a link to {target}, which is not there", (f"ls -l {runs.path}",)
        )
    if place:
        install = install_command(case, place, properties.get("WorkingDirectory", ""))
        wanted = install or f"{place}/bin/python -m pip install {Path(runs.path).name}"
        return _not_there(runs, " is not there", (wanted, *again(case, properties)))
    edit = f"systemctl edit --full {shlex.quote(case.unit)}"
    return _not_there(runs, " is not there", (edit, *again(case, properties)))


async def interpreter_missing(case: Case) -> Finding | None:
    """The program is a script whose first line names an interpreter that is not there.

    So it is with the scripts of a virtual environment that was moved. If the environment has a
    Python of its own now, the line is corrected; else it has to be made again.
    """
    runs = await program(case)
    if runs is None or there(runs.path) is not True:
        return None
    interpreter = _interpreter(runs.path)
    if not interpreter or there(interpreter) is not False:
        return None
    properties = await shown(case)
    place = await venv(case)
    own = f"{place}/bin/python3"
    mend: tuple[str, ...]
    if place and there(own):
        mend = (f"sed -i {shlex.quote(f'1s|^#!.*|#!{own}|')} {shlex.quote(runs.path)}",)
    elif place:
        mend = make_venv(case, place, properties.get("WorkingDirectory", ""))
    else:
        mend = (f"head -n 1 {shlex.quote(runs.path)}",)
    return Finding(
        "interpreter-missing",
        f"{runs.path} is a script for {interpreter}, which is not there",
        "the script cannot be run; so it is when a virtual environment was moved",
        Remedy((*mend, *again(case, properties))),
    )


async def executable_forbidden(case: Case) -> Finding | None:
    """The program of `ExecStart=` is there, and may not be run: it is not executable.

    `chmod +x`: loses nothing.
    """
    runs = await program(case)
    if runs is None or there(runs.path) is not True or Path(runs.path).is_dir():
        return None
    if Path(runs.path).stat().st_mode & 0o111:
        return None
    mend = (f"chmod +x {shlex.quote(runs.path)}", *again(case, await shown(case)))
    return Finding(
        "executable-forbidden",
        f"{runs.path} is not executable",
        "systemd may not run it (203/EXEC)",
        Remedy(mend, safe=True),
    )


def make_venv(case: Case, place: str, directory: str) -> tuple[str, ...]:
    """Return the commands that make the virtual environment at *place*."""
    install = install_command(case, place, directory)
    return (f"python3 -m venv --clear {shlex.quote(place)}", *((install,) if install else ()))


def install_command(case: Case, place: str, directory: str) -> str:
    """Return the command that installs what the application needs; empty if nobody says what."""
    stated = case.deployment.requirements
    likely = [Path(where, "requirements.txt") for where in (directory, str(Path(place).parent))]
    found = stated or next((str(file) for file in likely if file.is_file()), "")
    return f"{place}/bin/python -m pip install --requirement {shlex.quote(found)}" if found else ""


def _not_there(runs: Program, words: str, commands: tuple[str, ...]) -> Finding:
    return Finding(
        "executable-missing",
        f"{runs.path}, which ExecStart= names,{words}".replace(",,", ","),
        "systemd has nothing to run (203/EXEC)",
        Remedy(commands),
    )


def _interpreter(path: str) -> str:
    """Return the interpreter that the first line of the script at *path* names."""
    try:
        with Path(path).open("rb") as file:
            line = file.read(_SHEBANG).partition(b"\n")[0]
    except OSError:
        return ""
    words = line[2:].decode("utf-8", "replace").split() if line.startswith(b"#!") else []
    return words[0] if words and words[0].startswith("/") else ""


def _close_to(path: Path) -> Path | None:
    """Return the directory whose name is nearly that of *path*, at the first level that lacks."""
    missing = [path]
    while not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    first, rest = missing[-1], missing[:-1]
    try:
        names = [entry.name for entry in os.scandir(first.parent) if entry.is_dir()]
    except OSError:
        return None
    close = difflib.get_close_matches(first.name, names, n=1, cutoff=0.75)
    if not close:
        return None
    found = first.parent / close[0]
    for each in reversed(rest):
        found /= each.name
    return found if found.is_dir() else None


RULES = (
    directory_missing,
    user_missing,
    group_missing,
    venv_missing,
    executable_missing,
    interpreter_missing,
    executable_forbidden,
)
