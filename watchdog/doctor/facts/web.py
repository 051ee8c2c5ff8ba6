"""The way that a request comes: the URLs, the web server before the service, who listens."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from watchdog.core.service import HttpCheck, PortCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.addresses import is_here
from watchdog.doctor.facts.reached import addresses_of
from watchdog.nginx.passing import backends
from watchdog.nginx.servers import Request, answering, servers
from watchdog.nginx.syntax import Directive, parse
from watchdog.probes.address import Address
from watchdog.probes.sock_diag import Listening, SockDiag
from watchdog.probes.target import parse_target
from watchdog.root_job import RootJob
from watchdog.thread import in_thread

_CGROUPS = Path("/sys/fs/cgroup")
_EXEC = re.compile(r"path=(?P<path>.*?) ; argv\[\]=(?P<argv>.*?) ; (?:flags|ignore_errors)=")
_OPTIONS = re.compile(r"\s(-[cp] \S+)")
_OWN = "-c /etc/nginx/nginx.conf"


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


async def addresses_here(case: Case) -> Sequence[Address]:
    """Return the addresses of this host that the URLs lead to.

    What an external URL leads to may be a load balancer: then its port is not ours.
    """
    found: dict[Address, None] = {}
    for check in (case.deployment.proxied, case.deployment.external):
        for address in await resolved(case, check) if check else ():
            if address.is_local():
                found[address] = None
    return tuple(found)


async def another_configuration(case: Case) -> str:
    """Return why ``nginx -T`` says nothing of the unit before the service; empty if it does."""
    unit = case.deployment.nginx
    shown = await case.shown(unit)
    if shown.get("LoadState") != "loaded":
        return "" if shown.get("LoadState") == "masked" else f"{unit} is not installed"
    found = _EXEC.search(shown.get("ExecStart", ""))
    if found is None or Path(found["path"]).name != "nginx":
        return f"{unit} does not run nginx"
    options = [each for each in _OPTIONS.findall(found["argv"]) if each != _OWN]
    return f"{unit} starts nginx with {' '.join(options)}" if options else ""


async def configuration(case: Case) -> Directive | None:
    """Return nginx's configuration as it is on disk; None if it is broken or not ours to see."""

    async def ask() -> Directive | None:
        if await another_configuration(case):
            return None
        ran = await case.root(RootJob.NGINX_TEST)
        return parse(ran.out) if ran.code == 0 else None

    return await case.once("nginx configuration", ask)


def passing_to(tree: Directive, port: int) -> list[Directive]:
    """Return the server blocks that pass anything on to *port* of this host."""
    return [
        server
        for server in servers(tree)
        if any(each.port == port and is_here(each.host) for each in backends(tree, server))
    ]


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


async def listener_at(case: Case, address: Address) -> Listening | None:
    """Return who would take a connection to *address*; None if nobody. Raises OSError."""

    async def ask() -> Listening | None:
        diag = SockDiag()
        try:
            return diag.lookup(address.family, address.host, address.port)
        finally:
            diag.close()

    return await case.once(("listener", address), ask)


async def is_of(case: Case, listener: Listening, unit: str) -> bool | None:
    """Tell whether *listener* was made by *unit*; None if the kernel does not tell."""
    cgroup = (await case.shown(unit)).get("ControlGroup", "")
    if not listener.cgroup or not cgroup:
        return None
    return listener.cgroup in await in_thread(lambda: _ids(_CGROUPS / cgroup.lstrip("/")))


def _ids(directory: Path) -> set[int]:
    return {Path(place).stat().st_ino for place, _, _ in os.walk(directory)}
