"""A configuration in words: each value with the reason why it was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from watchdog.probes.text import clean
from watchdog.survey.health import Health
from watchdog.survey.reached import Way
from watchdog.survey.units import FoundUnit, as_text

_LOG_FILES = 8
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class FoundService:
    """A service as it was found."""

    name: str
    unit: FoundUnit
    host: str = "127.0.0.1"  # at which it is asked
    port: int | None = None
    also: tuple[int, ...] = ()  # other ports of it
    health: Health = field(default_factory=Health)
    way: Way | None = None


def names_of(units: Sequence[str]) -> list[str]:
    """Return a name for each unit, each another one: letters, digits, ``_ . -``."""
    taken: set[str] = set()
    names = []
    for unit in units:
        stem = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), unit.removesuffix(".service"))
        base = _NAME.sub("-", stem).strip("-.") or "service"
        name = next(
            each
            for each in (base, *(f"{base}-{number}" for number in range(2, len(units) + 2)))
            if each not in taken
        )
        taken.add(name)
        names.append(name)
    return names


def service_lines(found: FoundService) -> Iterator[str]:
    """Yield the tables of a service."""
    unit = found.unit
    yield "[[service]]"
    yield _why(f"Runs {unit.program or 'what its unit says'}; its unit is {unit.fragment or '?'}.")
    yield f"name = {as_text(found.name)}"
    yield f"unit = {as_text(unit.unit)}"
    yield from _port_lines(found)
    yield from _health_lines(found)
    yield from _way_lines(found)
    yield from _app_lines(found)


def _port_lines(found: FoundService) -> Iterator[str]:
    if found.port is None:
        yield _why("It listens on no TCP port: only the unit is watched.")
        return
    hosts = sorted({host for host, port in found.unit.sockets if port == found.port})
    whose = "systemd listens for it" if found.unit.by_systemd else "it listens"
    more = f" It also listens on {_list(found.also)}, which is not watched." if found.also else ""
    yield _why(f"Seen: {whose} on {' and '.join(hosts)}.{more}")
    if found.host == "127.0.0.1":
        yield f"port = {found.port}"
    else:
        yield f"port = {{ port = {found.port}, host = {as_text(found.host)} }}"


def _health_lines(found: FoundService) -> Iterator[str]:
    if found.port is None:
        return
    health = found.health
    host = f"[{found.host}]" if ":" in found.host else found.host
    if health.path:
        also = f"; so did {', '.join(health.others)}" if health.others else ""
        yield _why(f"GET {health.path} answered 2xx just now{also}.")
        if health.answers_all:
            yield _why("? It answers 2xx to any path: does another prove more?")
        yield f"health = {as_text(f'http://{host}:{found.port}{health.path}')}"
    elif health.speaks_http:
        yield _why(f"? It speaks HTTP, but none of the usual paths answered 2xx: {health.said}.")
        yield _why("Until you name one, the open port is all that is asked of it.")
        yield f"#health = {as_text(f'http://{host}:{found.port}/health')}"
    else:
        yield _why(f"No health: {health.said or 'it did not answer HTTP'}.")


def _way_lines(found: FoundService) -> Iterator[str]:
    way = found.way
    if way is None:
        return
    keys = [f"url = {as_text(way.url)}"]
    if way.host:
        keys.append(f"headers = {{ Host = {as_text(way.host)} }}")
    if way.tls:
        keys.append("verify_tls = false")
    if way.answered:
        yield _why("nginx passes this on to it, and it answered 2xx that way just now.")
    else:
        yield _why(f"? nginx should pass this on to it, but: {way.said}.")
    off = "" if way.answered else "#"
    yield f"{off}proxied = {{ {', '.join(keys)} }}"
    if way.external:
        yield _why("From nginx's server_name; it was not asked, for that goes out to the network.")
        yield f"{off}external = {as_text(way.external)}"
    else:
        yield _why("? nginx's site has no name of its own: how do its users reach it?")
        yield '#external = "https://api.example.com/health"'


def _app_lines(found: FoundService) -> Iterator[str]:
    unit = found.unit
    files = [
        ("env_file", next(iter(unit.env_files), ""), "EnvironmentFile= of the unit."),
        ("venv", unit.venv, "Its program is in this virtual environment."),
        ("requirements", unit.requirements, f"Found in {unit.directory}, where it runs."),
    ]
    known = [each for each in files if _is_path(each[1])]
    if known:
        yield ""
        yield "[service.app]"
    for key, value, why in known:
        yield _why(why)
        yield f"{key} = {as_text(value)}"
    logs = [each for each in unit.logs if _is_path(each)][:_LOG_FILES]
    if logs:
        yield ""
        yield "[service.evidence]"
        yield _why("Its unit sends its output there.")
        yield f"logs = [{', '.join(map(as_text, logs))}]"


def draft(services: Sequence[FoundService], host: str, day: str, notes: Sequence[str]) -> str:
    """Return the whole file."""
    lines = [
        _why(f"Written by `service-watchdog init` on {day}, from what ran on {host}."),
        "#",
        "# Each line says why it is there. A comment that begins with ? asks something. Every",
        "# other key has a default: docs/reference/configuration.md. After a change:",
        "# `service-watchdog config check`, then `systemctl reload service-watchdog`.",
    ]
    if not services:
        lines += [
            "#",
            "# Nothing was found to watch. This is an example: put in a service of yours.",
        ]
        lines += ["", *_EXAMPLE]
    for each in services:
        lines += ["", *service_lines(each)]
    if notes:
        lines += ["", "# Passed over:", *(f"{_why(note)}" for note in notes)]
    return "\n".join([*lines, "", *_CHANNELS, ""])


_EXAMPLE = (
    "[[service]]",
    "# What it is called everywhere.",
    'name = "my-app"',
    "# The systemd unit that keeps its process.",
    'unit = "my-app.service"',
    "# The TCP port that must be listening, by a process of that unit.",
    "port = 8000",
    "# What must answer 2xx.",
    'health = "http://127.0.0.1:8000/health"',
)
_CHANNELS = (
    "# Nobody is told of anything yet: switch one of these on. docs/how-to/slack.md, email.md",
    "#[slack]",
    '#token = { credential = "slack-token" }',
    '#channel = "#ops"',
    "",
    "#[[email]]",
    '#to = ["you@example.com"]',
    '#from = "watchdog@example.com"',
    '#host = "mail.example.com"',
)


def _why(text: str) -> str:
    return f"# {clean(text, 240)}"


def _is_path(text: str) -> bool:
    return re.fullmatch(r"/[^\x00-\x1f\x7f*?\[\]]*", text) is not None


def _list(ports: Sequence[int]) -> str:
    return " and ".join(map(str, ports))
