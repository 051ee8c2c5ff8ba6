"""The way that a request comes: the URLs, and the web server before the service."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from watchdog.core.service import HttpCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.addresses import is_here
from watchdog.doctor.facts.reached import addresses_of
from watchdog.doctor.facts.unit import started, variables
from watchdog.nginx.passing import backends
from watchdog.nginx.servers import Request, answering, servers
from watchdog.nginx.syntax import Directive, parse
from watchdog.probes.address import Address
from watchdog.probes.target import parse_target
from watchdog.root_job import RootJob

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""systemd's own for what it runs."""

_OPTIONS = re.compile(r"\s(-[cp] \S+)")
_OWN = "-c /etc/nginx/nginx.conf"


def is_proxied(case: Case) -> bool:
    """Tell whether anything is said of how requests reach the service."""
    return case.deployment.proxied is not None or case.deployment.external is not None


def port_of(check: HttpCheck) -> int:
    """Return the port that the URL of *check* means."""
    return parse_target(check.url).port


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
    runs = started(shown)
    if runs is None or Path(runs.path).name != "nginx":
        return f"{unit} does not run nginx"
    if _is_another_binary(runs.path):
        return f"{unit} runs {runs.path}, which is not the nginx in PATH"
    # nginx.org's own unit says: -c ${CONFFILE}
    command = Template(runs.command).safe_substitute(variables(shown))
    options = [each for each in _OPTIONS.findall(command) if each != _OWN]
    return f"{unit} starts nginx with {' '.join(options)}" if options else ""


def _is_another_binary(path: str) -> bool:
    usual = shutil.which("nginx", path=_PATH)
    return usual is not None and os.path.realpath(usual) != os.path.realpath(path)


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
