"""Why nginx does not run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.sockets import is_of, listener_at
from watchdog.doctor.facts.web import addresses_here
from watchdog.doctor.finding import Finding, Remedy
from watchdog.doctor.rules import nginx_config
from watchdog.doctor.rules.proxy_port import DOCKER, named, stopping

_LINES = 20


async def proxy_is_another(case: Case) -> Finding | None:
    """nginx is not meant to run, and something else takes the connections: Caddy, HAProxy, Docker.

    Name its unit with `nginx`; what it does with requests the doctor does not know.
    """
    unit = case.deployment.nginx
    why = _not_meant(await case.shown(unit))
    for address in await addresses_here(case) if why else ():
        listener = await listener_at(case, address)
        if listener is None:
            continue
        who = await named(listener)
        found = _UNIT.search(who)
        name = f'editor {quote(case.config)}  # nginx = "{found[1]}"' if found else ""
        is_docker = who.startswith(DOCKER)
        return Finding(
            "proxy-is-another",
            f"{who} takes the connections to port {address.port}; {unit} {why}",
            "what it does with requests is not known here: its own log tells",
            Remedy((stopping(who, address.port) if is_docker or not found else name,)),
        )
    return None


def _not_meant(shown: Mapping[str, str]) -> str:
    """Return how it shows that nobody wants the unit of nginx to run; empty: somebody does."""
    match shown.get("LoadState"), shown.get("UnitFileState"):
        case "not-found", _:
            return "does not exist"
        case "masked", _:
            return "is masked"
        case _, "disabled":
            return "is disabled"
        case _:
            return ""


_UNIT = re.compile(r"([^\s(,]+\.service)\)$")


async def nginx_not_installed(case: Case) -> Finding | None:
    """There is no such unit as the one that should stand before the service.

    Install nginx, or name the right unit with `nginx`, or remove `proxied`.
    """
    unit = case.deployment.nginx
    if (await case.shown(unit)).get("LoadState") != "not-found":
        return None
    return Finding(
        "nginx-not-installed",
        f"{unit} does not exist on this host",
        "nothing passes requests on to the service",
        Remedy(("apt-get install nginx",)),
    )


async def nginx_masked(case: Case) -> Finding | None:
    """The unit of nginx is masked: somebody saw to it that it cannot be started.

    Unmask it, if that is over, and start it.
    """
    unit = case.deployment.nginx
    if (await case.shown(unit)).get("LoadState") != "masked":
        return None
    return Finding(
        "nginx-masked",
        f"{unit} is masked",
        "systemd refuses to start it until it is unmasked",
        Remedy((f"systemctl unmask {unit}", f"systemctl enable --now {unit}")),
    )


async def nginx_port_taken(case: Case) -> Finding | None:
    """Another process holds a port that nginx needs, so nginx cannot start.

    Stop and disable it, then start nginx.
    """
    unit = case.deployment.nginx
    for address in await addresses_here(case):
        listener = await listener_at(case, address)
        if listener is None or await is_of(case, listener, unit):
            continue
        who = await named(listener)
        return Finding(
            "nginx-port-taken",
            f"port {address.port} is held by {who}",
            f"{unit} cannot start while somebody else listens there",
            Remedy((stopping(who, address.port), f"systemctl start {unit}")),
        )
    return None


async def nginx_failed(case: Case) -> Finding | None:
    """nginx has failed, and its configuration is valid now.

    The last lines of its journal say why; start it.
    """
    unit = case.deployment.nginx
    shown = await case.shown(unit)
    if shown.get("ActiveState") != "failed":
        return None
    said = await case.ran("journalctl", "-q", "-u", unit, "-n", str(_LINES), "-o", "cat")
    lines = tuple(line for line in said.lines if "emerg" in line or "crit" in line)
    return Finding(
        "nginx-failed",
        f"{unit} has failed ({shown.get('Result', 'unknown')})",
        "nothing passes requests on to the service",
        Remedy((f"systemctl start {unit}",), safe=True),
        lines[-3:] or tuple(said.lines[-3:]),
    )


async def nginx_stopped(case: Case) -> Finding | None:
    """nginx is installed and was stopped, or never started.

    Start it, and have it started with the host.
    """
    unit = case.deployment.nginx
    shown = await case.shown(unit)
    if shown.get("ActiveState") != "inactive" or shown.get("LoadState") != "loaded":
        return None
    boot = "" if shown.get("UnitFileState") == "enabled" else ", and does not start with the host"
    return Finding(
        "nginx-stopped",
        f"{unit} is stopped{boot}",
        "nothing passes requests on to the service",
        Remedy((f"systemctl enable --now {unit}",), safe=True),
    )


RULES: tuple[Rule, ...] = (
    proxy_is_another,
    nginx_not_installed,
    nginx_masked,
    nginx_port_taken,
    *nginx_config.RULES,
    nginx_failed,
    nginx_stopped,
)
