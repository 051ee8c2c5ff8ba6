"""``simulate``: what another configuration would have done with what really happened."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchdog.cli.ledger import (
    add_history_option,
    add_time_options,
    open_ledger,
    readable,
    since,
)
from watchdog.cli.options import Commands
from watchdog.cli.output import print_json, stamp
from watchdog.errors import ConfigError

if TYPE_CHECKING:
    from watchdog.core.comparing import Act, Difference
    from watchdog.core.history import Record
    from watchdog.core.service import Policy

_LATE = 60.0  # seconds after the beginning asked for at which a record may begin unmentioned

CAVEAT = (
    "What was observed is taken for the truth: a restart that was not made in fact changes nothing "
    "of what was observed after it, and without one that was made the trouble lasts until health "
    "was seen. Only policies are tried, not other checks."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a policy would have done with one service, and what was done in fact."""

    service: str
    begins: float  # wall: where its records begin
    tried: Sequence[Act]
    in_fact: Sequence[Act]
    differences: Sequence[Difference]


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "tell what another configuration would have done with what is on record"
    simulate = commands.add_parser("simulate", help=text, description=text)
    simulate.add_argument("--config", metavar="FILE", required=True, help="the one to try")
    simulate.add_argument("--service", metavar="NAME", default="", help="only this service")
    add_time_options(simulate, 30.0)
    add_history_option(simulate)
    simulate.add_argument("--verbose", "-v", action="store_true", help="show each difference")
    simulate.add_argument("--json", action="store_true", help="print the answer as JSON")
    simulate.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog.config import load

    begins = since(options)
    config = load(options.config, for_daemon=False)
    policies = {service.name: service.policy for service in config.services}
    lives = _lives(options)
    if options.service:
        if options.service not in policies:
            raise ConfigError(
                (f"cannot simulate {options.service}: it is not in {options.config}",)
            )
        policies = {options.service: policies[options.service]}
        lives = {name: life for name, life in lives.items() if name == options.service}
    trials = [
        try_policy(name, lives[name], policy, begins)
        for name, policy in policies.items()
        if name in lives
    ]
    unknown = [name for name in policies if name not in lives]
    gone = [name for name in lives if name not in policies]
    if options.json:
        print_json(_as_json(begins, trials, unknown, gone))
    else:
        _print(options, begins, trials, unknown, gone)
    return 0


def try_policy(service: str, records: Sequence[Record], policy: Policy, begins: float) -> Trial:
    """Play the recorded life of *service* with *policy*; tell what it does from *begins* on.

    All of it is played, so that what is told begins as it would have stood then.
    """
    from watchdog.core.comparing import differences, of_deeds, of_records
    from watchdog.core.replay import replayed

    tried = of_deeds(replayed(service, records, policy), begins)
    in_fact = of_records(records, begins)
    return Trial(service, records[0].now.wall, tried, in_fact, differences(tried, in_fact))


def _lives(options: argparse.Namespace) -> Mapping[str, Sequence[Record]]:
    """Return the recorded life of each service, on one clock."""
    from watchdog.core.history import aligned

    # The daemon is not asked, and does not notice.
    with open_ledger(options) as ledger:
        rows, lives = ledger.history(options.service), ledger.lives()
    boots = {life.id: life.boot_id for life in lives}
    chapters: dict[str, list[tuple[str, Sequence[Record]]]] = {}
    for row, records in readable(rows):
        chapters.setdefault(row.service, []).append((boots.get(row.life, ""), records))
    return {name: aligned(chapters[name]) for name in sorted(chapters)}


# --- telling ------------------------------------------------------------------------------------


def _as_json(
    begins: float, trials: Sequence[Trial], unknown: Sequence[str], gone: Sequence[str]
) -> dict[str, Any]:
    return {
        "since": begins,
        "services": [
            {
                "name": trial.service,
                "on_record_since": trial.begins,
                "simulated": _counts(trial.tried),
                "in_fact": _counts(trial.in_fact),
                "differences": [
                    {
                        "wall": difference.act.wall,
                        "what": difference.act.what,
                        "in_fact": difference.in_fact,
                    }
                    for difference in trial.differences
                ],
            }
            for trial in trials
        ],
        "not_on_record": unknown,
        "not_in_the_configuration": gone,
        "caveat": CAVEAT,
    }


def _counts(acts: Sequence[Act]) -> dict[str, Any]:
    from watchdog.core.comparing import PAGES, count
    from watchdog.core.model import AlertKind

    alerts = {kind.value: number for kind in AlertKind if (number := count(acts, kind))}
    return {"restarts": count(acts, "restart"), "pages": count(acts, *PAGES), "alerts": alerts}


def _print(
    options: argparse.Namespace,
    begins: float,
    trials: Sequence[Trial],
    unknown: Sequence[str],
    gone: Sequence[str],
) -> None:
    start = f"from {stamp(begins)} until now" if begins else "with all that is on record"
    print(f"{options.config}, {start}:")
    for trial in trials:
        tried, in_fact = _counts(trial.tried), _counts(trial.in_fact)
        print(
            f"{trial.service}: would have restarted {_times(tried['restarts'])}"
            f" (in fact {in_fact['restarts']}),"
            f" paged {_times(tried['pages'])} (in fact {in_fact['pages']})"
        )
        if trial.begins > begins + _LATE and begins:
            print(f"  on record only since {stamp(trial.begins)}")
        if options.verbose:
            for difference in trial.differences:
                who = "in fact only" if difference.in_fact else "only with this configuration"
                print(f"  {stamp(difference.act.wall)}  {difference.act.what}, {who}")
    for name in unknown:
        print(f"{name}: nothing of it is on record")
    for name in gone:
        print(f"{name}: is on record, but not in {options.config}")
    if trials:
        print(textwrap.fill(CAVEAT, 80))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
