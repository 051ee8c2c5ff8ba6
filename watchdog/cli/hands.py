"""What commands share that look for themselves instead of asking the daemon."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from watchdog.cli.options import add_config_option, ask_daemon

if TYPE_CHECKING:
    from watchdog.app.hands import Hands


def hands_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of such a command."""
    parser.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_config_option(parser)
    parser.add_argument("--socket", metavar="FILE", help="the daemon's control socket")


def at_hand(options: argparse.Namespace, work: Callable[[Hands], Awaitable[int]]) -> int:
    """Return what *work* returns, given the services of the configuration to look at."""
    import structlog

    from watchdog.app.by_hand import chosen
    from watchdog.app.hands import Hands
    from watchdog.config import load

    config = load(options.config, for_daemon=False)
    chosen(config, [options.name] if options.name else [])  # a name that there is not is told now
    # What parts of the daemon log when something is wrong is part of the answer here.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

    async def run() -> int:
        async with Hands(config, partial(daemon_says, options)) as hands:
            return await work(hands)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        doing = getattr(options, "doing", "")
        print(f"\ninterrupted at: {doing}" if doing else "\ninterrupted", file=sys.stderr)
        raise


def daemon_says(options: argparse.Namespace, name: str) -> Mapping[str, Any]:
    """Return what the daemon's status says of a service. Raises ControlError."""
    answer: Mapping[str, Any] = ask_daemon(options, "status", name=name)["services"][0]
    return answer
