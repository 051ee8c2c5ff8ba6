"""From the table of a service's evidence to the core's Evidence."""

from __future__ import annotations

import re

from watchdog.config.problems import Path, Problems
from watchdog.config.service_tables import ServiceEvidenceTable
from watchdog.core.model import PLACEHOLDERS, Evidence

MOST = 8
"""Logs, and commands, of one service; more would not be gathered in the time there is."""

_WORD = re.compile(r"\{([a-z_]+)\}")
_MEANT = {"pid": "main_pid", "mainpid": "main_pid", "name": "service", "unit": "service"}


def evidence_of(
    table: ServiceEvidenceTable, path: Path, problems: Problems, *, has_port: bool
) -> Evidence:
    """Return what *table*, standing at *path*, asks for; note what is wrong with it."""
    for key in ("logs", "commands"):
        if len(getattr(table, key)) > MOST:
            problems.add((*path, key), f"more than {MOST}; expected fewer, the most telling first")
    for index, command in enumerate(table.commands):
        for place, word in enumerate(command):
            for name in _WORD.findall(word):
                if wrong := _wrong(name, has_port=has_port):
                    problems.add((*path, "commands", index, place), wrong)
        if command and not command[0] and not problems.touch((*path, "commands", index)):
            problems.add((*path, "commands", index, 0), "empty; expected the program to run")
    return Evidence(tuple(table.logs), tuple(map(tuple, table.commands)))


def _wrong(name: str, *, has_port: bool) -> str:
    """Say what is wrong with the placeholder *name*; other words in braces may be meant so."""
    if name == "port" and not has_port:
        return "{port} has no meaning here; expected a port in this service"
    if name in PLACEHOLDERS:
        return ""
    meant = _MEANT.get(name)
    return f"{{{name}}} is no placeholder; did you mean {{{meant}}}?" if meant else ""
