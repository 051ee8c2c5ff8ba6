"""The way of a request to a port of this instance, and who comes through: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.doctor.aws.addresses import EVERYBODY, INTERNET, Addresses, Network
from watchdog.doctor.aws.layers import GATEWAY, Acl, Group, LetIn, RouteTable, let_in

MANY = 4  # networks are named up to this number
SHUT_OUT = 100  # of so many parts of the Internet one may be, by lists of the unwanted


@dataclass(frozen=True, slots=True)
class Path:
    """All that a request of one family passes on its way to *port*."""

    instance: str
    region: str
    host: str  # the name that leads here
    port: int
    version: int  # 4 or 6
    public: bool  # from the Internet; else to the private address, from within
    subnet: str
    vpc: str
    table: RouteTable
    acl: Acl
    groups: tuple[Group, ...]
    lists: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)

    @property
    def askers(self) -> Addresses:
        """Return who may ask at all."""
        return (INTERNET if self.public else EVERYBODY)[self.version]

    @property
    def routed(self) -> Addresses:
        """Return who is reached: through an Internet gateway, if they come from outside."""
        if not self.public:
            return self.askers
        outside = self.table.sent(self.version, GATEWAY) & self.askers
        # The neighbours' addresses are public ones, with IPv6.
        within = self.table.sent(self.version, "local") & self.askers
        return outside | within if outside else outside

    @property
    def led_elsewhere(self) -> str:
        """Return the target of the default route if what is behind it is not known; else empty."""
        route = self.table.default(self.version)
        known = ("igw-", "nat-", "eigw-", "local")
        is_unknown = route is not None and route.active and not route.target.startswith(known)
        return route.target if route is not None and is_unknown else ""

    @property
    def entering(self) -> Addresses:
        """Return whose requests the network ACL lets in."""
        return self.acl.entering(self.version, self.port) & self.askers

    @property
    def answered(self) -> Addresses:
        """Return to whom the network ACL lets answers out."""
        return self.acl.answered(self.version) & self.askers

    @property
    def let_in(self) -> LetIn:
        """Return whom the security groups let in."""
        found = let_in(self.groups, self.version, self.port, self.lists)
        return LetIn(found.addresses & self.askers, found.others)

    @property
    def reached_by(self) -> Addresses:
        """Return who comes through all of it."""
        return self.routed & self.entering & self.answered & self.let_in.addresses

    @property
    def group_ids(self) -> str:
        """Return the security groups, for a person."""
        return ", ".join(group.id for group in self.groups)

    @property
    def is_open(self) -> bool:
        """Tell whether it lets in whom it should: everybody, save for those who were shut out."""
        if not self.public:
            return bool(self.reached_by) or bool(self.let_in.others)
        return (self.askers - self.reached_by).size * SHUT_OUT < self.askers.size

    def describe(self) -> str:
        """Return who reaches the port, in words."""
        reached = self.reached_by
        if reached == self.askers:
            who = "everybody"
        elif self.public and self.is_open:
            who = f"everybody but {in_words(self.askers - reached)}"
        else:
            who = ", ".join(filter(None, (in_words(reached), *self.let_in.others))) or "nobody"
            who += " only" if who != "nobody" else ""
        return f"port {self.port} is open to {who} over IPv{self.version}"


def in_words(addresses: Addresses) -> str:
    """Return *addresses* as a few networks, and how many more there are."""
    named = addresses.networks()
    more = f" and {len(named) - MANY} more networks" if len(named) > MANY else ""
    return ", ".join(map(str, named[:MANY])) + more
