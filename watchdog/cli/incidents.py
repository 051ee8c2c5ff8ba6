"""``incidents``: what was, and all that is known of it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from watchdog.cli.ledger import add_history_option, add_time_options, ask_ledger, since
from watchdog.cli.options import Commands, add_client_options
from watchdog.cli.output import print_json, stamp
from watchdog.core.excerpt import is_title
from watchdog.core.spans import span
from watchdog.errors import ConfigError

_MOST = 1000

_RESTARTS = {
    "": "under way",
    "done": "the service was started",
    "failed": "failed",
    "yielded": "gave way to another job",
    "impossible": "impossible",
    "superseded": "its end is not known",
}


def add_commands(commands: Commands) -> None:
    """Add the command."""
    text = "list incidents, or tell one in full"
    incidents = commands.add_parser("incidents", help=text, description=text)
    incidents.add_argument(
        "id", nargs="?", default="", help="the id that alerts carry, or how it begins"
    )
    incidents.add_argument("--service", metavar="NAME", default="", help="only of this service")
    add_time_options(incidents, None)
    incidents.add_argument(
        "--limit", metavar="N", type=int, default=20, help="how many (default: %(default)s)"
    )
    add_history_option(incidents)
    add_client_options(incidents)
    incidents.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.id:
        answer = ask_ledger(options, id=options.id)
    else:
        if not 1 <= options.limit <= _MOST:
            raise ConfigError((f"cannot list {options.limit} incidents; expected 1 to {_MOST}",))
        begins = since(options)
        answer = ask_ledger(options, limit=options.limit, service=options.service, since=begins)
    if options.json:
        print_json(answer)
    elif options.id:
        print_story(answer["incident"])
    else:
        print_incidents(answer["incidents"], options.service)
    return 0


def print_incidents(incidents: Sequence[dict[str, Any]], service: str = "") -> None:
    """Print incidents, one a line, the newest first."""
    if not incidents:
        print(f"no incidents of {service} on record" if service else "no incidents on record")
    for incident in incidents:
        print(_line(incident))


def print_story(incident: dict[str, Any]) -> None:
    """Print an incident in full: how it ended, its timeline, who was told, its evidence."""
    print(_line(incident, incident["lasted"]))
    if incident["closed"] is None:
        print(f"it is open, for {span(time.time() - incident['opened'])} now")
    else:
        print(f"it ended {stamp(incident['closed'])}: {incident['ending'] or 'how, is not known'}")
    print("timeline:")
    for wall, text in timeline(incident):
        print(f"  {stamp(wall)}  {text}")
    _print_told(incident)
    if incident["evidence"]:
        print("evidence:")
        for line in incident["evidence"]:
            print(f"  {line}" if is_title(line) else f"    {line}")


def _line(incident: dict[str, Any], lasted: float | None = None) -> str:
    state = "open"
    if incident["closed"] is not None:
        took = max(0.0, incident["closed"] - incident["opened"]) if lasted is None else lasted
        state = f"closed after {span(took)}"
    elif incident["acknowledged"]:
        state = f"open, acknowledged {incident['acknowledged']}"
    return (
        f"{incident['id']}  {stamp(incident['opened'])}  {incident['service']}  {state}  "
        f"{incident['check']}: {incident['reason']}"
    )


def timeline(incident: dict[str, Any]) -> Sequence[tuple[float, str]]:
    """Return what happened (wall), oldest first; of one moment the end of a restart comes first."""
    ended = [restart for restart in incident["restarts"] if restart["finished"] is not None]
    failed = {restart["finished"] for restart in ended}
    events = [
        (restart["finished"], restart["finished"] == restart["wall"], _end_of(restart))
        for restart in ended
    ]
    events += [
        (note["wall"], False, f"{note['kind']}: {note['text']}")
        for note in incident["notes"]
        if note["kind"] != "restart-failed" or note["wall"] not in failed  # told with its end
    ]
    events += [
        (wall, True, f"told: {kind} to {', '.join(destinations)}")
        for wall, kind, destinations in _said(incident["alerts"])
    ]
    # Sorting keeps the order of what is of one moment, which is that of the ledger.
    return [(wall, text) for wall, _, text in sorted(events, key=lambda event: event[:2])]


def _end_of(restart: dict[str, Any]) -> str:
    took = span(max(0.0, restart["finished"] - restart["wall"]))
    number = f" {restart['number']}" if restart["number"] else ""
    why = f": {restart['result']}" if restart["result"] else ""
    return f"restarted: restart{number} took {took}, {_RESTARTS[restart['outcome']]}{why}"


def _said(alerts: Sequence[dict[str, Any]]) -> Sequence[tuple[float, str, Sequence[str]]]:
    """Return which alerts arrived, together if they did within a second."""
    said: dict[tuple[int, str], tuple[float, list[str]]] = {}
    for alert in alerts:
        if alert["status"] == "sent" and alert["ended"] is not None:
            at = alert["ended"]
            _, names = said.setdefault((int(at), alert["kind"]), (at, []))
            names.append(alert["destination"])
    return [(at, kind, names) for (_, kind), (at, names) in said.items()]


def _print_told(incident: dict[str, Any]) -> None:
    """Print which alerts have not arrived, and why; and that nobody was told at all."""
    for alert in incident["alerts"]:
        tries = f"after {alert['attempts']} attempts" if alert["attempts"] > 1 else ""
        words = {"dead": "refused for good", "pending": "it is still due"}.get(alert["status"])
        if words is not None:
            why = ": ".join(filter(None, [words, tries, alert["error"]]))
            print(f"not told: {alert['kind']} to {alert['destination']}: {why}")
    if not incident["alerts"]:
        hushed = any(note["kind"] == "silenced" for note in incident["notes"])
        why = "it was silenced" if hushed else "no alert of it is on record (kept for 30 days)"
        print(f"nobody was told: {why}")
