"""Rules of a packet filter, of whatever tool, and what becomes of a packet on its way in.

A rule may match, may not, or cannot be decided (a set that changes, a limit of rate, a match that
we do not know). So the outcome is a set: only if all that can happen is the same, it is certain.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEEPEST = 64  # jumps within each other; the kernel allows 16


class Matches(Enum):
    """Whether a rule takes the packet."""

    YES = 0
    SOME = 1  # of some senders, but not of just anybody
    MAYBE = 2
    NO = 3

    def __and__(self, other: Matches) -> Matches:
        return max(self, other, key=lambda each: each.value)

    def __invert__(self) -> Matches:
        return {Matches.YES: Matches.NO, Matches.NO: Matches.YES}.get(self, Matches.MAYBE)


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection from somewhere in the world to a port of this host."""

    family: int  # 4 or 6
    port: int
    interface: str  # by which it comes in; empty: not known
    addresses: tuple[str, ...] = ()  # of this host, one of which it is sent to


class Fate(StrEnum):
    """What can become of a packet."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REDIRECTED = "redirected"  # to another address: a container's, say
    GOES_ON = "goes on"  # nothing was decided


Test = Callable[[Packet], Matches]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: all of its tests must match; then it decides, jumps, or does neither."""

    text: str  # as its tool writes it
    tests: tuple[Test, ...] = ()
    fate: Fate | None = None
    jump: str = ""  # a chain
    leaves: bool = False  # "goto": what comes after the jump is not for this packet
    returns: bool = False
    to_port: int | None = None  # REDIRECTED to this port of this host
    undecided: bool = False  # does something that we do not know, and that may be its end


@dataclass(slots=True)
class Chain:
    """A list of rules; one with a hook is where packets come in."""

    name: str
    rules: list[Rule] = field(default_factory=list)
    hook: str = ""  # "input", "prerouting"; empty: only jumped to
    kind: str = "filter"  # or "nat"
    priority: int = 0
    policy: Fate = Fate.ACCEPTED


@dataclass(frozen=True, slots=True)
class Table:
    """Chains that know each other."""

    name: str  # as in "ip filter"
    families: tuple[int, ...]
    chains: Mapping[str, Chain]


@dataclass(slots=True)
class Outcome:
    """What can become of a packet, and the first rule that is to blame for each."""

    causes: dict[Fate, str] = field(default_factory=dict)
    restricted: list[str] = field(default_factory=list)  # rules that could not be decided
    port: int | None = None  # to which it was redirected

    def add(self, fate: Fate, cause: str) -> None:
        """Take note that this can happen."""
        self.causes.setdefault(fate, cause)

    @property
    def is_open(self) -> bool:
        """Tell whether the packet gets in, whatever was not decided."""
        return self.causes.keys() == {Fate.ACCEPTED}

    @property
    def is_closed(self) -> bool:
        """Tell whether it does not get in, whatever was not decided."""
        return self.causes.keys() == {Fate.DROPPED}


def judge(tables: Sequence[Table], packet: Packet) -> Outcome:
    """Return what can become of *packet*: every hook must let it pass, a drop is the end."""
    total = Outcome()
    hooked = [
        (chain, table)
        for table in tables
        if packet.family in table.families
        for chain in table.chains.values()
        if chain.hook in {"prerouting", "input"}
    ]
    hooked.sort(key=lambda each: (each[0].hook == "input", each[0].priority))
    for chain, table in hooked:
        if chain.kind == "nat" and chain.hook == "input":
            continue  # changes where it comes from
        outcome = Outcome()
        _walk(_Way(table, packet), chain, outcome, 0)
        if outcome.causes.pop(Fate.GOES_ON, None) is not None:
            outcome.add(chain.policy, f"policy of {table.name} {chain.name}")
        total.restricted += outcome.restricted
        for fate, cause in outcome.causes.items():
            if fate is not Fate.ACCEPTED:
                total.add(fate, cause)
        if outcome.port is not None and outcome.causes.keys() == {Fate.REDIRECTED}:
            total.causes.pop(Fate.REDIRECTED)
            packet = Packet(packet.family, outcome.port, packet.interface, packet.addresses)
            total.port = outcome.port
        elif Fate.ACCEPTED not in outcome.causes:
            return total  # nothing gets further
    total.add(Fate.ACCEPTED, "")
    return total


@dataclass(slots=True)
class _Way:
    """A packet on its way through a table, and what was found of the chains that are jumped to.

    Each is walked once: chains that jump to each other twice would take twice as long each time.
    """

    table: Table
    packet: Packet
    found: dict[str, Outcome] = field(default_factory=dict)


def _walk(way: _Way, chain: Chain, outcome: Outcome, depth: int) -> None:
    """Add to *outcome* all that can happen in *chain*; GOES_ON if its end can be reached."""
    for rule in chain.rules:
        match = _match(rule, way.packet)
        if match is Matches.NO:
            continue
        if rule.undecided:
            match = Matches.MAYBE
        at_rule = Outcome(restricted=outcome.restricted)
        ends = _apply(way, rule, at_rule, depth)
        if match is Matches.SOME:
            # A list of the banned: whoever is on it is not whom we ask for.
            at_rule.causes.pop(Fate.DROPPED, None)
        for fate, cause in at_rule.causes.items():
            outcome.add(fate, cause)
        outcome.port = outcome.port or at_rule.port
        if match is Matches.YES and ends:
            return
        if match is not Matches.YES and at_rule.causes.keys() - {Fate.GOES_ON}:
            outcome.restricted.append(rule.text)
    outcome.add(Fate.GOES_ON, "")


def _apply(way: _Way, rule: Rule, outcome: Outcome, depth: int) -> bool:
    """Add what can happen by *rule*; return whether the packet surely stops there."""
    if rule.undecided:
        outcome.add(Fate.ACCEPTED, rule.text)
        outcome.add(Fate.DROPPED, f"{way.table.name}: {rule.text}")
    if rule.returns:
        outcome.add(Fate.GOES_ON, "")
        return True
    if rule.fate is not None:
        outcome.add(rule.fate, f"{way.table.name}: {rule.text}")
        if rule.to_port is not None:
            outcome.port = rule.to_port
        return True
    target = way.table.chains.get(rule.jump) if rule.jump else None
    if target is None or depth >= _DEEPEST:
        return False
    inner = way.found.get(target.name)
    if inner is None:
        # Until it is known, it is as if it went on: a circle, which no kernel takes.
        way.found[target.name] = Outcome({Fate.GOES_ON: ""})
        inner = Outcome(restricted=outcome.restricted)
        _walk(way, target, inner, depth + 1)
        way.found[target.name] = inner
    goes_on = Fate.GOES_ON in inner.causes
    for fate, cause in inner.causes.items():
        if fate is not Fate.GOES_ON:
            outcome.add(fate, cause)
    outcome.port = outcome.port or inner.port
    if goes_on and rule.leaves:
        outcome.add(Fate.GOES_ON, "")
        return True
    return not goes_on


def _match(rule: Rule, packet: Packet) -> Matches:
    match = Matches.YES
    for test in rule.tests:
        match = match & test(packet)
    return match


# --- tests that both tools have ------------------------------------------------------------------


def always(match: Matches) -> Test:
    """Return a test with that answer."""
    return lambda _: match


def ports(ranges: Sequence[tuple[int, int]]) -> Test:
    """Return whether the packet's port is in one of *ranges*."""
    return lambda packet: _yes(any(low <= packet.port <= high for low, high in ranges))


def interface(name: str, *, any_after: str = "") -> Test:
    """Return whether it comes by the interface *name*, or one that begins with *any_after*."""

    def test(packet: Packet) -> Matches:
        if name == "lo" or not packet.interface:
            return Matches.NO if name == "lo" else Matches.MAYBE
        if any_after:
            return _yes(packet.interface.startswith(any_after))
        return _yes(packet.interface == name)

    return test


def source(network: Network) -> Test:
    """Return whether it comes from *network*: of somebody in the world only "all" is certain."""

    def test(packet: Packet) -> Matches:
        if network.version != packet.family:
            return Matches.NO
        if network.prefixlen == 0:
            return Matches.YES
        return Matches.SOME

    return test


def destination(network: Network) -> Test:
    """Return whether it is sent to *network*: one of this host's addresses, only which?"""

    def test(packet: Packet) -> Matches:
        if network.version != packet.family:
            return Matches.NO
        ours = [ipaddress.ip_address(each) for each in packet.addresses]
        inside = [each in network for each in ours if each.version == packet.family]
        if network.prefixlen == 0 or (inside and all(inside)):
            return Matches.YES
        return Matches.MAYBE if not inside or any(inside) else Matches.NO

    return test


def _yes(value: bool) -> Matches:  # noqa: FBT001 - it is the answer
    return Matches.YES if value else Matches.NO
