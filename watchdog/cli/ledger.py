"""Where commands read what is on record: from the daemon, or from its database if it is down."""

from __future__ import annotations

import argparse
import os
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchdog import places
from watchdog.cli.client import RefusedError
from watchdog.cli.options import ask_daemon
from watchdog.errors import ConfigError, ControlError, StoreError

if TYPE_CHECKING:
    from watchdog.core.history import Record
    from watchdog.store.history import Life, Row
    from watchdog.store.ledger import Ledger

DAY = 86400.0
_FURTHEST = 36_500  # days: a hundred years


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded history, oldest first, and who has recorded it."""

    rows: Sequence[Row]
    lives: Sequence[Life]


def add_history_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--history``."""
    parser.add_argument(
        "--history", metavar="FILE", help="read this database, or a copy, instead of the daemon's"
    )


def add_time_options(parser: argparse.ArgumentParser, days: float | None) -> None:
    """Add ``--days`` and ``--since``."""
    shown = f" (default: {days:g})" if days else ""
    span = parser.add_mutually_exclusive_group()
    span.add_argument("--days", type=float, default=days, help=f"how far to look back{shown}")
    span.add_argument("--since", metavar="DATE", help="from when on, as in 2026-11-03")


def since(options: argparse.Namespace) -> float:
    """Return from when (wall) on is asked for; 0: always. Raises ConfigError."""
    if options.since is not None:
        return _date(options.since)
    if options.days is None:
        return 0.0
    days = float(options.days)
    if not 0 < days <= _FURTHEST:
        raise ConfigError(
            (f"cannot look back {days:g} days; expected more than 0 and at most {_FURTHEST}",)
        )
    return max(0.0, time.time() - days * DAY)


def _date(text: str) -> float:
    from datetime import datetime

    try:
        date = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ConfigError(
            (f"cannot look back to {text!r}; expected a date, as in 2026-11-03",)
        ) from None
    if date > time.time():
        raise ConfigError((f"cannot look back to {text!r}: it is yet to come",))
    return date


def ask_ledger(options: argparse.Namespace, **arguments: Any) -> Any:
    """Return what ``incidents`` answers, of the daemon or of its database."""
    import msgspec

    if not options.history:
        try:
            return ask_daemon(options, "incidents", **arguments)
        except ControlError as error:
            ledger = _instead(options, error)
    else:
        ledger = open_ledger(options)
    with ledger:
        if wanted := arguments.pop("id", ""):
            return {"incident": msgspec.to_builtins(ledger.story(wanted))}
        return {"incidents": msgspec.to_builtins(ledger.incidents(**arguments))}


def recorded(options: argparse.Namespace, service: str = "") -> Recorded:
    """Return the recorded history, of the daemon or of its database."""
    if not options.history:
        try:
            return _told(options, service)
        except ControlError as error:
            ledger = _instead(options, error)
    else:
        ledger = open_ledger(options)
    with ledger:
        return Recorded(ledger.history(service), ledger.lives())


def readable(found: Sequence[Row]) -> Sequence[tuple[Row, Sequence[Record]]]:
    """Return each row with its records; say how many nobody can read."""
    from watchdog.store.history import unpacked

    chapters = unpacked(found)
    if lost := len(found) - len(chapters):
        print(
            f"{lost} of {len(found)} entries of the record are damaged: left out", file=sys.stderr
        )
    return chapters


def open_ledger(options: argparse.Namespace) -> Ledger:
    """Return the database that *options* name, or else the daemon's own. Raises StoreError."""
    from watchdog.store.ledger import Ledger

    return Ledger(Path(options.history) if options.history else database(options.config))


def database(config: str | None) -> Path:
    """Return where the daemon of *config* keeps its database."""
    config = config or os.environ.get("SERVICE_WATCHDOG_CONFIG")
    state_dir = None
    if config:
        try:
            with Path(config).open("rb") as file:
                state_dir = tomllib.load(file).get("daemon", {}).get("state_dir")
        except (OSError, tomllib.TOMLDecodeError, AttributeError):
            state_dir = None  # as with the socket: the default place is likely right
    return (Path(state_dir) if isinstance(state_dir, str) else places.STATE_DIR) / places.DATABASE


def _instead(options: argparse.Namespace, error: ControlError) -> Ledger:
    """Return the database of a daemon that is down; raise what it has said otherwise."""
    is_down = isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError)
    if isinstance(error, RefusedError) or not is_down:
        raise error
    try:
        ledger = open_ledger(options)
    except StoreError as exc:
        raise StoreError(f"{error}\n{exc}") from exc
    print(f"{error}\nread from {ledger.path} instead", file=sys.stderr)
    return ledger


def _told(options: argparse.Namespace, service: str) -> Recorded:
    import msgspec

    from watchdog.store.history import Life, Row

    rows: list[Row] = []
    while True:
        after = rows[-1].id if rows else 0
        answer = ask_daemon(options, "history", service=service, after=after)
        rows += msgspec.convert(answer["rows"], list[Row])
        if not answer["more"]:
            break
    alive = answer["alive"]
    lives = [
        Life(life.id, life.boot_id, alive["mono"], alive["wall"])
        if life.id == alive["id"]
        else life
        for life in msgspec.convert(answer["lives"], list[Life])
    ]
    return Recorded(rows, lives)
