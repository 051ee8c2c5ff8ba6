"""``ports``: who listens on the configured ports."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from watchdog.cli.options import Commands, add_config_option
from watchdog.cli.output import print_json, stamp, table_row
from watchdog.cli.terminal import has_signs, painted, wait
from watchdog.errors import ConfigError, WatchdogError

if TYPE_CHECKING:
    from watchdog.ports import Listener
    from watchdog.survey.held import Held

_EVERY = 1.0  # seconds
_HEADS = ("SERVICE", "PORT", "ADDRESS", "TAKES", "FROM", "HELD BY", "")
_MARKS = {
    "expected": ("✓", "ok", "32"),
    "stranger": ("✗", "a stranger", "31"),
    "elsewhere": ("✗", "not where it should be", "31"),
    "nothing": ("✗", "nothing listens", "31"),
    "unknown": ("?", "whose it is cannot be told", "35"),
}


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "show who listens on the configured ports"
    ports = commands.add_parser("ports", help=text, description=text)
    ports.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    ports.add_argument("-w", "--watch", action="store_true", help="go on, and show what changes")
    ports.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_config_option(ports)
    ports.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    look = _looker(options)
    if not options.watch:
        rows = look()
        assert rows is not None  # noqa: S101 - the first look always sees something new
        _print_all(rows, is_json=options.json)
        return _code(rows)
    _watch(look, is_json=options.json)
    return 0


def _looker(options: argparse.Namespace) -> Callable[[], Sequence[Held] | None]:
    """Return what looks at the ports, and returns None if nothing has changed."""
    import asyncio

    from watchdog.config import load
    from watchdog.probes.sock_diag import SockDiag
    from watchdog.survey.held import held, sockets
    from watchdog.survey.ownership import Ownership, sockets_of
    from watchdog.survey.wanted import wanted

    config = load(options.config, for_daemon=False)
    services = [each for each in config.services if options.name in {"", each.name}]
    if not services:
        known = ", ".join(each.name for each in config.services)
        why = f"no such service; there are: {known}"
        raise ConfigError((f"cannot show ports of {options.name}: {why}",))
    ports = wanted(config, services)
    made = asyncio.run(sockets_of(each.unit for each in ports if each.unit))
    ownership = Ownership(config, made)
    diag = SockDiag()
    seen: list[tuple[object, ...]] | None = None

    def look() -> Sequence[Held] | None:
        nonlocal seen
        try:
            found = sockets(diag, (each.port for each in ports))
            # How many wait to be accepted is no change of who listens.
            now = [_identity(each) for each in found]
            if now == seen:
                return None
            rows = held(diag, ports, found, ownership.owns)
        except OSError as error:
            raise WatchdogError(
                f"cannot ask the kernel for sockets: {error.strerror}; "
                "`ss -tln` shows them without their owners"
            ) from error
        seen = now
        return rows

    return look


def _identity(listener: Listener) -> tuple[object, ...]:
    return (listener.host, listener.port, listener.inode, listener.cgroup)


def _watch(look: Callable[[], Sequence[Held] | None], *, is_json: bool) -> None:
    """Show the ports, and again whenever they change, until Ctrl-C."""
    is_redrawn = sys.stdout.isatty() and not is_json
    before: Sequence[Held] | None = None
    while True:
        rows = look()
        if rows is not None:
            if is_redrawn:
                print("\033[H\033[2J", end="")
                print(f"unchanged since {stamp(time.time())}  (Ctrl-C ends it)")
                _print_all(rows, is_json=False)
            elif before is None or is_json:
                _print_all(rows, is_json=is_json, is_line=True)
            else:
                _print_changes(before, rows)
            sys.stdout.flush()
            before = rows
        wait(_EVERY)


def _print_all(rows: Sequence[Held], *, is_json: bool, is_line: bool = False) -> None:
    if is_json and is_line:
        import msgspec

        print(msgspec.json.encode(_as_json(rows) | {"time": time.time()}).decode())
        return
    if is_json:
        print_json(_as_json(rows))
        return
    if not rows:
        print("no ports are configured")
        return
    cells = [_cells(row) for row in rows]
    widths = [max(len(each[n]) for each in [_HEADS, *cells]) for n in range(len(_HEADS))]
    print(table_row(_HEADS, widths))
    for row, line in zip(rows, cells, strict=True):
        print(painted(table_row(line, widths), _MARKS[row.state][2]))


def _print_changes(before: Sequence[Held], rows: Sequence[Held]) -> None:
    """Print what is new, and what is gone."""
    at = stamp(time.time())
    for row in before:
        if row not in rows and row.owner:
            print(f"{at}  {row.service} {row.port}: {row.address} closed, was {row.owner}")
    for row in rows:
        if row not in before:
            held_by = f"{row.address} {row.owner}: " if row.owner else ""
            print(f"{at}  {row.service} {row.port}: {held_by}{_words(row)}")


def _cells(row: Held) -> tuple[str, ...]:
    mark = _MARKS[row.state][0] if has_signs() else row.state
    return (
        row.service,
        str(row.port),
        row.address,
        row.families or "-",
        row.reach or "-",
        row.owner or "-",
        f"{mark} {_words(row)}",
    )


def _words(row: Held) -> str:
    words = _MARKS[row.state][1]
    if row.state == "stranger" and row.expected:
        return f"{words}: {row.expected} should"
    if row.state == "unknown":
        return f"{words}: try sudo" if os.geteuid() else words
    return words


def _as_json(rows: Sequence[Held]) -> dict[str, Any]:
    return {"ports": [asdict(row) for row in rows], "code": _code(rows)}


def _code(rows: Sequence[Held]) -> int:
    states = {row.state for row in rows}
    if states & {"stranger", "elsewhere", "nothing"}:
        return 1
    return 3 if "unknown" in states else 0
