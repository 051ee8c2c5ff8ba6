"""From a path to a validated configuration, or to everything that is wrong with it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import UNSET

from watchdog import places
from watchdog.config.apprise_urls import build_apprise
from watchdog.config.beating import build_heartbeat
from watchdog.config.channels import build_email, build_slack, check_names
from watchdog.config.cluster import build_alertmanagers
from watchdog.config.fetching import Secrets
from watchdog.config.hooks import build_webhooks
from watchdog.config.problems import Problems
from watchdog.config.reading import read_table
from watchdog.config.relations import check_relations
from watchdog.config.routes import build_delivery, build_routes, subscriptions
from watchdog.config.services import ServiceBuilder
from watchdog.config.settings import Config, DaemonSettings
from watchdog.config.tables import ConfigFile, DaemonTable
from watchdog.config.warnings import host_warnings_of
from watchdog.config.web import build_web
from watchdog.core.service import (
    Policy,
    Service,
)
from watchdog.errors import ConfigError

_LONGEST = 4 << 20  # bytes; ten thousand services need less
_SYNTAX = {
    "Invalid value": "expected text in quotes, a number, true, false, an [array] or a { table }",
    "Illegal character '\\n'": "the line ends within quotes; expected the closing ones",
    "Cannot overwrite a value": "the key is there twice; expected it once",
    "Cannot declare": "the table is there twice; expected it once, or [[brackets]] for several",
}
"""What tomllib says, and what a person makes of it; the rest is passed on."""
_ENDLESS = "what begins here has no end; expected the closing bracket or quotes"
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HUGE = re.compile(r"[0-9][0-9_]{4299,}")  # Python converts no more digits


def load(
    path: str | os.PathLike[str],
    environ: Mapping[str, str] = os.environ,
    *,
    for_daemon: bool = True,
) -> Config:
    """Return the configuration in the file at *path*.

    *environ* gives secrets, credentials and the directories that systemd made. A person who asks
    has not got the daemon's credentials: unless *for_daemon*, those that are not there are no
    problem but listed in ``unchecked``. Raises ConfigError with everything that is wrong.
    """
    file = os.fspath(path)
    text, mode = _read(file)
    content = _parse(file, text)
    problems = Problems(file, text)
    tables = read_table(ConfigFile, content, (), problems)
    secrets = Secrets(problems, file, mode, environ, for_daemon)
    builders = [
        ServiceBuilder(table, tables.defaults, ("service", index), secrets)
        for index, table in enumerate(tables.service)
    ]
    services = _with_shared_policies(builder.build() for builder in builders)
    reached = (
        (builder.deployment(), service) for builder, service in zip(builders, services, strict=True)
    )
    deployments = {service.name: said for said, service in reached if said is not None}
    check_relations(services, problems)
    check_names(tables, problems)
    slack = build_slack(tables.slack, secrets)
    email = build_email(tables.email, secrets)
    webhook = build_webhooks(tables.webhook, secrets)
    alertmanager = build_alertmanagers(tables.alertmanager, secrets)
    apprise = build_apprise(tables.apprise, secrets)
    warnings = host_warnings_of(tables.warnings, problems)
    routes = build_routes(tables, [service.name for service in services], problems)
    heartbeat = build_heartbeat(tables.heartbeat, secrets)
    web = build_web(tables.web, secrets)
    problems.raise_if_any()
    channels = (*slack, *email, *webhook, *alertmanager, *apprise)
    return Config(
        file,
        _daemon(tables.daemon, environ),
        services,
        deployments=deployments,
        slack=slack,
        email=email,
        webhook=webhook,
        alertmanager=alertmanager,
        apprise=apprise,
        subscriptions=subscriptions(routes, channels),
        delivery=build_delivery(tables.delivery),
        heartbeat=heartbeat,
        web=web,
        redact_emails=tables.evidence.redact_emails,
        warnings=warnings,
        unchecked=tuple(secrets.unchecked),
        variables=frozenset(secrets.variables),
        remarks=() if for_daemon else problems.remarks(),
    )


def _with_shared_policies(services: Iterable[Service]) -> tuple[Service, ...]:
    """Return *services*, equal policies being one object: a thousand services have but a few."""
    known: dict[str, Policy] = {}
    return tuple(
        replace(service, policy=known.setdefault(repr(service.policy), service.policy))
        for service in services
    )


def _read(file: str) -> tuple[str, int]:
    """Return the text and the mode of *file*."""
    try:
        with Path(file).open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(_LONGEST + 1)
    except IsADirectoryError:
        raise _unreadable(file, "it is a directory; expected a TOML file") from None
    except FileNotFoundError:
        raise _unreadable(file, "there is no such file; expected a TOML file") from None
    except PermissionError:
        raise _unreadable(file, "no permission; run as root or as the daemon's user") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(file, f"{reason}; expected a TOML file") from None
    if len(content) > _LONGEST:
        raise _unreadable(file, f"it is larger than {_LONGEST >> 20} MiB; expected a TOML file")
    try:
        return content.decode("utf-8-sig"), mode
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        wrong = content[error.start]
        raise ConfigError(
            (f"{file}:{line}: not UTF-8 (byte 0x{wrong:02x}); expected the file saved as UTF-8",)
        ) from None


def _unreadable(file: str, reason: str) -> ConfigError:
    return ConfigError((f"{file}: cannot read: {reason}",))


def _parse(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError((f"{file}:1: not valid TOML: brackets are nested too deeply",)) from None
    except ValueError as error:
        # Not only TOMLDecodeError: a number with thousands of digits is a plain ValueError.
        raise ConfigError((_syntax_problem(file, text, str(error)),)) from None


def _syntax_problem(file: str, text: str, reason: str) -> str:
    place = _PLACE.search(reason)
    if place is None:
        huge = _HUGE.search(text)
        line = text.count("\n", 0, huge.start()) + 1 if huge else 1
        return f"{file}:{line}: not valid TOML: a number has too many digits"
    if place[1] is None:
        from watchdog.config.lines import unfinished  # noqa: PLC0415 - the daemon never needs it

        return f"{file}:{unfinished(text)}: not valid TOML: {_ENDLESS}"
    said = reason[: place.start()]
    words = next((words for start, words in _SYNTAX.items() if said.startswith(start)), said)
    return f"{file}:{place[1]}: not valid TOML at column {place[2]}: {words}"


def _daemon(table: DaemonTable, environ: Mapping[str, str]) -> DaemonSettings:
    def directory(stated: Any, variable: str, otherwise: str) -> str:
        # systemd joins several directories with colons; the first is ours.
        given = environ.get(variable, "").split(":")[0]
        return (given or otherwise) if stated is UNSET else stated

    return DaemonSettings(
        state_dir=directory(table.state_dir, "STATE_DIRECTORY", str(places.STATE_DIR)),
        runtime_dir=directory(table.runtime_dir, "RUNTIME_DIRECTORY", str(places.RUNTIME_DIR)),
        log=table.log,
        host=os.uname().nodename if table.host is UNSET else table.host,
        timezone="" if table.timezone is UNSET else table.timezone,
        language=table.language,
    )
