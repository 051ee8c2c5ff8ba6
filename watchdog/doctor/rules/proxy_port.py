"""Why nginx does not listen where the URLs say, though it runs."""

from __future__ import annotations

import re
import socket
from functools import partial

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.nginx_run import changed_since_load
from watchdog.doctor.facts.sockets import asked_at, is_of, listener_at
from watchdog.doctor.facts.web import addresses_here, configuration, passing_to
from watchdog.doctor.finding import Finding, Remedy
from watchdog.nginx.listening import listens
from watchdog.nginx.servers import servers
from watchdog.ports import Listener
from watchdog.probes.owner import describe
from watchdog.thread import in_thread

DOCKER = "docker-proxy"


async def named(listener: Listener) -> str:
    """Name who has *listener*."""
    return await in_thread(partial(describe, listener))


def stopping(who: str, port: int) -> str:
    """Return the command that stops *who*, as `named` put it; or one that looks closer."""
    if who.startswith(DOCKER):
        return f"docker ps --filter publish={port}"  # one container, not all of Docker
    unit = re.search(r"([^\s(]+\.(?:service|socket))\)$", who)
    return f"systemctl disable --now {unit[1]}" if unit else f"ss -ltnp sport = :{port}"


async def proxy_port_of_another(case: Case) -> Finding | None:
    """nginx runs, and another process listens on the port where it should.

    Stop that one, or let nginx listen there; then restart nginx.
    """
    unit = case.deployment.nginx
    for address in await addresses_here(case):
        listener = await listener_at(case, address)
        if listener is None or await is_of(case, listener, unit) is not False:
            continue
        who = await named(listener)
        return Finding(
            "proxy-port-of-another",
            f"port {address.port} is held by {who}, not by {unit}",
            "requests come to it and never reach nginx",
            Remedy((stopping(who, address.port), f"systemctl restart {unit}")),
        )
    return None


async def port_not_loaded(case: Case) -> Finding | None:
    """The configuration has the port, but nginx has not loaded it since it was changed.

    Reload nginx.
    """
    tree = await configuration(case)
    changed = await changed_since_load(case)
    if tree is None or not changed:
        return None
    wanted = {
        (listen.family, listen.port) for server in servers(tree) for listen in listens(server)
    }
    if any((each.family, each.port) not in wanted for each in await addresses_here(case)):
        return None
    return Finding(
        "port-not-loaded",
        f"{changed} was changed after nginx last loaded its configuration",
        "nginx goes on with the configuration from before",
        Remedy(case.nginx_reload, safe=True),
    )


async def nginx_listens_elsewhere(case: Case) -> Finding | None:
    """No server block of nginx listens on the port that the URL means, or not by IPv6.

    Add the listen line, test, and reload.
    """
    tree = await configuration(case)
    if tree is None:
        return None
    own = asked_at(case)
    ours = passing_to(tree, own[1]) if own else []
    blocks = ours or servers(tree)
    for address in await addresses_here(case):
        if await listener_at(case, address) is not None:
            continue
        port, is_six = address.port, address.family == socket.AF_INET6
        line = f"listen {'[::]:' if is_six else ''}{port}{' ssl' if port == _HTTPS else ''};"
        place = blocks[0].place if blocks else "/etc/nginx"
        return Finding(
            "nginx-listens-elsewhere",
            f"no server block of nginx listens on port {port}{' by IPv6' if is_six else ''}",
            "connections to it are refused",
            Remedy((f"editor {_at(place)}  # add: {line}", *case.nginx_reload)),
            tuple(
                f"{server.place}: listen {' '.join(each.arguments)}"
                for server in blocks[:3]
                for each in server.all("listen")
            ),
        )
    return None


_HTTPS = 443


def _at(place: str) -> str:
    file, _, line = place.rpartition(":")
    return f"+{line} {file}" if file else place


RULES: tuple[Rule, ...] = (proxy_port_of_another, port_not_loaded, nginx_listens_elsewhere)
