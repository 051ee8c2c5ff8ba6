"""Who is told what: which alerts each channel takes, and what no channel takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET, UnsetType

from watchdog.config.channel_tables import AlertmanagerTable, AppriseTable, WebhookTable
from watchdog.config.channels import each
from watchdog.config.problems import Path, Problems, did_you_mean, quoted
from watchdog.config.settings import (
    ChannelSettings,
    DeliverySettings,
    SlackBotSettings,
    WebhookSettings,
)
from watchdog.config.tables import ConfigFile, EmailTable, SlackTable
from watchdog.config.telling_tables import DeliveryTable
from watchdog.core.routing import Subscription, is_glob, matches, takes
from watchdog.core.severity import ALL, Severity

_ChannelTable = SlackTable | EmailTable | WebhookTable | AlertmanagerTable | AppriseTable

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Route:
    """What a channel takes, and where that is written."""

    takes: Subscription  # under the channel's name
    path: Path


def build_routes(
    tables: ConfigFile, services: Sequence[str], problems: Problems
) -> tuple[Route, ...]:
    """Return what each channel takes; note what is wrong with it, and who is told nothing."""
    routes = tuple(_routes(tables))
    for route in routes:
        _check_services(route, services, problems)
    _check_fallback(tables.delivery, routes, problems)
    if routes and not problems.touch(("delivery",)):
        _check_reach(routes, services, problems)
    return routes


def build_delivery(table: DeliveryTable) -> DeliverySettings:
    """Return the settings that *table*, which has been checked, describes."""
    canary = None
    if not isinstance(table.canary, UnsetType):
        hour, _, minute = table.canary.removeprefix("daily ").partition(":")
        canary = int(hour), int(minute)
    return DeliverySettings(_fallback(table), table.fallback_after, canary)


def subscriptions(
    routes: Sequence[Route], channels: Sequence[ChannelSettings]
) -> tuple[Subscription, ...]:
    """Return what each destination of *channels* takes: what its channel does."""
    taken = {route.takes.destination: route.takes for route in routes}
    return tuple(
        replace(
            taken[channel.name],
            destination=name,
            converses=isinstance(channel, SlackBotSettings),
            closes=isinstance(channel, SlackBotSettings | WebhookSettings),
        )
        for channel in channels
        for name in channel.destinations
    )


def _routes(tables: ConfigFile) -> Iterator[Route]:
    channels: list[tuple[_ChannelTable, Path]] = [
        *each(tables.slack, "slack"),
        *each(tables.email, "email"),
        *each(tables.webhook, "webhook"),
        *each(tables.alertmanager, "alertmanager"),
        *each(tables.apprise, "apprise"),
    ]
    for table, path in channels:
        stated = ALL if table.severities is UNSET else table.severities
        severities = frozenset(Severity(word) for word in stated if word)  # "": reported already
        services = () if table.services is UNSET else tuple(table.services)
        yield Route(Subscription(table.name, severities, services), path)


def _fallback(table: DeliveryTable) -> tuple[str, ...]:
    if isinstance(table.fallback, UnsetType):
        return ()
    return (table.fallback,) if isinstance(table.fallback, str) else tuple(table.fallback)


def _check_services(route: Route, services: Sequence[str], problems: Problems) -> None:
    for index, pattern in enumerate(route.takes.services):
        if not pattern or any(matches(pattern, service) for service in services):
            continue  # an empty one is reported where it was read
        path = (*route.path, "services", index)
        if is_glob(pattern):
            problems.remark(path, f"no service is called like {quoted(pattern)}")
        else:
            hint = did_you_mean(pattern, services) or "expected the name of a service, or a glob"
            problems.add(path, f"no service is called {quoted(pattern)}; {hint}")


def _check_fallback(table: DeliveryTable, routes: Sequence[Route], problems: Problems) -> None:
    names = [route.takes.destination for route in routes]
    fallback = _fallback(table)
    for index, name in enumerate(fallback):
        path: Path = ("delivery", "fallback")
        path = path if isinstance(table.fallback, str) else (*path, index)
        if name and name not in names:
            hint = did_you_mean(name, names) or "expected the name of a channel"
            problems.add(path, f"no channel is called {quoted(name)}; {hint}")
        elif name in fallback[:index]:
            problems.add(path, f"{quoted(name)} is there twice; expected it once")
    if fallback and not problems.touch(("delivery", "fallback")) and {*names} <= {*fallback}:
        problems.add(
            ("delivery", "fallback"),
            "every channel is a fallback; expected one at least that is not",
        )
    for route in routes:
        if not route.takes.severities and route.takes.destination not in fallback:
            problems.add(
                (*route.path, "severities"),
                "nothing goes there; expected one at least, or the channel as fallback in"
                " [delivery]",
            )


def _check_reach(routes: Sequence[Route], services: Sequence[str], problems: Problems) -> None:
    """Note the services of which nobody is told, and remark on what else nobody is told of."""
    if any(problems.touch(route.path) for route in routes):
        return  # what they take is not known
    every = [route.takes for route in routes]
    for index, service in enumerate(services):
        if service and not any(takes(each, Severity.CRITICAL, service) for each in every):
            problems.add(
                ("service", index),
                "nobody would be told that it fails: no channel takes its critical alerts;"
                " expected it among the services of one",
            )
    for matters in (Severity.WARNING, Severity.INFO):
        left = [name for name in services if not any(takes(each, matters, name) for each in every)]
        if left:
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            names = f"{', '.join(left[:_NAMED])}{more}"
            problems.remark((), f"no channel takes alerts of severity {matters} about {names}")
    if not any(takes(each, Severity.INFO, "") for each in every):
        problems.remark(
            (),
            "no channel takes alerts of severity info about the daemon itself, such as that"
            " services cannot be judged",
        )
