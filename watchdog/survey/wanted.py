"""Which ports the configuration needs, and whose they are to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchdog.config import Config, Deployment
from watchdog.core.service import HttpCheck, PortCheck, Service, UnitControl

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port that somebody should listen on."""

    service: str
    host: str  # as configured; empty: any address will do
    port: int
    unit: str = ""  # whose it is to be; empty: no unit's
    any_owner: bool = False
    needed: bool = True  # False: only told of if somebody listens


def wanted(config: Config, services: Iterable[Service]) -> list[Wanted]:
    """Return the ports of *services* and those of the nginx before them, each once."""
    found: dict[tuple[str, str, int], Wanted] = {}
    names = {
        each.control.unit: each.name
        for each in config.services
        if isinstance(each.control, UnitControl)
    }
    for service in services:
        for each in (*_own(service), *_proxy(config.deployments.get(service.name), names)):
            known = found.get((each.service, each.host, each.port))
            if known is None or (each.needed and not known.needed):
                found[each.service, each.host, each.port] = each
    taken = {(each.service, each.port) for each in found.values() if each.host}
    return [each for each in found.values() if each.host or (each.service, each.port) not in taken]


def _own(service: Service) -> Iterator[Wanted]:
    unit = service.control.unit if isinstance(service.control, UnitControl) else ""
    ports = set()
    for check in service.checks:
        if isinstance(check, PortCheck):
            ports.add(check.port)
            yield Wanted(service.name, check.host, check.port, unit, check.any_owner)
    for check in service.checks:
        if isinstance(check, HttpCheck):
            host, port = _reached(check)
            if host in _LOOPBACK and port not in ports:
                # It may be asked through a proxy, so whose the port is nobody has said.
                yield Wanted(service.name, host, port, any_owner=True)


def _proxy(known: Deployment | None, names: dict[str, str]) -> Iterator[Wanted]:
    if known is None or (known.proxied is None and known.external is None):
        return
    name = names.get(known.nginx, known.nginx.removesuffix(".service"))
    ports = {_reached(check)[1] for check in (known.proxied, known.external) if check is not None}
    for port in sorted({80, 443} | ports):
        yield Wanted(name, "", port, known.nginx, needed=port in ports)


def _reached(check: HttpCheck) -> tuple[str, int]:
    url = urlsplit(check.url)
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
