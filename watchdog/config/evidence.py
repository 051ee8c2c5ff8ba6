"""From the table of a service's evidence to the core's Evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from posixpath import normpath

from watchdog.config.problems import Path, Problems, quoted
from watchdog.config.service_tables import ServiceEvidenceTable
from watchdog.core.service import (
    PLACEHOLDERS,
    Evidence,
)

MOST = 8
"""Logs, and commands, of one service; more would not be gathered in the time there is."""

_WORD = re.compile(r"\{([A-Za-z][A-Za-z_-]*)\}")
_MEANT = {
    "pid": "main_pid",
    "mainpid": "main_pid",
    "service": "service",
    "servicename": "service",
    "name": "service",
    "unit": "service",
    "unitname": "service",
    "port": "port",
}
_PATTERN = re.compile(r"[*?]|\[[^\]]+\]")


def evidence_of(
    table: ServiceEvidenceTable,
    path: Path,
    problems: Problems,
    *,
    has_port: bool,
    has_control: bool,
) -> Evidence:
    """Return what *table*, standing at *path*, asks for; note what is wrong with it."""
    for key in ("logs", "commands"):
        if len(getattr(table, key)) > MOST:
            problems.add((*path, key), f"more than {MOST}; expected fewer, the most telling first")
    _check_logs(table.logs, (*path, "logs"), problems)
    senseless = _senseless(has_port=has_port, has_control=has_control)
    for index, command in enumerate(table.commands):
        place = (*path, "commands", index)
        if problems.touch(place):
            continue  # reported where it was read
        for at, word in enumerate(command):
            for name in _WORD.findall(word):
                if wrong := senseless.get(name) or _misspelt(name):
                    problems.add((*place, at), wrong)
        if command and not command[0]:
            problems.add((*place, 0), "empty; expected the program to run")
        elif len(command) == 1 and len(command[0].split()) > 1:
            # Not what the words would be: one may be a secret.
            why = "the words stand in one text"
            problems.add(place, f'{why}; expected a text each, such as ["ss", "-tn"]')
    return Evidence(tuple(table.logs), tuple(map(tuple, table.commands)))


def _check_logs(logs: Sequence[str], path: Path, problems: Problems) -> None:
    seen: set[str] = set()
    for index, log in enumerate(logs):
        if not log or problems.touch((*path, index)):
            continue  # reported where it was read
        if _PATTERN.search(log):
            why = f"{quoted(log)} is a pattern, which nothing fills in"
            problems.add((*path, index), f"{why}; expected the path of one file")
        if normpath(log) in seen:
            problems.add((*path, index), f"{quoted(log)} is there twice; expected it once")
        seen.add(normpath(log))


def _senseless(*, has_port: bool, has_control: bool) -> Mapping[str, str]:
    """Return the placeholders that nothing can stand for here, and why."""
    senseless = {}
    if not has_port:
        senseless["port"] = "{port} has no meaning here; expected a port in this service"
    if has_control:
        senseless["main_pid"] = (
            "{main_pid} has no meaning here: with control nobody knows the main process;"
            " expected a command without it"
        )
    return senseless


def _misspelt(name: str) -> str:
    """Say what is wrong with the placeholder *name*; other words in braces may be meant so."""
    if name in PLACEHOLDERS:
        return ""
    meant = _MEANT.get(re.sub("[_-]", "", name.lower()))
    return f"{{{name}}} is no placeholder; did you mean {{{meant}}}?" if meant else ""
