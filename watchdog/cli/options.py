"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any, TypeAlias

from watchdog import places
from watchdog.cli.client import ask
from watchdog.errors import ConfigError

# argparse has no public name for it, and none that can be subscripted when the program runs.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

SOCKET = places.RUNTIME_DIR / places.SOCKET


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get("SERVICE_WATCHDOG_CONFIG", places.CONFIG),
        help="the configuration (default: %(default)s)",
    )


def add_client_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that asks the daemon takes."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--config", metavar="FILE", help="find the daemon by its configuration")
    parser.add_argument(
        "--socket", metavar="FILE", help=f"the daemon's control socket (default: {SOCKET})"
    )


def ask_daemon(options: argparse.Namespace, call: str, **arguments: Any) -> Any:
    """Return the daemon's answer to *call*. Raises ControlError."""
    return ask(control_socket(options), call, arguments)


def config_path(options: argparse.Namespace) -> str:
    """Return the configuration that a client command goes by."""
    return str(options.config or os.environ.get("SERVICE_WATCHDOG_CONFIG", places.CONFIG))


def seconds_of(call: str, option: str, text: str) -> float:
    """Return a span of time as *option* of *call* has it. Raises ConfigError."""
    from watchdog.config.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError((f"cannot {call}: {option} {text}: {error}",)) from None


def control_socket(options: argparse.Namespace) -> Path:
    """Return where the daemon answers."""
    if options.socket:
        return Path(options.socket)
    config = options.config or os.environ.get("SERVICE_WATCHDOG_CONFIG")
    if config:
        try:
            with Path(config).open("rb") as file:
                runtime_dir = tomllib.load(file).get("daemon", {}).get("runtime_dir")
        except (OSError, tomllib.TOMLDecodeError, AttributeError):
            runtime_dir = None  # not readable to everybody; the default place is likely right
        if runtime_dir:
            return Path(runtime_dir) / SOCKET.name
    return SOCKET
