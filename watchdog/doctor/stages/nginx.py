"""The boxes of the web server before the service: does it run, is it valid, does it listen?"""

from __future__ import annotations

import socket

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.web import hears, is_of, is_proxied, listeners, ports_here
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.nginx.complaint import complaint
from watchdog.doctor.rules import nginx_config, nginx_unit, proxy_port
from watchdog.root_job import RootJob

NOT_PROXIED = Answer(Mark.SKIPPED, "neither proxied nor external is configured")

FAMILIES = {int(socket.AF_INET): "IPv4", int(socket.AF_INET6): "IPv6"}


async def is_running(case: Case) -> Answer:
    """Ask systemd for the unit of nginx."""
    if not is_proxied(case):
        return NOT_PROXIED
    unit = case.deployment.nginx
    shown = await case.shown(unit)
    state = shown.get("ActiveState")
    if state is None:
        return Answer(Mark.UNKNOWN, f"systemd does not tell about {unit}")
    if state in {"active", "reloading", "refreshing"}:
        return Answer(Mark.GOOD, f"{unit} is {state}")
    if shown.get("LoadState") == "not-found" and case.deployment.proxied is None:
        return Answer(Mark.SKIPPED, f"{unit} is not installed, and no proxied URL is configured")
    words = {"not-found": "not installed", "masked": "masked"}.get(
        shown.get("LoadState", ""), state
    )
    return Answer(Mark.BAD, f"{unit} is {words}")


async def is_valid(case: Case) -> Answer:
    """Ask nginx itself, as root, about its configuration."""
    if not is_proxied(case):
        return NOT_PROXIED
    if (await case.shown(case.deployment.nginx)).get("LoadState") == "not-found":
        return Answer(Mark.SKIPPED, f"{case.deployment.nginx} is not installed")
    own = await nginx_unit.own_options(case)
    if own:
        return Answer(Mark.UNKNOWN, f"{case.deployment.nginx} is started with {own}; test that")
    ran = await case.root(RootJob.NGINX_TEST)
    if ran.code is None:
        return Answer(Mark.UNKNOWN, ran.trouble)
    if ran.code == 0:
        return Answer(Mark.GOOD, "nginx -t: the configuration is valid")
    return Answer(Mark.BAD, f"nginx -t: {complaint(ran.err).words}")


async def is_heard(case: Case) -> Answer:
    """Ask the kernel who listens on the ports that the URLs need of this host."""
    if not is_proxied(case):
        return NOT_PROXIED
    needed = await ports_here(case)
    if not needed:
        return Answer(Mark.SKIPPED, "no configured URL leads to an address of this host")
    unit = case.deployment.nginx
    heard = []
    for port, families in sorted(needed.items()):
        found = await listeners(case, port)
        if not found:
            return Answer(Mark.BAD, f"nothing listens on port {port}")
        for family in sorted(families):
            # A URL on the loopback needs no more than that.
            if not any(hears(each, family) or each.host in _LOOPBACK for each in found):
                return Answer(Mark.BAD, f"nothing listens on port {port} by {FAMILIES[family]}")
        owned = [await is_of(case, each, unit) for each in found]
        if False in owned and True not in owned and await _is_active(case):
            who = await proxy_port.describe_in_thread(found[0])
            return Answer(Mark.BAD, f"port {port} is not nginx's: {who} listens there")
        heard.append(str(port))
    return Answer(Mark.GOOD, f"listening on port {' and '.join(heard)}")


_LOOPBACK = ("127.0.0.1", "::1")


async def _is_active(case: Case) -> bool:
    return (await case.shown(case.deployment.nginx)).get("ActiveState") == "active"


NGINX_RUNNING = Stage("nginx", "does nginx run?", is_running, nginx_unit.RULES)
NGINX_CONFIG = Stage(
    "nginx-config", "is the configuration of nginx valid?", is_valid, nginx_config.RULES
)
PROXY_PORT = Stage("proxy-port", "does nginx listen?", is_heard, proxy_port.RULES)
