"""What stands between the Internet and an instance, as plain values, and whom each lets through.

The rules of each are those of AWS's documentation: a route table sends by the longest prefix; a
network ACL takes its entries in order, the first that applies decides, both ways for it keeps no
connections; security groups only allow, all of them together, and let answers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from watchdog.doctor.aws.addresses import EVERYBODY, INTERNET, Addresses, Network

TCP = 6
ANY = -1  # protocol
EPHEMERAL = (32768, 65535)
"""From which ports clients ask: Linux from 32768, others from 49152."""
RETURN = "1024-65535"
"""What an ACL should let out: NAT on the client's side takes ports from 1024."""

GATEWAY = "igw-"
ONE_WAY = ("nat-", "eigw-")  # lead out, and nobody in


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a route table."""

    network: Network
    target: str  # igw-…, nat-…, local, …
    active: bool = True  # False: its target is gone, a black hole


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Where a subnet sends its packets."""

    id: str
    routes: tuple[Route, ...]
    main: bool = False  # no table of the subnet's own: the VPC's

    def sent(self, version: int, kinds: str | tuple[str, ...]) -> Addresses:
        """Return to which addresses packets leave by a target whose name begins as *kinds* say."""
        undecided, sent = EVERYBODY[version], Addresses(version)
        for route in sorted(self.routes, key=lambda each: -each.network.prefixlen):
            here = undecided & Addresses.of(version, [route.network])
            undecided -= here
            if route.active and route.target.startswith(kinds):
                sent |= here
        return sent

    def default(self, version: int) -> Route | None:
        """Return the route of whatever has no other."""
        return next(
            (
                each
                for each in self.routes
                if each.network.prefixlen == 0 and each.network.version == version
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One entry of a network ACL, for one direction."""

    number: int
    allow: bool
    network: Network
    protocol: int = ANY
    first: int = 0  # ports
    last: int = 65535

    def is_about(self, port: int) -> bool:
        """Tell whether TCP to *port* is decided by it."""
        return self.protocol in {ANY, TCP} and self.first <= port <= self.last


@dataclass(frozen=True, slots=True)
class Acl:
    """The network ACL of a subnet; what no entry decides is denied."""

    id: str
    inbound: tuple[AclEntry, ...]
    outbound: tuple[AclEntry, ...]

    def entering(self, version: int, port: int) -> Addresses:
        """Return who gets through to *port*."""
        return passed(self.inbound, version, port)

    def answered(self, version: int) -> Addresses:
        """Return who is answered, from whichever ephemeral port it asks."""
        each = (passed(self.outbound, version, port) for port in self._telling_ports())
        return reduce(Addresses.__and__, each)

    def silent_port(self, version: int) -> int:
        """Return the ephemeral port to which the fewest are answered."""
        return min(
            self._telling_ports(), key=lambda port: passed(self.outbound, version, port).size
        )

    def _telling_ports(self) -> list[int]:
        """Return ephemeral ports: every other is decided as the next lower one of these."""
        first, last = EPHEMERAL
        cuts = {cut for each in self.outbound for cut in (each.first, each.last + 1)}
        return sorted({first, *(cut for cut in cuts if first <= cut <= last)})


def passed(entries: Iterable[AclEntry], version: int, port: int) -> Addresses:
    """Return whose TCP packets, or to whom, *entries* of one direction let through to *port*."""
    allowed = Addresses(version)
    for entry, here in _decided(entries, version, port):
        if entry.allow:
            allowed |= here
    return allowed


def denier(entries: Iterable[AclEntry], version: int, port: int) -> AclEntry | None:
    """Return the entry that denies *port* to most of the Internet; None: it is the last of all."""
    kept, by = EVERYBODY[version], None
    most = 0
    for entry, here in _decided(entries, version, port):
        kept -= here
        if not entry.allow and (size := (here & INTERNET[version]).size) > most:
            most, by = size, entry
    return by if (kept & INTERNET[version]).size <= most else None


def free_number(entries: Sequence[AclEntry], before: AclEntry | None) -> int | None:
    """Return a number for a new entry that is to come before another, or last; None: none left."""
    taken = {entry.number for entry in entries}
    if before is None:
        last = max(taken, default=0)
        after = range(last - last % 10 + 10, HIGHEST, 10) or range(last + 1, HIGHEST)
        return next((number for number in after if number not in taken), None)
    return next((number for number in range(before.number - 1, 0, -1) if number not in taken), None)


HIGHEST = 32767
"""The number of the last entry of all, which denies what is left."""


def _decided(
    entries: Iterable[AclEntry], version: int, port: int
) -> Iterator[tuple[AclEntry, Addresses]]:
    undecided = EVERYBODY[version]
    for entry in sorted(entries, key=lambda each: each.number):
        if entry.is_about(port):
            here = undecided & Addresses.of(version, [entry.network])
            undecided -= here
            yield entry, here


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One inbound rule of a security group."""

    protocol: int
    first: int
    last: int
    networks: tuple[Network, ...] = ()
    groups: tuple[str, ...] = ()  # whose members it lets in
    lists: tuple[str, ...] = ()  # prefix lists

    def is_about(self, port: int) -> bool:
        """Tell whether TCP to *port* is let in by it."""
        return self.protocol == ANY or (self.protocol == TCP and self.first <= port <= self.last)


@dataclass(frozen=True, slots=True)
class Group:
    """A security group."""

    id: str
    rules: tuple[GroupRule, ...]


@dataclass(frozen=True, slots=True)
class LetIn:
    """Whom security groups let in."""

    addresses: Addresses
    others: tuple[str, ...] = ()  # whose addresses are not known, in words


def let_in(
    groups: Iterable[Group], version: int, port: int, lists: Mapping[str, tuple[Network, ...]]
) -> LetIn:
    """Return whom *groups* together let in to *port*; *lists*: what is in prefix lists."""
    addresses = Addresses(version)
    others: dict[str, None] = {}
    for rule in (rule for group in groups for rule in group.rules if rule.is_about(port)):
        known = [network for name in rule.lists for network in lists.get(name, ())]
        addresses |= Addresses.of(version, [*rule.networks, *known])
        others |= {f"members of {name}": None for name in rule.groups}
        others |= {f"prefix list {name}": None for name in rule.lists if name not in lists}
    return LetIn(addresses, tuple(others))
