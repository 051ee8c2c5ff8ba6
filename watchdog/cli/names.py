"""``names``: what can be named on the command line; for the completion of shells, not in the help.

It is asked at every press of a key, by anybody, of a file that somebody is just editing: it reads
the file alone, and says nothing where it cannot.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchdog.cli.options import add_config_option

if TYPE_CHECKING:
    from watchdog.cli.options import Commands

# A shell may expand what it is told, with the rights of whoever presses the key.
_PLAIN = re.compile(r"[\w.@:+-]+")
_CHANNELS = ("slack", "email", "webhook", "alertmanager", "apprise")


def add_commands(commands: Commands) -> None:
    """Add the command of the shells."""
    parser = commands.add_parser(
        "names", description="Prints the names of the services or channels, for completion."
    )
    parser.add_argument("kind", choices=("services", "channels"))
    add_config_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        file = tomllib.loads(Path(options.config).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return 1
    for name in _services(file) if options.kind == "services" else _channels(file):
        if isinstance(name, str) and _PLAIN.fullmatch(name):
            print(name)
    return 0


def _services(file: Mapping[str, Any]) -> Iterator[object]:
    for table in _tables(file, "service"):
        yield table.get("name", str(table.get("unit", "")).removesuffix(".service"))


def _channels(file: Mapping[str, Any]) -> Iterator[object]:
    for kind in _CHANNELS:
        for table in _tables(file, kind):
            yield table.get("name", kind)


def _tables(file: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = file.get(key, [])
    return [table for table in (found if isinstance(found, list) else [found]) if _is_table(table)]


def _is_table(value: object) -> bool:
    return isinstance(value, dict)
