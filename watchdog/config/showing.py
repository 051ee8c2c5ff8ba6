"""The effective configuration as TOML: every default filled in, every secret masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import msgspec

from watchdog.config.amounts import format_share, format_size
from watchdog.config.conditions import format_condition
from watchdog.config.durations import format_duration, parse_duration
from watchdog.config.secret import MASK, HiddenText, Secret
from watchdog.config.settings import (
    AlertmanagerSettings,
    AppriseSettings,
    Config,
    DeliverySettings,
    Deployment,
    EmailSettings,
    HeartbeatSettings,
    SlackSettings,
    SlackWebhookSettings,
    WebhookSettings,
    WebSettings,
)
from watchdog.config.warnings import shown
from watchdog.core.routing import Subscription
from watchdog.core.service import (
    CommandControl,
    HttpCheck,
    PortCheck,
    ProcessControl,
    Service,
    UnitControl,
)
from watchdog.core.severity import Severity
from watchdog.core.thresholds import HostWarnings, Limits, Warnings

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def show(config: Config) -> str:
    """Return *config* as the TOML text that would mean the same, save for inline secrets."""
    lines = []
    for name, content in effective(config).items():
        for table in content if isinstance(content, list) else [content]:
            lines.append(f"[[{name}]]" if isinstance(content, list) else f"[{name}]")
            lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
            lines.append("")
    return "\n".join(lines)


def effective(config: Config) -> dict[str, Any]:
    """Return *config* as plain values, in the shape of the file."""
    daemon = {field.name: getattr(config.daemon, field.name) for field in fields(config.daemon)}
    if not config.daemon.timezone:
        del daemon["timezone"]
    document: dict[str, Any] = {
        "daemon": daemon,
        "evidence": {"redact_emails": config.redact_emails},
        "warnings": _amounts(config.warnings),
        "service": [
            _service(service) | _deployment(config.deployments.get(service.name))
            for service in config.services
        ],
    }
    channels = {
        "slack": [_slack(channel) for channel in config.slack],
        "email": [_email(channel) for channel in config.email],
        "webhook": [_webhook(channel) for channel in config.webhook],
        "alertmanager": [_alertmanager(channel) for channel in config.alertmanager],
        "apprise": [_apprise(channel) for channel in config.apprise],
    }
    taken = {each.destination.partition(":")[0]: each for each in config.subscriptions}
    for name, tables in channels.items():
        if tables:
            document[name] = [table | _taken(taken[table["name"]]) for table in tables]
    document["delivery"] = _delivery(config.delivery)
    if config.heartbeat is not None:
        document["heartbeat"] = _heartbeat(config.heartbeat)
    if config.web is not None:
        document["web"] = _web(config.web)
    return document


def _taken(subscription: Subscription) -> dict[str, Any]:
    """Return what a channel takes; all services are those that no key names."""
    severities = [matters for matters in Severity if matters in subscription.severities]
    named = {"services": subscription.services} if subscription.services else {}
    return {"severities": severities, **named}


def _delivery(delivery: DeliverySettings) -> dict[str, Any]:
    table: dict[str, Any] = {"fallback_after": _duration(delivery.fallback_after)}
    if delivery.fallback:
        table = {"fallback": delivery.fallback, **table}
    if delivery.canary is not None:
        table["canary"] = "daily {:02}:{:02}".format(*delivery.canary)
    return table


def _heartbeat(heartbeat: HeartbeatSettings) -> dict[str, Any]:
    return {
        "url": _masked(heartbeat.url),
        "interval": _duration(heartbeat.interval),
        "insecure": heartbeat.insecure,
        "timeout": _duration(heartbeat.timeout),
    }


def _web(web: WebSettings) -> dict[str, Any]:
    host = f"[{web.host}]" if ":" in web.host else web.host
    table: dict[str, Any] = {"listen": f"unix:{web.path}" if web.path else f"{host}:{web.port}"}
    tokens = {"token": web.token, "read_token": web.read_token}
    table |= {name: _masked(token) for name, token in tokens.items() if token is not None}
    files = {"certificate": web.certificate, "key_file": web.key_file}
    table |= {name: path for name, path in files.items() if path is not None}
    return {**table, "names": web.names, "insecure": web.insecure}


def _service(service: Service) -> dict[str, Any]:
    table: dict[str, Any] = {"name": service.name}
    match service.control:
        case UnitControl(unit):
            table["unit"] = unit
        case ProcessControl(command, directory, environment, stop_timeout):
            table["command"] = command
            if directory is not None:
                table["directory"] = directory
            table["environment"] = {name: _masked(value) for name, value in environment}
            table["stop_timeout"] = _duration(stop_timeout)
        case CommandControl(start, stop, status, timeout):
            commands = {"start": start, "stop": stop, "status": status}
            table["control"] = {**commands, "timeout": _duration(timeout)}
    for check in service.checks:
        if isinstance(check, PortCheck):
            table["port"] = {
                "port": check.port,
                "host": check.host,
                "any_owner": check.any_owner,
                "timeout": _duration(check.timeout),
            }
        else:
            table["health"] = _health(check)
    table["depends_on"] = service.depends_on
    table["evidence"] = {"logs": service.evidence.logs, "commands": service.evidence.commands}
    if service.limits:
        table["limits"] = _amounts(service.limits)
    for field in fields(service.policy):
        value = getattr(service.policy, field.name)
        table[field.name] = _duration(value) if isinstance(value, float) else value
    table["warnings"] = _amounts(service.policy.warnings)
    return table


def _deployment(said: Deployment | None) -> dict[str, Any]:
    if said is None:
        return {}
    reached = {"proxied": said.proxied, "external": said.external}
    table: dict[str, Any] = {name: _health(check) for name, check in reached.items() if check}
    commands = {name: getattr(said, name) for name in ("before", "after", "rollback")}
    files = {name: getattr(said, name) for name in ("env_file", "venv", "requirements")}
    table["nginx"] = said.nginx
    table["deploy"] = {**commands, "timeout": _duration(said.timeout)}
    table["app"] = {
        **{name: path for name, path in files.items() if path is not None},
        "env_keys": said.env_keys,
    }
    return table


def _amounts(values: Warnings | HostWarnings | Limits) -> dict[str, Any]:
    """Return *values* as the file has them: each key with the form of its kind."""
    forms: dict[str, Callable[[Any], Any]] = {
        "every": _duration,
        "healed_window": _duration,
        "certificate": lambda lefts: [_duration(left) for left in lefts],
        "cpu": format_share,
        "memory": format_size if isinstance(values, Limits) else _whole,
        "disk_used": _whole,
        "inodes_used": _whole,
    }
    return {name: forms.get(name, lambda it: it)(value) for name, value in shown(values).items()}


def _whole(percents: Iterable[float]) -> list[int]:
    return [int(percent) for percent in percents]


def _health(check: HttpCheck) -> dict[str, Any]:
    table: dict[str, Any] = {"url": check.url, "timeout": _duration(check.timeout)}
    if check.status:
        table["status"] = check.status
    if check.max_latency is not None:
        table["max_latency"] = _duration(check.max_latency)
    table["expect"] = [format_condition(condition) for condition in check.expect]
    table["headers"] = {name: _masked(value) for name, value in check.headers}
    table["verify_tls"] = check.verify_tls
    return table


def _slack(channel: SlackSettings) -> dict[str, Any]:
    timeout = _duration(channel.timeout)
    if isinstance(channel, SlackWebhookSettings):
        return {"name": channel.name, "webhook": _masked(channel.webhook), "timeout": timeout}
    table = {
        "name": channel.name,
        "token": _masked(channel.token),
        "channel": channel.channel,
        "api_url": channel.api_url,
        "timeout": timeout,
    }
    if channel.app_token is not None:
        table |= {"app_token": _masked(channel.app_token), "users": channel.users}
    return table


def _email(channel: EmailSettings) -> dict[str, Any]:
    table = {
        "name": channel.name,
        "to": channel.to,
        "from": channel.sender,
        "host": channel.host,
        "port": channel.port,
        "tls": channel.tls,
        "insecure": channel.insecure,
        "timeout": _duration(channel.timeout),
    }
    if channel.username is not None and channel.password is not None:
        table |= {"username": channel.username, "password": _masked(channel.password)}
    if channel.ca_file is not None:
        table["ca_file"] = channel.ca_file
    return table


def _webhook(channel: WebhookSettings) -> dict[str, Any]:
    table = {
        "name": channel.name,
        "url": _masked(channel.url),
        "headers": {name: _masked(value) for name, value in channel.headers},
        "insecure": channel.insecure,
        "timeout": _duration(channel.timeout),
    }
    if channel.secret is not None:
        table["secret"] = _masked(channel.secret)
    return table


def _alertmanager(channel: AlertmanagerSettings) -> dict[str, Any]:
    table = {
        "name": channel.name,
        "urls": channel.urls,
        "username": channel.username,
        "password": _masked(channel.password),
        "token": _masked(channel.token),
        "labels": dict(channel.labels),
        "generator_url": channel.generator_url,
        "resend": _duration(channel.resend),
        "insecure": channel.insecure,
        "timeout": _duration(channel.timeout),
    }
    return {name: value for name, value in table.items() if value is not None}


def _apprise(channel: AppriseSettings) -> dict[str, Any]:
    return {
        "name": channel.name,
        "urls": [_masked(url) for url in channel.urls],
        "timeout": _duration(channel.timeout),
    }


def _masked(value: str | Secret | None) -> Any:
    """Return where a secret comes from, or the mask; plain text stays."""
    if not isinstance(value, Secret | HiddenText):
        return value
    return dict([value.origin]) if value.origin else MASK


def _duration(seconds: float) -> str | float:
    text = format_duration(seconds)
    return text if parse_duration(text) == seconds else seconds


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {_value(part)}" for key, part in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # JSON's text and numbers are TOML's too, but for one character.
    return msgspec.json.encode(value).decode().replace("\x7f", r"\u007f")
