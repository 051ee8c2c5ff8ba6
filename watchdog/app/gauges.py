"""From a service to what is measured of it for warnings."""

# ruff: noqa: PLC0415 - what is not measured is not imported

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from watchdog.core.service import HttpCheck, Service
from watchdog.core.standing import Reading
from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.gauging import Gauge
from watchdog.ports import ServiceControl

LIFE = 90 * 86400.0
"""Seconds. A certificate that is made for less than this is warned of in proportion: one of six
days is not to be warned of all its life."""


class LastCertificate:
    """The certificate of the last TLS session of a health check; implements probes.http.Show."""

    __slots__ = ("der",)

    def __init__(self) -> None:
        self.der = b""

    def __call__(self, certificate: bytes) -> None:
        """Keep *certificate* (DER)."""
        self.der = certificate


def gauges(
    service: Service, control: ServiceControl, certificate: LastCertificate
) -> Sequence[Gauge]:
    """Return what measures *service*; *certificate* is filled by its health check."""
    warnings, found = service.policy.warnings, list[Gauge]()
    for check in service.checks:
        if isinstance(check, HttpCheck) and shows_certificate(check, service):
            found.append(partial(_certificate, certificate, urlsplit(check.url).netloc))
    if control.cgroup and (warnings.memory or warnings.oom_kills):
        found.append(partial(_unit, control, service))
    return found


def shows_certificate(check: HttpCheck, service: Service) -> bool:
    """Tell whether the end of the certificate behind *check* is of interest."""
    return check.url.startswith("https:") and bool(service.policy.warnings.certificate)


def _certificate(last: LastCertificate, where: str, wall: float) -> Iterator[Reading]:
    from watchdog.probes.certificate import validity

    kind, subject = CircumstanceKind.CERTIFICATE, f"https://{where}"
    try:
        begins, ends = validity(last.der)
    except ValueError:  # no session yet
        yield Reading(Circumstance(kind, subject=subject), None)
        return
    left, life = ends - wall, max(ends - begins, 1.0)
    told = Circumstance(kind, subject=subject, value=left)
    yield Reading(told, -left / min(1.0, life / LIFE))


def _unit(control: ServiceControl, service: Service, _wall: float) -> Iterator[Reading]:
    from watchdog.probes.resources import oom_kills, unit_memory

    warnings = service.policy.warnings
    if warnings.memory:
        try:
            used, limit = unit_memory(control.cgroup) or (0.0, 0.0)
        except (OSError, ValueError, KeyError):  # no memory controller, or it is just going
            used = limit = 0.0
        told = Circumstance(CircumstanceKind.MEMORY, value=used, limit=limit)
        yield Reading(told, 100.0 * used / limit if limit else 0.0)
    if warnings.oom_kills:
        count = oom_kills(control.cgroup)
        told = Circumstance(CircumstanceKind.OOM_KILLS, count=count or 0)
        yield Reading(told, None if count is None else float(count))
