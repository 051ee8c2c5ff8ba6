"""IPv6: promised by the name, and not kept by this host."""

from __future__ import annotations

import socket

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.web import hears, listeners, resolved, server_for
from watchdog.doctor.finding import Finding, Remedy


async def ipv6_not_listening(case: Case) -> Finding | None:
    """The name has an IPv6 address of this host, and nginx does not listen by IPv6.

    Add `listen [::]:80;`, or take the AAAA record away.
    """
    check = case.deployment.external
    for each in await resolved(case, check) if check else ():
        if each.family != socket.AF_INET6 or not each.is_local():
            continue
        if any(hears(found, each.family) for found in await listeners(case, each.port)):
            continue
        if not any(hears(found, socket.AF_INET) for found in await listeners(case, each.port)):
            return None  # nothing listens at all: that is another story
        server = await server_for(case, check) if check else None
        line = f"listen [::]:{each.port}{' ssl' if check and check.url[:6] == 'https:' else ''};"
        edit = f"editor +{server.line} {server.file}" if server else "editor /etc/nginx/nginx.conf"
        return Finding(
            "ipv6-not-listening",
            f"nothing listens at {each}, to which the name leads as well",
            "clients with IPv6 are refused, or wait until they try IPv4",
            Remedy((f"{edit}  # add: {line}", "nginx -t", "systemctl reload nginx")),
        )
    return None


RULES: tuple[Rule, ...] = (ipv6_not_listening,)
