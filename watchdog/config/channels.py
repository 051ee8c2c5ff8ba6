"""From the tables of Slack and email to the settings of their channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from msgspec import UNSET, UnsetType

from watchdog.config.fetching import Secrets
from watchdog.config.kinds import check_webhook, is_loopback
from watchdog.config.problems import Path, Problems, quoted
from watchdog.config.reading import stated
from watchdog.config.settings import (
    EmailSettings,
    SlackBotSettings,
    SlackSettings,
    SlackWebhookSettings,
)
from watchdog.config.table import Table
from watchdog.config.tables import ConfigFile, EmailTable, SlackTable

T = TypeVar("T", bound=Table)

_SLACK_KEYS = ("token", "channel", "webhook")
_SLACK_CHOICE = "expected either token and channel, or webhook"
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def build_slack(
    tables: SlackTable | list[SlackTable] | UnsetType, secrets: Secrets
) -> tuple[SlackSettings, ...]:
    """Return the Slack channels that *tables* describe; note what is wrong with them."""
    channels = [_slack(table, path, secrets) for table, path in each(tables, "slack")]
    return tuple(channel for channel in channels if channel is not None)


def build_email(
    tables: EmailTable | list[EmailTable] | UnsetType, secrets: Secrets
) -> tuple[EmailSettings, ...]:
    """Return the email channels that *tables* describe; note what is wrong with them."""
    return tuple(_email(table, path, secrets) for table, path in each(tables, "email"))


def check_names(tables: ConfigFile, problems: Problems) -> None:
    """Note channels of the same name: their deliveries could not be told apart."""
    seen: set[str] = set()
    names = [
        *((table.name, path) for table, path in each(tables.slack, "slack")),
        *((table.name, path) for table, path in each(tables.email, "email")),
        *((table.name, path) for table, path in each(tables.webhook, "webhook")),
        *((table.name, path) for table, path in each(tables.alertmanager, "alertmanager")),
        *((table.name, path) for table, path in each(tables.apprise, "apprise")),
    ]
    for name, path in names:
        if name in seen:
            problems.add(
                (*path, "name"),
                f"{quoted(name)} is the name of a channel already;"
                f' expected another such as "{name}-2"',
            )
        seen.add(name)


def each(tables: T | list[T] | UnsetType, key: str) -> Sequence[tuple[T, Path]]:
    """Return each of *tables*, which stand at *key*, with its path."""
    if isinstance(tables, UnsetType):
        return ()
    if isinstance(tables, list):
        return [(table, (key, index)) for index, table in enumerate(tables)]
    return [(tables, (key,))]


def _check_token(token: str) -> None:
    if not re.fullmatch(r"xox[a-z.]+-\S+", token):
        raise ValueError("the token is not one of Slack's; expected a bot token (xoxb-…)")


def _check_app_token(token: str) -> None:
    if not re.fullmatch(r"xapp-\S+", token):
        raise ValueError("the token is no app-level token; expected xapp-…")


def _check_buttons(table: SlackTable, path: Path, problems: Problems) -> None:
    """Note what buttons lack."""
    given = [key for key in ("app_token", "users") if stated(table, key, path, problems)]
    if table.webhook is not UNSET:
        for key in given:
            problems.add(
                (*path, key), "webhook is given, which knows no buttons; expected token and channel"
            )
    elif given == ["app_token"]:
        problems.add((*path, "users"), "missing; expected users beside app_token: who may press")
    elif given == ["users"]:
        problems.add((*path, "app_token"), "missing; expected app_token beside users")


def _slack(table: SlackTable, path: Path, secrets: Secrets) -> SlackSettings | None:
    problems = secrets.problems
    given = [key for key in _SLACK_KEYS if stated(table, key, path, problems)]
    if not given:
        problems.add(path, f"says nothing; {_SLACK_CHOICE}")
    elif "webhook" in given:
        for key in given[:-1]:
            problems.add((*path, key), f"webhook is given as well; {_SLACK_CHOICE}")
    else:
        for key in {"token", "channel"} - {*given}:
            problems.add((*path, key), f"missing; expected {key} beside {given[0]}")
    _check_buttons(table, path, problems)
    if table.webhook is not UNSET:
        webhook = secrets.fetch(table.webhook, (*path, "webhook"), check_webhook)
        return SlackWebhookSettings(webhook, table.name, table.timeout) if webhook else None
    token = None
    if table.token is not UNSET:
        token = secrets.fetch(table.token, (*path, "token"), _check_token)
    if token is None or table.channel is UNSET:
        return None
    api_url = table.api_url if table.api_url.endswith("/") else f"{table.api_url}/"
    app_token = None
    if table.app_token is not UNSET:
        app_token = secrets.fetch(table.app_token, (*path, "app_token"), _check_app_token)
    users = () if table.users is UNSET else tuple(table.users)
    return SlackBotSettings(
        token, table.channel, table.name, api_url, table.timeout, app_token, users
    )


def _email(table: EmailTable, path: Path, secrets: Secrets) -> EmailSettings:
    problems = secrets.problems
    local = is_loopback(table.host)
    if table.tls == "none" and not local and not problems.touch((*path, "host")):
        if not table.insecure:
            problems.add(
                (*path, "tls"),
                f"alerts would travel to {table.host} in the clear;"
                ' expected "starttls" or "tls", or insecure = true beside it',
            )
        if table.password is not UNSET:
            problems.add(
                (*path, "password"),
                'the password would travel in the clear; expected tls = "starttls" or "tls"',
            )
    given = {key: getattr(table, key) is not UNSET for key in ("username", "password")}
    for key, other in (("username", "password"), ("password", "username")):
        if given[other] and not given[key] and not problems.touch((*path, key)):
            problems.add((*path, key), f"missing; expected {key} beside {other}")
    seen: set[str] = set()
    for index, address in enumerate(table.to):
        if address and address.lower() in seen:
            problems.add(
                (*path, "to", index), f"{quoted(address)} is there twice; expected it once"
            )
        seen.add(address.lower())
    password = None
    if table.password is not UNSET:
        password = secrets.fetch(table.password, (*path, "password"))
    return EmailSettings(
        to=tuple(table.to),
        sender=table.sender,
        host=table.host,
        port=_PORTS[table.tls] if table.port is UNSET else table.port,
        tls=table.tls,
        username=None if table.username is UNSET else table.username,
        password=password,
        name=table.name,
        ca_file=None if table.ca_file is UNSET else table.ca_file,
        timeout=table.timeout,
        insecure=table.insecure,
    )
