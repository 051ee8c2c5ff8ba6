"""This host looked at as a whole: the services that a configuration may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchdog.config.settings import NGINX
from watchdog.config.units import service_unit
from watchdog.nginx.syntax import Directive, parse
from watchdog.probes.sock_diag import Listening, SockDiag
from watchdog.root_job import RootJob, ask_root
from watchdog.survey.draft import FoundService, names_of
from watchdog.survey.health import Health, ask, not_asked
from watchdog.survey.reached import way_to
from watchdog.survey.units import FoundUnit, running


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, and what was not looked at."""

    services: Sequence[FoundService]
    notes: Sequence[str]  # for the file
    troubles: Sequence[str]  # for whoever asked


async def look() -> Survey:
    """Look at this host."""
    troubles: list[str] = []
    listeners: Sequence[Listening] = ()
    try:
        listeners = SockDiag().listeners()
    except OSError as error:
        troubles.append(f"cannot ask the kernel who listens: {error.strerror}; no port is known")
    units = await running(listeners)
    if units.trouble:
        troubles.append(units.trouble)
    watchable = [each for each in units.found if _is_watchable(each)]
    names = names_of([each.unit for each in watchable])
    services = [await _service(name, unit) for name, unit in zip(names, watchable, strict=True)]
    if any(each.unit.unit == NGINX for each in services):
        answer = await ask_root(RootJob.NGINX_TEST)
        if answer.code == 0:
            tree = parse(answer.out)
            services = [await _with_way(each, tree) for each in services]
        else:
            why = answer.trouble or "its configuration is not valid: sudo nginx -t"
            troubles.append(f"cannot ask nginx where it leads: {why}")
    services.sort(key=lambda each: (each.unit.unit == NGINX, each.name))
    return Survey(services, units.passed_over, troubles)


def _is_watchable(unit: FoundUnit) -> bool:
    try:
        return service_unit(unit.unit) == unit.unit
    except ValueError:
        return False


async def _service(name: str, unit: FoundUnit) -> FoundService:
    """Return what is known of *unit*; of several ports the first that has a health path."""
    found = FoundService(name, unit)
    ports = sorted({port for _, port in unit.sockets})
    if not ports:
        return found
    tried = []
    for port in ports:
        host = _host(unit, port)
        if unit.unit == NGINX:
            health = Health(said="what nginx answers is its sites' business")
        elif why := not_asked(unit.unit, port):
            health = Health(said=why)
        else:
            health = await ask(host, port)
        also = tuple(each for each in ports if each != port)
        tried.append(replace(found, host=host, port=port, also=also, health=health))
        if health.path:
            return tried[-1]
    return next((each for each in tried if each.health.speaks_http), tried[0])


def _host(unit: FoundUnit, port: int) -> str:
    """Return the address at which *port* is to be asked: the loopback if it may be."""
    hosts = [host for host, each in unit.sockets if each == port]
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - compared
        if host in hosts:
            return "127.0.0.1"
    if "::" in hosts:
        taker = SockDiag().lookup(2, "127.0.0.1", port)  # AF_INET: does it take IPv4 as well?
        return "127.0.0.1" if taker is not None else "::1"
    return hosts[0]


async def _with_way(service: FoundService, tree: Directive) -> FoundService:
    if service.port is None or service.unit.unit == NGINX or not service.health.speaks_http:
        return service
    path = service.health.path or "/health"
    return replace(service, way=await way_to(tree, service.host, service.port, path))
