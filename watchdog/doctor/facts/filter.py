"""What the packet filter does with a connection from the world, and who keeps its rules."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from watchdog.doctor.case import Case
from watchdog.doctor.facts.addresses import outward_interface, own_addresses
from watchdog.doctor.facts.sockets import LOOPBACK, listeners
from watchdog.doctor.facts.web import port_of, resolved
from watchdog.doctor.packets.iptables import parse_iptables
from watchdog.doctor.packets.nft import parse_nft
from watchdog.doctor.packets.ruleset import Outcome, Packet, Table, judge
from watchdog.root_job import RootJob
from watchdog.thread import in_thread
from watchdog.tool import Ran

UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What is raised by rules that are not as their tools write them."""

_LEGACY = "iptables-legacy tables present"
IPV4, IPV6 = 4, 6


@dataclass(frozen=True, slots=True)
class Filter:
    """The rules of this host."""

    tables: tuple[Table, ...] = ()
    unread: str = ""  # why they are not all known
    ufw: bool = False  # ufw keeps them
    firewalld: bool = False
    status: tuple[str, ...] = field(default=())  # as the one who keeps them puts it


async def packet_filter(case: Case) -> Filter:
    """Return the rules of this host's packet filter; asked once."""
    return await case.once("packet filter", lambda: _ask(case))


async def outcome(case: Case, port: int, family: int) -> Outcome:
    """Return what becomes of a connection from the world to *port* by IPv4 or IPv6 (4, 6)."""
    known = await packet_filter(case)
    packet = Packet(family, port, *(await case.once("outward", _outward)))
    return await in_thread(partial(judge, known.tables, packet))


async def _outward() -> tuple[str, tuple[str, ...]]:
    return await in_thread(lambda: (outward_interface(), tuple(own_addresses())))


async def doors(case: Case) -> Sequence[tuple[int, int]]:
    """Return the version of IP and the port of each way by which the world comes to this host.

    Of external, or else of proxied. Where its name leads to another address, a balancer or an
    address translation, its port is ours only if somebody takes connections to it here.
    """
    for check in (case.deployment.external, case.deployment.proxied):
        if check is None:
            continue
        port, addresses = port_of(check), await resolved(case, check)
        here = {each.family for each in addresses if each.is_local() and not _is_inner(each.host)}
        if here:
            return [(_VERSIONS[each], port) for each in sorted(here)]
        if check is case.deployment.proxied or await _is_taken(case, port):
            return [(IPV4, port)]
    return ()


_VERSIONS: Mapping[int, int] = {socket.AF_INET: IPV4, socket.AF_INET6: IPV6}


def _is_inner(host: str) -> bool:
    return host.startswith(LOOPBACK)


async def _is_taken(case: Case, port: int) -> bool:
    return any(each.port == port and not _is_inner(each.host) for each in await listeners(case))


async def _ask(case: Case) -> Filter:
    ran = await case.root(RootJob.FIREWALL)
    if ran.code is None:
        return Filter(unread=ran.trouble)
    try:
        tools = {name: Ran(**said) for name, said in json.loads(ran.out).items()}
        return await in_thread(partial(read_filter, tools))
    except UNREADABLE as error:
        return Filter(unread=f"the rules cannot be read: {error!r}")


def read_filter(tools: dict[str, Ran]) -> Filter:
    """Return what *tools* say of the rules. Raises UNREADABLE for what is no ruleset."""
    tables: dict[str, Table] = {}
    nft, unread = tools["nft"], ""
    if nft.code == 0:
        for table in parse_nft(nft.out):
            tables[table.name] = table
    for name, family in (("iptables", IPV4), ("ip6tables", IPV6)):
        said = tools[name]
        if said.code == 0:
            # nft shows tables of iptables too, but not all of what their rules say.
            for table in parse_iptables(said.out, family):
                tables.pop(f"{'ip' if family == IPV4 else 'ip6'} {table.name.split()[1]}", None)
                tables[table.name] = table
        if _LEGACY in said.err + said.out:
            unread = "there are rules of iptables-legacy as well"
        if "is incompatible, use 'nft'" in said.out and nft.code != 0:
            unread = "there are rules of nft, and no nft to read them: apt-get install nftables"
    if nft.code != 0 and tools["iptables"].code != 0:
        unread = nft.trouble or nft.err.strip() or "neither nft nor iptables is installed"
    ufw, firewalld = tools["ufw"], tools["firewalld"]
    if firewalld.code == 0 and nft.code != 0:
        unread = f"firewalld keeps its rules in nftables: {nft.trouble or nft.err.strip()}"
    by_ufw = ufw.out.startswith("Status: active")
    by_firewalld = firewalld.code == 0
    status = ufw.lines if by_ufw else firewalld.lines if by_firewalld else ()
    return Filter(tuple(tables.values()), unread, by_ufw, by_firewalld, tuple(status))
