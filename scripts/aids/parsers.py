"""The parser of all commands as it is everywhere, whoever asks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from watchdog.cli.main import parser_of

_DECIDES_DEFAULTS = "SERVICE_WATCHDOG_CONFIG"


def whole_parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    chosen = os.environ.pop(_DECIDES_DEFAULTS, None)
    try:
        parser = parser_of("")
    finally:
        if chosen is not None:
            os.environ[_DECIDES_DEFAULTS] = chosen
    for command in list(with_commands(parser)):
        _leave_out_what_help_does(command)
    return parser


def _leave_out_what_help_does(parser: argparse.ArgumentParser) -> None:
    """Forget the commands of *parser* that are not for people."""
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            listed = {choice.dest for choice in action._choices_actions}  # noqa: SLF001
            for name in action.choices.keys() - listed:
                del action._name_parser_map[name]  # noqa: SLF001


def with_commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield *parser* and those of its commands, at any depth."""
    yield parser
    for action in parser._actions:  # noqa: SLF001  # argparse has no public way to walk a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in dict.fromkeys(action.choices.values()):
                yield from with_commands(command)
