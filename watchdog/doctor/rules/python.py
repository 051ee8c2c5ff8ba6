"""What Python says in the log when an application cannot be imported."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.raised import may_have_raised
from watchdog.doctor.facts.unit import Program, again, drop_in, program, shown, venv
from watchdog.doctor.finding import Finding, Remedy
from watchdog.doctor.rules.program import install_command

_NO_MODULE = re.compile(
    r"^\s*(?:ModuleNotFoundError: |ImportError: |\S*python[\d.]*: )"
    r"(?:Error while finding module specification for .*)?No module named '?([\w.]+)'?"
)
_NO_APP = re.compile(r'(?:Could not import module|Attribute "\w+" not found in module) "([\w.]+)"')
_IMPORT = re.compile(r"^\s*ImportError: (.+)")
_SYNTAX = re.compile(r"^\s*(SyntaxError|IndentationError|TabError): (.+)")
_PLACE = re.compile(r'^\s*File "(.+)", line (\d+)')
_APP = re.compile(r"(?:^|\s)([A-Za-z_][\w.]*):[A-Za-z_][\w.]*")

_PACKAGES = {
    "PIL": "pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python", "dotenv": "python-dotenv",
    "fitz": "pymupdf", "jose": "python-jose", "jwt": "pyjwt", "multipart": "python-multipart",
    "psycopg2": "psycopg2-binary", "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip
"""Modules whose package is called otherwise, as far as they are common."""


async def app_not_found(case: Case) -> Finding | None:
    """The application's own module is not found: the wrong `WorkingDirectory=`.

    Where a file of that name is near, the directory is corrected to it.
    """
    runs, lines = await program(case), await log_lines(case)
    name = _missing(lines, _NO_APP) or _missing(lines, _NO_MODULE)
    if runs is None or not name or not _is_own(name, runs):
        return None
    properties = await shown(case)
    directory = properties.get("WorkingDirectory", "").lstrip("!-") or "/"
    near = _near(Path(directory), name.partition(".")[0])
    fact = f"{case.unit} cannot import its application {name}"
    if near is None or str(near) == directory:
        return Finding(
            "app-not-found",
            f"{fact} in {directory}" + (f", though {name} is there" if near else ""),
            "the name in ExecStart= is wrong, or the module fails: its log says which",
            Remedy((f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, properties))),
            last(lines),
        )
    edit = drop_in(case, "50-directory", f"WorkingDirectory={near}")
    return Finding(
        "app-not-found",
        f"{fact} in {directory}; it is in {near}",
        "WorkingDirectory= is not the directory of the application",
        Remedy((*edit, *again(case, properties))),
        last(lines),
    )


async def module_missing(case: Case) -> Finding | None:
    """A package is not installed in the application's environment (ModuleNotFoundError).

    Install the requirements there, or that one package.
    """
    lines = await log_lines(case)
    name = _missing(lines, _NO_MODULE)
    if not name or not await may_have_raised(case):
        return None
    properties, place = await shown(case), await venv(case)
    top = name.partition(".")[0]
    if place and any(Path(place, "lib").glob(f"python3*/site-packages/{top}")):
        return None  # it is there by now, or this Python was not the one
    install = ""
    if place:
        install = install_command(case, place, properties.get("WorkingDirectory", ""))
        if not install or top not in _required(install):
            install = f"{place}/bin/python -m pip install {_PACKAGES.get(top, top)}"
    python = install or f"PYTHON -m pip install {_PACKAGES.get(top, top)}"
    where = f"in {place}" if place else "for the Python that runs it"
    return Finding(
        "module-missing",
        f"the Python module {name} is not installed {where}",
        "the application ends before it listens",
        Remedy((python, *again(case, properties))),
        last(lines),
    )


async def import_fails(case: Case) -> Finding | None:
    """A module is there and cannot be imported (ImportError): versions that do not go together.

    `pip check` says which; install the versions that the application asks for.
    """
    lines = await log_lines(case)
    found = next((found for line in reversed(lines) if (found := _IMPORT.match(line))), None)
    if found is None or not _is_last_error(lines, "ImportError") or not await may_have_raised(case):
        return None
    place, properties = await venv(case), await shown(case)
    install = install_command(case, place, properties.get("WorkingDirectory", "")) if place else ""
    commands = (f"{place}/bin/python -m pip check",) if place else ()
    return Finding(
        "import-fails",
        f"an import fails: {last([found[1]])[0]}",
        "a package, or a library of the system, is of another version than the application needs",
        Remedy((*commands, *((install,) if install else ()), *again(case, properties))),
        last(lines),
    )


async def source_syntax(case: Case) -> Finding | None:
    """Python cannot read a source file of the application (SyntaxError).

    File and line are named. Mend it, or go back to the version before.
    """
    lines = await log_lines(case)
    for index in range(len(lines) - 1, -1, -1):
        error = _SYNTAX.match(lines[index])
        if error is None or not await may_have_raised(case):
            continue
        places = [found for line in lines[:index] if (found := _PLACE.match(line))]
        where = f"{places[-1][1]}, line {places[-1][2]}" if places else "a source file"
        look = places[-1] if places else None
        edit = (f"sed -n {look[2]}p {shlex.quote(look[1])}",) if look else ()
        return Finding(
            "source-syntax",
            f"Python cannot read {where}: {last([error[2]])[0]} ({error[1]})",
            "the application cannot start before that line is mended, or the old version is back",
            Remedy((*edit, *again(case, await shown(case)))),
            last(lines),
        )
    return None


def _missing(lines: Sequence[str], pattern: re.Pattern[str]) -> str:
    return next((found[1] for line in reversed(lines) if (found := pattern.search(line))), "")


def _is_own(name: str, runs: Program) -> bool:
    """Tell whether *name* is the application that the command line asks for: ``main:app``."""
    top = name.partition(".")[0]
    return any(found.partition(".")[0] == top for found in _APP.findall(runs.command))


def _near(directory: Path, module: str) -> Path | None:
    """Return the one directory in, above or beside *directory* that has *module*."""
    places = [directory, directory.parent, *_within(directory), *_within(directory.parent)]
    found = [
        place
        for place in dict.fromkeys(places)
        if (place / f"{module}.py").is_file() or (place / module / "__init__.py").is_file()
    ]
    return found[0] if len(found) == 1 or directory in found else None


def _within(directory: Path) -> Sequence[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir())
    except OSError:
        return ()


def _required(install: str) -> str:
    """Return the requirements that the command *install* would install, as one text."""
    try:
        return Path(shlex.split(install)[-1]).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_last_error(lines: Sequence[str], name: str) -> bool:
    errors = [line for line in lines if re.match(r"^\s*[\w.]+(Error|Exception)\b", line)]
    return bool(errors) and errors[-1].lstrip().startswith(name)


RULES = (app_not_found, module_missing, import_fails, source_syntax)
