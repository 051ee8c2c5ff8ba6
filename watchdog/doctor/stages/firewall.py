"""The box between nginx and the world, on this host: does the packet filter let requests in?"""

from __future__ import annotations

from watchdog.doctor.case import Case, Stage
from watchdog.doctor.facts.filter import doors, outcome, packet_filter
from watchdog.doctor.facts.web import is_proxied
from watchdog.doctor.finding import Answer, Mark
from watchdog.doctor.packets.ruleset import Fate
from watchdog.doctor.rules import firewall
from watchdog.doctor.stages.nginx import NOT_PROXIED


async def ask(case: Case) -> Answer:
    """Follow a connection from the world through the rules, by each version of IP that it has."""
    if not is_proxied(case):
        return NOT_PROXIED
    ways = await doors(case)
    if not ways:
        return Answer(Mark.SKIPPED, "the external name leads elsewhere, and its port is not ours")
    known = await packet_filter(case)
    by = "ufw" if known.ufw else "firewalld" if known.firewalld else "the packet filter"
    undecided = []
    for family, port in ways:
        found = await outcome(case, port, family)
        if found.is_closed:  # another set of rules cannot open what one has closed
            return Answer(Mark.BAD, f"port {port} is closed by {by} (IPv{family})")
        if Fate.REDIRECTED in found.causes:
            undecided.append(f"port {port} goes to a container, past the rules for this host")
        elif not found.is_open:
            rules = "; ".join(dict.fromkeys(found.restricted)) or "rules that cannot be decided"
            undecided.append(f"port {port} is open to some, by IPv{family}: {rules}")
    if known.unread or undecided:
        return Answer(Mark.UNKNOWN, known.unread or undecided[0])
    if not known.tables:
        return Answer(Mark.GOOD, "there is no packet filter on this host")
    return Answer(Mark.GOOD, f"{by} lets port {ways[0][1]} in")


FIREWALL = Stage("firewall", "does this host's packet filter let requests in?", ask, firewall.RULES)
