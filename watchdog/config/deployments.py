"""From a service's tables to what deploy, verify and doctor need to know besides."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET, UnsetType

from watchdog.config.deploy_tables import AppTable, DeployTable
from watchdog.config.problems import Path, Problems
from watchdog.config.service_tables import HealthTable, ServiceTable
from watchdog.config.settings import NGINX, Deployment
from watchdog.config.units import service_unit
from watchdog.core.service import HttpCheck


def deployment_of(
    table: ServiceTable,
    path: Path,
    problems: Problems,
    http: Callable[[HealthTable, str], HttpCheck],
) -> Deployment | None:
    """Return what *table*, standing at *path*, says of it; None if it says nothing.

    *http* builds the check of a key.
    """
    if table.deploy == DeployTable() and table.app == AppTable() and not _is_reached(table):
        return None
    for name in ("before", "after", "rollback"):
        for index, command in enumerate(getattr(table.deploy, name)):
            place = (*path, "deploy", name, index)
            if command and not command[0] and not problems.touch((*place, 0)):
                problems.add((*place, 0), "empty; expected the program to run")
    return Deployment(
        proxied=_check(table.proxied, "proxied", http),
        external=_check(table.external, "external", http),
        nginx=NGINX if table.nginx is UNSET else service_unit(table.nginx),
        before=tuple(map(tuple, table.deploy.before)),
        after=tuple(map(tuple, table.deploy.after)),
        rollback=tuple(map(tuple, table.deploy.rollback)),
        timeout=table.deploy.timeout,
        env_file=None if table.app.env_file is UNSET else table.app.env_file,
        env_keys=tuple(table.app.env_keys),
        venv=None if table.app.venv is UNSET else table.app.venv,
        requirements=None if table.app.requirements is UNSET else table.app.requirements,
    )


def _is_reached(table: ServiceTable) -> bool:
    return any(value is not UNSET for value in (table.proxied, table.external, table.nginx))


def _check(
    value: str | HealthTable | UnsetType, key: str, http: Callable[[HealthTable, str], HttpCheck]
) -> HttpCheck | None:
    if value is UNSET:
        return None
    return http(HealthTable(url=value) if isinstance(value, str) else value, key)
