"""From the tables of Alertmanager to the settings of their channels."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from watchdog.config.channel_tables import AlertmanagerTable
from watchdog.config.channels import each
from watchdog.config.fetching import Secrets
from watchdog.config.kinds import check_receiver
from watchdog.config.problems import Path, Problems, quoted
from watchdog.config.reading import stated
from watchdog.config.settings import AlertmanagerSettings

OWN_LABELS = frozenset({"alertname", "service", "host", "severity", "check"})
"""What the channel itself says of an alert."""

_LOGIN = ("username", "password", "token")
_CHOICE = "expected either username and password, or token"


def build_alertmanagers(
    tables: AlertmanagerTable | list[AlertmanagerTable] | UnsetType, secrets: Secrets
) -> tuple[AlertmanagerSettings, ...]:
    """Return the clusters that *tables* describe; note what is wrong with them."""
    found = each(tables, "alertmanager")
    return tuple(_alertmanager(table, path, secrets) for table, path in found)


def _alertmanager(table: AlertmanagerTable, path: Path, secrets: Secrets) -> AlertmanagerSettings:
    problems = secrets.problems
    has_login = _check_login(table, path, problems)
    _check_urls(table, path, problems, has_login=has_login)
    for name in table.labels:
        if name in OWN_LABELS:
            problems.add((*path, "labels", name), "is the daemon's own to say; expected another")
    fetched = {
        name: secrets.fetch(value, (*path, name))
        for name in ("password", "token")
        if (value := getattr(table, name)) is not UNSET
    }
    return AlertmanagerSettings(
        urls=tuple(table.urls),
        name=table.name,
        username=None if table.username is UNSET else table.username,
        password=fetched.get("password"),
        token=fetched.get("token"),
        labels=tuple(sorted(table.labels.items())),
        generator_url=None if table.generator_url is UNSET else table.generator_url,
        resend=table.resend,
        timeout=table.timeout,
        insecure=table.insecure,
    )


def _check_login(table: AlertmanagerTable, path: Path, problems: Problems) -> bool:
    """Note a login that is none; tell whether there is one."""
    given = [key for key in _LOGIN if stated(table, key, path, problems)]
    if "token" in given:
        for key in given[:-1]:
            problems.add((*path, key), f"token is given as well; {_CHOICE}")
    elif len(given) == 1:
        other = "password" if given == ["username"] else "username"
        problems.add((*path, other), f"missing; expected {other} beside {given[0]}")
    if table.username is not UNSET and ":" in table.username:
        problems.add((*path, "username"), "has a colon; expected a name without one")
    return bool(given)


def _check_urls(
    table: AlertmanagerTable, path: Path, problems: Problems, *, has_login: bool
) -> None:
    seen: set[str] = set()
    for index, url in enumerate(table.urls):
        place = (*path, "urls", index)
        if not url or problems.touch(place):
            continue  # reported where it was read
        try:
            check_receiver(url, insecure=table.insecure, has_secrets=has_login)
        except ValueError as wrong:
            problems.add(place, str(wrong))
        if url.rstrip("/") in seen:
            problems.add(place, f"{quoted(url)} is there twice; expected it once")
        seen.add(url.rstrip("/"))
