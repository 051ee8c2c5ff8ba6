"""The way that a request comes: the URLs, the web server before the service, who listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from watchdog.core.service import HttpCheck, PortCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.reached import addresses_of
from watchdog.doctor.nginx.servers import Request, answering
from watchdog.doctor.nginx.syntax import Directive, parse
from watchdog.probes.address import Address
from watchdog.probes.sock_diag import Listening, SockDiag
from watchdog.probes.target import parse_target
from watchdog.root_job import RootJob
from watchdog.thread import in_thread

_CGROUPS = Path("/sys/fs/cgroup")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on


def is_proxied(case: Case) -> bool:
    """Tell whether anything is said of how requests reach the service."""
    return case.deployment.proxied is not None or case.deployment.external is not None


def port_of(check: HttpCheck) -> int:
    """Return the port that the URL of *check* means."""
    return parse_target(check.url).port


def where(case: Case) -> tuple[str, int] | None:
    """Return the host and port at which the service itself answers; None if not configured."""
    for check in case.service.checks:
        if isinstance(check, PortCheck):
            return check.host, check.port
    for check in case.service.checks:
        if isinstance(check, HttpCheck):
            return urlsplit(check.url).hostname or "", port_of(check)
    return None


async def resolved(case: Case, check: HttpCheck) -> Sequence[Address]:
    """Return the addresses that the URL of *check* leads to; none if its name has none."""

    async def ask() -> Sequence[Address]:
        target = parse_target(check.url)
        try:
            return await addresses_of(target.host, target.port)
        except socket.gaierror:
            return ()

    return await case.once(("addresses", check.url), ask)


async def ports_here(case: Case) -> dict[int, set[int]]:
    """Return the ports of this host that the URLs need, each with its address families.

    What an external URL leads to may be a load balancer: then its port is not ours.
    """
    needed: dict[int, set[int]] = {}
    for check in (case.deployment.proxied, case.deployment.external):
        for address in await resolved(case, check) if check else ():
            if address.is_local():
                needed.setdefault(address.port, set()).add(address.family)
    return needed


async def configuration(case: Case) -> Directive | None:
    """Return nginx's configuration as it is on disk; None if it is broken or not ours to see."""

    async def ask() -> Directive | None:
        ran = await case.root(RootJob.NGINX_TEST)
        return parse(ran.out) if ran.code == 0 else None

    return await case.once("nginx configuration", ask)


async def server_for(case: Case, check: HttpCheck) -> Directive | None:
    """Return the server block that *check* comes to on this host; None if that is not known."""
    tree = await configuration(case)
    request = await request_of(case, check)
    return answering(tree, request) if tree and request else None


async def request_of(case: Case, check: HttpCheck) -> Request | None:
    """Return how *check* arrives at this host; None if it goes elsewhere."""
    target = parse_target(check.url)
    headers = {name.lower(): value for name, value in check.headers}
    host = headers.get("host", target.host).partition(":")[0]
    for address in await resolved(case, check):
        if address.is_local():
            path = urlsplit(check.url).path or "/"
            return Request(address.family, address.host, target.port, host, path)
    return None


async def listeners(case: Case, port: int) -> Sequence[Listening]:
    """Return who listens on *port*; none if the kernel does not tell."""
    return [each for each in await _all_listeners(case) if each.port == port]


async def _all_listeners(case: Case) -> Sequence[Listening]:
    return await case.once("all listeners", lambda: in_thread(_listening))


def _listening() -> Sequence[Listening]:
    diag = SockDiag()  # the shared one is the event loop's
    try:
        return diag.listeners()
    except OSError:
        return ()
    finally:
        diag.close()


def hears(listener: Listening, family: int) -> bool:
    """Tell whether *listener* takes connections of *family* from elsewhere than this host."""
    is_six = ":" in listener.host
    if listener.host.startswith(("127.", "::1")):
        return False
    return is_six == (family == socket.AF_INET6)


async def is_of(case: Case, listener: Listening, unit: str) -> bool | None:
    """Tell whether *listener* was made by *unit*; None if the kernel does not tell."""
    cgroup = (await case.shown(unit)).get("ControlGroup", "")
    if not listener.cgroup or not cgroup:
        return None
    return listener.cgroup in await in_thread(lambda: _ids(_CGROUPS / cgroup.lstrip("/")))


def _ids(directory: Path) -> set[int]:
    return {Path(place).stat().st_ino for place, _, _ in os.walk(directory)}


def is_wildcard(listener: Listening) -> bool:
    """Tell whether *listener* takes what comes to any address."""
    return listener.host in _WILDCARDS
