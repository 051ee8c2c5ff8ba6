"""Ports: taken by somebody else, not allowed, or not the one that is asked."""

from __future__ import annotations

import os
import re
import shlex

from watchdog.core.service import CommandControl, PortCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.log import last, log_lines
from watchdog.doctor.facts.sockets import LOOPBACK, Holder, asked_at, holder, listeners, own, takes
from watchdog.doctor.facts.unit import again, drop_in, program, shown
from watchdog.doctor.finding import Finding, Remedy

_IN_USE = re.compile(r"(?i)address already in use|EADDRINUSE|errno 98\b")
_FORBIDDEN = re.compile(
    r"(?i)(?:bind|listen).*(?:permission denied|EACCES)"
    r"|(?:permission denied|EACCES).*(?:bind|listen)"
)
_PRIVILEGED = 1024
_NAMED_PORT = re.compile(r"(?:[:\s(,'\"])(\d{2,5})\b")


async def port_taken(case: Case) -> Finding | None:
    """Another process holds the port of the service; its process and unit are named.

    Stop it, if it is not the one that should answer there; then restart the service.
    """
    wanted = asked_at(case)
    if wanted is None or _shares(case) or not await shown(case):
        return None
    host, port = wanted
    mine = {each.inode for each in await own(case)}
    lines = await log_lines(case)
    is_refused = any(_IN_USE.search(line) for line in lines)
    for listener in await listeners(case):
        if listener.port != port or listener.inode in mine or not takes(listener, host):
            continue
        if not listener.cgroup:
            continue  # an old kernel does not tell whose it is
        who = await holder(listener)
        if who.unit and who.unit in (await shown(case)).get("TriggeredBy", "").split():
            continue  # its own socket unit
        if who.pid == 1:
            continue
        said = "and is refused" if is_refused else "and does not get it"
        return Finding(
            "port-taken",
            f"port {port} is held by {who.words}; {case.unit} wants it {said}",
            "what answers there is not this service",
            Remedy((*_stop(who, port), *again(case, await shown(case)))),
            last([line for line in lines if _IN_USE.search(line)], 2),
        )
    return None


async def port_was_taken(case: Case) -> Finding | None:
    """Its log says that the address is in use, and by now nobody holds it.

    Start it again; if it happens again, two services are configured for the same port.
    """
    lines = await log_lines(case)
    said = [line for line in lines if _IN_USE.search(line)]
    wanted = asked_at(case)
    if not said:
        return None
    taken = [each for each in await listeners(case) if wanted and each.port == wanted[1]]
    if taken:
        return None
    numbers = [int(number) for number in _NAMED_PORT.findall(said[-1])]
    held = [each for each in await listeners(case) if each.port in numbers]
    properties = await shown(case)
    if held:
        who = await holder(held[0])
        fact = f"port {held[0].port}, which {case.service.name} wants too, is held by {who.words}"
        return Finding(
            "port-taken",
            fact,
            "it ends because it cannot have that port",
            Remedy((*_stop(who, held[0].port), *again(case, properties))),
            last(said, 2),
        )
    return Finding(
        "port-was-taken",
        f"the port of {case.service.name} was taken when it started, and is free now",
        "an older process had not ended yet, or another service wants the same port",
        Remedy(again(case, properties), safe=True),
        last(said, 2),
    )


async def port_privileged(case: Case) -> Finding | None:
    """The service may not listen on a port below 1024: its user is not root.

    One capability lets it: `AmbientCapabilities=CAP_NET_BIND_SERVICE`.
    """
    lines = await log_lines(case)
    said = [line for line in lines if _FORBIDDEN.search(line)]
    wanted = asked_at(case)
    if not said:
        if wanted is None or wanted[1] >= _PRIVILEGED:
            return None
        said = [line for line in lines if re.search(r"PermissionError: \[Errno 13\]", line)]
        said = [line for line in said if "'/" not in line]
        if not said:
            return None
    properties = await shown(case)
    user = properties.get("User") or "root"
    port = f"port {wanted[1]}" if wanted else "its port"
    edit = drop_in(case, "50-port", "AmbientCapabilities=CAP_NET_BIND_SERVICE")
    return Finding(
        "port-privileged",
        f"{case.unit or case.service.name}, as user {user}, may not listen on {port}",
        "ports below 1024 are for root, and for whom has CAP_NET_BIND_SERVICE",
        Remedy((*edit, *again(case, properties)) if case.unit else ("editor " + case.config,)),
        last(said, 2),
    )


async def loopback_only(case: Case) -> Finding | None:
    """The service listens on this host's loopback only, and is asked at another address.

    Have it listen on that address, or on all (`--host 0.0.0.0`); or ask it at 127.0.0.1.
    """
    wanted = asked_at(case)
    if wanted is None:
        return None
    host, port = wanted
    here = [each for each in await own(case) if each.port == port]
    if not here or any(takes(each, host) for each in here):
        return None
    on = ", ".join(sorted({each.host for each in here}))
    loopback = all(each.host.startswith(LOOPBACK) for each in here)
    only = "on loopback only" if loopback else "at another address only"
    return Finding(
        "loopback-only",
        f"{case.unit} listens {only}, on {on} port {port}; it is asked at {host}",
        f"whoever comes by {host} is refused",
        Remedy((f"systemctl edit --full {shlex.quote(case.unit)}", *again(case, {}))),
    )


async def other_port(case: Case) -> Finding | None:
    """The service listens, but on another port than the one that is configured.

    One of the two is wrong: `--port` in its unit, or `port` and `health` in the configuration.
    """
    wanted = asked_at(case)
    mine = sorted({each.port for each in await own(case)})
    if wanted is None or not mine or wanted[1] in mine:
        return None
    ports = ", ".join(map(str, mine[:3]))
    runs = await program(case)
    told = f" ({runs.command})" if runs and any(str(port) in runs.command for port in mine) else ""
    return Finding(
        "other-port",
        f"{case.unit} listens on port {ports}, and port {wanted[1]} is configured",
        f"whoever asks at port {wanted[1]} is refused; its unit{told} and {case.config} disagree",
        Remedy(
            (
                f"systemctl edit --full {shlex.quote(case.unit)}",
                f"systemctl restart {shlex.quote(case.unit)}",
            )
        ),
    )


def _stop(who: Holder, port: int) -> tuple[str, ...]:
    """Return the command that makes *who* let go of *port*."""
    if who.unit:
        return (f"systemctl stop {shlex.quote(who.unit)}",)
    if who.pid and who.pid != os.getpid():
        return (f"kill {who.pid}",)
    return (f"ss -ltnp 'sport = :{port}'",)


def _shares(case: Case) -> bool:
    if isinstance(case.service.control, CommandControl):
        return True
    return any(check.any_owner for check in case.service.checks if isinstance(check, PortCheck))


RULES = (port_taken, port_was_taken, port_privileged, loopback_only, other_port)
