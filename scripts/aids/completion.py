"""The completion of a shell: shtab's, with the names of services and channels asked for."""

from __future__ import annotations

import argparse
from textwrap import dedent

import shtab

from scripts.aids.parsers import whole_parser, with_commands

_SERVICES = {"name", "service"}
_CHANNELS = {"channel"}
_DIRECTORIES = {"DIR"}
_FILES = {"FILE"}


def script(shell: str) -> str:
    """Return the script for *shell*."""
    parser = whole_parser()
    for command in with_commands(parser):
        for action in command._actions:  # noqa: SLF001
            if completer := _completer(action):
                action.complete = completer  # type: ignore[attr-defined]
    said = shtab.complete(parser, shell)
    return "\n".join(line.rstrip() for line in said.splitlines()) + "\n"


def _completer(action: argparse.Action) -> shtab.CompleteType | None:
    if action.nargs == 0 or action.choices:
        return None
    if action.dest in _SERVICES:
        return _asked("services")
    if action.dest in _CHANNELS:
        return _asked("channels")
    if action.metavar in _DIRECTORIES:
        return shtab.DIRECTORY
    if action.metavar in _FILES:
        return shtab.FILE
    return None


def _asked(kind: str) -> shtab.CompleteType:
    """Return what asks for the names when the word is one, and only then."""
    function = f"_service_watchdog_{kind}"
    command = f"service-watchdog names {kind} 2>/dev/null"
    bash = f"""
        {function}() {{
          compgen -W "$({command})" -- "$1"
        }}"""
    zsh = f"""
        {function}() {{
          local -a names
          names=(${{(f)"$({command})"}})
          compadd -a names
        }}"""
    return {
        "bash": function,
        "zsh": function,
        "fish": f"({command})",
        "preamble": {"bash": dedent(bash), "zsh": dedent(zsh)},
    }
