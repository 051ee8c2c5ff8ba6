"""Which logs there are of a service: its unit's journal, its files, and nginx's before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.config import Config, Deployment
from watchdog.config.settings import NGINX
from watchdog.core.service import ProcessControl, Service, UnitControl
from watchdog.logs.line import Origin
from watchdog.nginx.log_files import log_files
from watchdog.nginx.syntax import parse
from watchdog.root_job import RootJob, ask_root

USUAL = Path("/var/log/nginx")


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read."""

    units: Mapping[str, str]  # -> the service
    files: Sequence[Origin]


async def sources_of(config: Config, services: Iterable[Service]) -> Sources:
    """Return the logs of *services*."""
    units: dict[str, str] = {}
    files: list[tuple[str, str]] = []  # service and path
    is_proxied = False
    for service in services:
        match service.control:
            case UnitControl(unit):
                units.setdefault(unit, service.name)
            case ProcessControl():
                own = Path(config.daemon.runtime_dir) / f"{service.name}.log"
                files.append((service.name, str(own)))
            case _:
                pass
        files += [(service.name, log) for log in service.evidence.logs]
        is_proxied |= _is_behind_nginx(config, service)
    if is_proxied:
        known = {path for _, path in files}
        files += [("", path) for path in await nginx_logs() if path not in known]
    return Sources(units, _named(files))


def _is_behind_nginx(config: Config, service: Service) -> bool:
    known = config.deployment(service.name)
    is_nginx = isinstance(service.control, UnitControl) and service.control.unit == known.nginx
    is_reached = known.proxied is not None or known.external is not None
    # Where all that is stated is as it would be anyway, it was the key `nginx`.
    is_stated = known.nginx != NGINX or config.deployments.get(service.name) == Deployment()
    return is_nginx or is_reached or is_stated


async def nginx_logs() -> Sequence[str]:
    """Return nginx's logs: those of its configuration, or else those of their usual place."""
    answer = await ask_root(RootJob.NGINX_TEST)
    configured = list(log_files(parse(answer.out))) if answer.code == 0 else []
    if configured:
        return configured
    return _usual()


def _usual() -> Sequence[str]:
    try:
        return sorted(str(path) for path in USUAL.glob("*.log"))
    except OSError:
        return []


def _named(files: Sequence[tuple[str, str]]) -> Sequence[Origin]:
    """Return where each is from, by a name that is its own."""
    found = []
    for service, path in files:
        name = Path(path).name
        if not service:
            name = f"nginx {name}"
        elif sum(1 for other, each in files if other == service and Path(each).name == name) > 1:
            name = "/".join(Path(path).parts[-2:])
        found.append(Origin(service, name, path))
    return found
