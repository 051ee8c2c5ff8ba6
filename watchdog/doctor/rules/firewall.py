"""Which firewall keeps requests out, and the command that lets them in."""

from __future__ import annotations

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.filter import IPV6, doors, outcome, packet_filter
from watchdog.doctor.finding import Finding, Remedy
from watchdog.doctor.packets.ruleset import Fate

_SERVICES = {80: "http", 443: "https"}
_MOST_LINES = 8
MEANING = "connections from elsewhere get no answer; from this host itself all seems well"


async def ufw_closed(case: Case) -> Finding | None:
    """ufw is active and does not let the port in.

    Allow it.
    """
    closed = await _closed(case)
    known = await packet_filter(case)
    if closed is None or not known.ufw:
        return None
    port, family, cause = closed
    rules = [line for line in known.status if line.strip()]
    if family == IPV6 and not any("(v6)" in line for line in rules):
        return Finding(
            "ufw-closed",
            f"ufw lets port {port} in by IPv4 only",
            "the name has an IPv6 address, and ufw drops what comes to it (IPV6=no)",
            Remedy(("editor /etc/default/ufw  # IPV6=yes", f"ufw allow {port}/tcp", "ufw reload")),
            (cause,),
        )
    return Finding(
        "ufw-closed",
        f"ufw does not let port {port} in" + (" by IPv6" if family == IPV6 else ""),
        MEANING,
        Remedy((f"ufw allow {port}/tcp",)),
        (*rules[:_MOST_LINES], cause),
    )


async def firewalld_closed(case: Case) -> Finding | None:
    """firewalld runs, and its zone does not let the port in.

    Add the service or the port to the zone, for good, and reload.
    """
    closed = await _closed(case)
    known = await packet_filter(case)
    if closed is None or not known.firewalld:
        return None
    port, _, cause = closed
    what = f"service={_SERVICES[port]}" if port in _SERVICES else f"port={port}/tcp"
    zone = known.status[0].split()[0] if known.status else ""
    of_zone = f" --zone={zone}" if zone else ""
    return Finding(
        "firewalld-closed",
        f"the zone {zone or 'that is the default'} of firewalld does not let port {port} in",
        MEANING,
        Remedy((f"firewall-cmd --permanent{of_zone} --add-{what}", "firewall-cmd --reload")),
        (*known.status[:_MOST_LINES], cause),
    )


async def packets_dropped(case: Case) -> Finding | None:
    """A rule or a policy of nftables or iptables drops what comes to the port.

    The rule is named; accept the port before it, and where the rules are kept.
    """
    closed = await _closed(case)
    if closed is None:
        return None
    port, family, cause = closed
    ip = "ip6" if family == IPV6 else "ip"
    if cause.startswith(("iptables", "ip6tables", "policy of ip6tables", "policy of iptables")):
        command = f"{ip}tables -I INPUT -p tcp --dport {port} -j ACCEPT"
    else:
        table, chain = _chain(cause)
        command = f"nft insert rule {table} {chain} tcp dport {port} accept"
    return Finding(
        "packets-dropped",
        f"port {port} is closed by: {cause}",
        f"{MEANING}; the command holds until the next boot",
        Remedy((command,)),
    )


async def _closed(case: Case) -> tuple[int, int, str] | None:
    """Return the port that is closed, the version of IP and what closes it."""
    for family, port in await doors(case):
        found = await outcome(case, port, family)
        if found.is_closed:
            return port, family, found.causes[Fate.DROPPED]
    return None


def _chain(cause: str) -> tuple[str, str]:
    """Return the table and the chain that *cause* names: "policy of inet filter input" …"""
    if cause.startswith("policy of "):
        *table, chain = cause.removeprefix("policy of ").split()
        return " ".join(table), chain
    table_name, _, rule = cause.partition(": ")
    return table_name, rule.split()[0]


RULES: tuple[Rule, ...] = (ufw_closed, firewalld_closed, packets_dropped)
