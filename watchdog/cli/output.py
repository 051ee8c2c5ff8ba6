"""How answers look: tables for people, JSON for programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from watchdog.cli.terminal import has_signs, painted
from watchdog.core.spans import span

_COLOURS = {0: "32", 1: "31", 3: "35", 4: "33"}  # by exit code: green, red, magenta, yellow
_WARNING = 4  # yellow
_MARKS = {"pass": "✓", "fail": "✗", "hold": "…", "unknown": "?"}


def print_json(answer: Any) -> None:
    """Print *answer* as indented JSON."""
    print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def print_status(answer: dict[str, Any]) -> None:
    """Print services, channels that have something to say, and the daemon's own troubles."""
    print_services(answer["services"])
    for channel in answer["channels"]:
        if channel["pending"] or channel["dead"] or channel["last_error"]:
            print(f"{channel['name']}: {_channel(channel)}")
        if channel["buttons"] and channel["buttons"]["reason"]:
            print(f"{channel['name']}: {_buttons(channel['buttons'])}")
    print_warnings(answer["daemon"]["host"], answer["daemon"]["warnings"])
    for sentence in answer["daemon"]["trouble"]:
        print(coloured(f"! {sentence}", 1))


def print_services(services: Sequence[dict[str, Any]]) -> None:
    """Print a table, one service a row, and below it why each troubled one is."""
    rows = [
        (
            service["name"],
            service["phase"],
            span(service["for"]) if service["for"] is not None else "",
            " ".join(
                f"{check['check']} {mark(check['verdict'])} {milliseconds(check['ms']):>4} ms"
                for check in service["checks"]
            ),
            f"{service['failures']}/{service['max_failures']}",
            str(service["restarts_left"]),
            _incident(service["incident"]),
        )
        for service in services
    ]
    heads = ("SERVICE", "PHASE", "FOR", "CHECKS", "FAILURES", "RESTARTS LEFT", "INCIDENT")
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    print(table_row(heads, widths))
    for row, service in zip(rows, services, strict=True):
        print(coloured(table_row(row, widths), service["code"]))
    for service in services:
        if service["reason"]:
            print(f"{service['name']}: {service['reason']}")
        print_remarks(service)


def print_remarks(service: dict[str, Any]) -> None:
    """Print what there is to say of a service besides how it stands."""
    if service["maintenance"]:
        print(f"{service['name']}: {_maintenance(service['maintenance'])}")
    if service["silence"]:
        print(f"{service['name']}: {_asked_for('silenced', service['silence'])}")
    if who := _acknowledged(service):
        print(f"{service['name']}: {who}")
    print_limits(service)
    print_warnings(service["name"], service["warnings"])


def print_limits(service: dict[str, Any]) -> None:
    """Print what its limits are held against, or that one of them cannot be measured."""
    for check in service["checks"]:
        if check["check"] == "limits":
            print(f"{service['name']}: limits: {check['reason']}")


def print_warnings(name: str, warnings: Sequence[dict[str, Any]]) -> None:
    """Print the warnings that stand."""
    for warning in warnings:
        since = f"since {stamp(warning['since'])}"
        print(coloured(f"{name}: warning: {warning['words']} ({since})", _WARNING))


def print_service(service: dict[str, Any], more: str = "") -> None:
    """Print one service in a sentence."""
    words = [f"{service['name']} is {service['phase']}", *([more] if more else [])]
    if service["maintenance"]:
        words.append(_maintenance(service["maintenance"]))
    elif service["reason"]:
        words.append(service["reason"])
    if service["silence"]:
        words.append(_asked_for("silenced", service["silence"]))
    if who := _acknowledged(service):
        words.append(who)
    print(coloured(": ".join(words), service["code"]))


def _incident(incident: dict[str, Any] | None) -> str:
    """Name an incident in a table."""
    if incident is None:
        return ""
    return f"{incident['id']} (flapping)" if incident["flapping"] else str(incident["id"])


def table_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of a table."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _channel(channel: dict[str, Any]) -> str:
    words = []
    if channel["pending"]:
        words.append(f"{channel['pending']} alerts waiting")
    if channel["dead"]:
        words.append(f"{channel['dead']} alerts rejected for good")
    if channel["last_error"]:
        words.append(channel["words"])
    return ", ".join(words)


def _buttons(buttons: dict[str, Any]) -> str:
    """Say how the connection that brings presses stands."""
    state = "connected" if buttons["connected"] else "not connected"
    return f"buttons: {state} since {stamp(buttons['since'])}, {buttons['reason']}"


def _asked_for(what: str, by: dict[str, Any]) -> str:
    return f"{what} by {by['owner']} for {span(by['ends_in'])} more: {by['reason']}"


def _maintenance(by: dict[str, Any]) -> str:
    """Say who holds it: a person, or a deploy that may lie over a person's."""
    if not by.get("deploy"):
        return _asked_for("paused", by)
    held = f"being deployed by {by['owner']}, for {span(by['ends_in'])} more at most"
    return f"{held}; {_asked_for('paused', by['under'])}" if by["under"] else held


def _acknowledged(service: dict[str, Any]) -> str:
    """Return who has seen the open incident; empty if nobody has, or there is none."""
    incident = service["incident"]
    if not (incident and incident["acknowledged"]):
        return ""
    return f"incident {incident['id']} acknowledged by {', '.join(incident['acknowledged'])}"


def milliseconds(value: float) -> str:
    """Return a time in at most four characters, so that columns stand still."""
    if 0 < value < 10:  # noqa: PLR2004 - four characters
        return f"{value:.2f}" if value < 1 else f"{value:.1f}"
    return f"{value:.0f}"


def marked(check: str, verdict: str) -> str:
    """Return a check with the mark of its answer."""
    return f"{check} {mark(verdict)}"


def mark(verdict: str) -> str:
    """Return the sign of a verdict, or the word where the terminal has no such letters."""
    return _MARKS[verdict] if has_signs() else verdict


def coloured(text: str, code: int) -> str:
    """Return *text* in the colour of an exit code."""
    return painted(text, _COLOURS[code])


def stamp(wall: float) -> str:
    """Return a point in time, in the time zone of whoever asks."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
