"""``verify``: wait until services are up, or say what keeps them from it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from watchdog.cli.options import Commands, add_config_option, seconds_of
from watchdog.cli.output import marked, print_json

if TYPE_CHECKING:
    from watchdog.config import Config
    from watchdog.core.model import Observation
    from watchdog.core.service import Service
    from watchdog.deploy.verifying import Verified

_SUMMED = (1, 3)  # exit codes, the worst first


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "wait until services are up: unit, port, health, through nginx, from outside"
    verify = commands.add_parser("verify", help=text, description=text)
    verify.add_argument("name", nargs="?", default="", help="a service; all of them if not given")
    verify.add_argument(
        "--timeout", metavar="30s", default="30s", help="how long to wait (default: %(default)s)"
    )
    verify.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_config_option(verify)
    verify.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog.app.by_hand import chosen
    from watchdog.config import load

    patience = seconds_of("verify", "--timeout", options.timeout)
    config = load(options.config, for_daemon=False)
    services = chosen(config, [options.name] if options.name else [])
    return asyncio.run(_verify(options, config, services, patience))


async def _verify(
    options: argparse.Namespace, config: Config, services: Sequence[Service], patience: float
) -> int:
    from watchdog.app.log import for_a_person
    from watchdog.app.targets import targets
    from watchdog.deploy.verifying import verify

    for_a_person()
    told: dict[str, str] = {}

    def seen(service: str, answer: Observation) -> None:
        """Say once what is waited for: a log of CI then shows what took so long."""
        waits = answer.verdict.value != "pass" and told.get(service) != answer.check
        if waits and not options.json:
            print(f"{service}: waiting for {answer.check}: {answer.reason}", flush=True)
        told[service] = answer.check

    async with targets(config, services) as found:
        results = await verify(found, patience, seen)
    codes = {result.code for result in results}
    code = next((each for each in _SUMMED if each in codes), 0)
    if options.json:
        print_json({"services": [_as_json(result) for result in results], "code": code})
    else:
        for result in results:
            _print(result)
    if not results:
        print("there is no service to verify", file=sys.stderr)
    return code


def _print(result: Verified) -> None:
    last = result.answers[-1]
    words = " ".join(marked(answer.check, answer.verdict.value) for answer in result.answers)
    if result.code == 0:
        print(f"{result.service}: up: {words} (after {result.took:.1f} s)")
    else:
        print(f"{result.service}: not up after {result.took:.1f} s: {words}: {last.reason}")


def _as_json(result: Verified) -> dict[str, object]:
    return {
        "name": result.service,
        "verdict": result.verdict.value,
        "took": round(result.took, 2),
        "checks": [
            {"check": answer.check, "verdict": answer.verdict.value, "reason": answer.reason}
            for answer in result.answers
        ],
        "code": result.code,
    }
