"""``report``: how available each service was, and what its restarts were good for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchdog.cli.ledger import (
    add_history_option,
    add_time_options,
    readable,
    recorded,
    since,
)
from watchdog.cli.options import Commands, add_client_options
from watchdog.cli.output import print_json, stamp, table_row
from watchdog.errors import ConfigError

if TYPE_CHECKING:
    from watchdog.cli.ledger import Recorded
    from watchdog.core.availability import Account

_HEADS = (
    "SERVICE", "UP", "DOWN", "WATCHED", "INCIDENTS", "MTTR", "LONGEST", "RESTARTS",
)  # fmt: skip
_LATE = 60.0  # seconds after the beginning asked for at which a record may begin unmentioned


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "tell the availability of each service, from what is on record"
    report = commands.add_parser("report", help=text, description=text)
    report.add_argument("--service", metavar="NAME", default="", help="only of this service")
    add_time_options(report, 30.0)
    add_history_option(report)
    add_client_options(report)
    report.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    begins = since(options)
    accounts = accounts_of(recorded(options, options.service), begins)
    if options.service and not accounts:
        raise ConfigError((f"cannot report on {options.service}: nothing of it is on record",))
    if options.json:
        services = [_as_json(name, account) for name, account in accounts.items()]
        print_json({"since": begins, "services": services})
    elif not accounts:
        print("nothing is on record yet")
    else:
        _print(accounts, begins)
    return 0


def accounts_of(found: Recorded, begins: float) -> Mapping[str, Account]:
    """Return the account of each service from *begins* (wall) on, by name."""
    from watchdog.core.availability import Chapter, account
    from watchdog.core.model import Now

    alive = {life.id: Now(life.mono, life.wall) for life in found.lives}
    chapters: dict[str, list[Chapter]] = {}
    for written, records in readable(found.rows):
        last = alive.get(written.life, records[-1].now)
        chapters.setdefault(written.service, []).append(Chapter(written.life, last, records))
    return {name: account(chapters[name], begins) for name in sorted(chapters)}


def _as_json(name: str, account: Account) -> dict[str, Any]:
    return {
        "name": name,
        "on_record_since": account.since,
        "availability": account.availability,
        "up": round(account.up, 3),
        "down": round(account.down, 3),
        "watched": round(account.watched, 3),
        "incidents": account.incidents,
        "mttr": account.recovery,
        "longest_outage": round(account.longest, 3),
        "outages": [
            {
                "began": outage.began,
                "ended": outage.ended,
                "down": round(outage.down, 3),
                "recovered": outage.recovered,
            }
            for outage in account.outages
        ],
        "restarts": {
            "made": account.restarts,
            "healed": account.healed,
            "relapsed": account.relapsed,
            "failed": account.failed,
            "asked_for": account.asked,
        },
    }


def _print(accounts: Mapping[str, Account], begins: float) -> None:
    print(f"from {stamp(begins)} until now" if begins else "all that is on record")
    rows = [_cells(name, account) for name, account in accounts.items()]
    if len(rows) > 1:
        rows.append(_cells(f"all {len(rows)}", _total(list(accounts.values()))))
    widths = [max(len(each[column]) for each in [_HEADS, *rows]) for column in range(len(_HEADS))]
    for cells in [_HEADS, *rows]:
        print(table_row(cells, widths))
    print("RESTARTS: made by the daemon (healed, relapsed, failed)")
    asked = [f"{name} {account.asked}" for name, account in accounts.items() if account.asked]
    if asked:
        print(f"asked for by people, and not counted: {', '.join(asked)}")
    late: dict[str, list[str]] = {}
    for name, account in accounts.items():
        if account.since is not None and account.since > begins + _LATE and begins:
            late.setdefault(stamp(account.since), []).append(name)
    for at, names in late.items():
        print(f"{', '.join(names)}: on record only since {at}")


def _cells(name: str, account: Account) -> Sequence[str]:
    up, mean = account.availability, account.recovery
    return (
        name,
        _percent(up) if up is not None else "-",
        _brief(account.down),
        _brief(account.watched),
        str(account.incidents),
        _brief(mean) if mean is not None else "-",
        _brief(account.longest) if account.longest else "-",
        f"{account.restarts} ({account.healed}, {account.relapsed}, {account.failed})",
    )


def _total(accounts: Sequence[Account]) -> Account:
    from watchdog.core.availability import Account

    total = Account()
    for each in accounts:
        total.up += each.up
        total.down += each.down
        total.incidents += each.incidents
        total.restarts += each.restarts
        total.healed += each.healed
        total.relapsed += each.relapsed
        total.failed += each.failed
        total.outages += each.outages
    return total


def _percent(share: float) -> str:
    """Return *share* in percent; what was down a little is never all."""
    if share == 1:
        return "100%"
    return f"{min(share * 100, 99.999):.3f}%"


def _brief(seconds: float) -> str:
    """Return a span of time for a column: 45s, 12m, 2h30m, 29d23h."""
    whole = round(seconds)
    if whole < 120:  # noqa: PLR2004 - two minutes
        return f"{whole}s" if whole or not seconds else "<1s"
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004 - two days
        return f"{hours}h{minutes:02}m"
    return f"{hours // 24}d{hours % 24:02}h"
