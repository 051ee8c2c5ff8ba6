"""The configured ports held against the sockets that listen."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchdog.probes.owner import describe, unit_of
from watchdog.probes.sock_diag import Listening, SockDiag
from watchdog.survey.wanted import Wanted


class State(StrEnum):
    """What is to be said of a port."""

    EXPECTED = "expected"
    STRANGER = "stranger"  # somebody else's process holds it
    ELSEWHERE = "elsewhere"  # the right one listens, but not at the configured address
    NOTHING = "nothing"
    UNKNOWN = "unknown"  # whose it is cannot be told


class Reach(StrEnum):
    """From where connections are taken."""

    LOOPBACK = "loopback only"
    EVERYWHERE = "everywhere"
    ONE_ADDRESS = "this address only"


@dataclass(frozen=True, slots=True)
class Held:
    """A port, and one who listens on it; or that nobody does."""

    service: str
    port: int
    state: State
    address: str  # configured if nobody listens
    families: str = ""  # IPv4, IPv6, IPv4+IPv6
    reach: Reach | None = None
    owner: str = ""  # process and unit, in words
    unit: str = ""
    expected: str = ""  # the unit whose it is to be

    @property
    def is_fine(self) -> bool:
        """Tell whether it is as it should be."""
        return self.state is State.EXPECTED


Owns = Callable[[Wanted, Listening, str], bool | None]
"""Whether a listener, made in the cgroup of a unit, is the wanted one's; None: cannot be told."""


def sockets(diag: SockDiag, ports: Iterable[int]) -> Sequence[Listening]:
    """Return who listens on *ports*, each but once. Raises OSError."""
    wanted = set(ports)
    found = {(each.host, each.port, each.cgroup, each.uid): each for each in _all(diag, wanted)}
    return sorted(found.values(), key=lambda each: (each.port, ":" in each.host, each.host))


def _all(diag: SockDiag, ports: set[int]) -> Iterable[Listening]:
    return reversed([each for each in diag.listeners() if each.port in ports])


def held(
    diag: SockDiag, wanted: Sequence[Wanted], found: Sequence[Listening], owns: Owns
) -> list[Held]:
    """Return a row for each socket of *found* that is on one of *wanted*, or that none is.

    Blocks. Raises OSError.
    """
    rows: list[Held] = []
    for each in wanted:
        there = [one for one in found if one.port == each.port]
        mine = [_row(diag, each, one, owns) for one in there]
        rows += mine
        if each.needed and not any(_takes(one, each.host, diag) for one in there):
            rows = [row for row in rows if row not in mine]
            rows += [_elsewhere(row) for row in mine]
            where = each.host or "any address"
            rows.append(Held(each.service, each.port, State.NOTHING, where, expected=each.unit))
    return rows


def _row(diag: SockDiag, wanted: Wanted, listener: Listening, owns: Owns) -> Held:
    unit = unit_of(listener)
    answer = True if wanted.any_owner else owns(wanted, listener, unit)
    state = {True: State.EXPECTED, False: State.STRANGER, None: State.UNKNOWN}[answer]
    return Held(
        wanted.service,
        listener.port,
        state,
        listener.host,
        _families(diag, listener),
        _reach(listener.host),
        describe(listener),
        unit,
        wanted.unit,
    )


def _elsewhere(row: Held) -> Held:
    if row.state is not State.EXPECTED:
        return row
    return Held(
        row.service, row.port, State.ELSEWHERE, row.address, row.families, row.reach,
        row.owner, row.unit, row.expected,
    )  # fmt: skip


def _takes(listener: Listening, host: str, diag: SockDiag) -> bool:
    """Tell whether *listener* may take a connection to *host*."""
    address = ipaddress.ip_address(listener.host)
    if not host or (host == "localhost" and address.is_loopback):
        return True
    try:
        wanted = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return True  # a name: what it is here is the check's to find out
    if address == wanted or wanted.is_unspecified:
        return True
    if not address.is_unspecified:
        return False
    return address.version == wanted.version or _is_dual(diag, listener)


def _families(diag: SockDiag, listener: Listening) -> str:
    if ":" not in listener.host:
        return "IPv4"
    mapped = ipaddress.IPv6Address(listener.host).ipv4_mapped
    if mapped is not None:
        return "IPv4"
    return "IPv4+IPv6" if listener.host == "::" and _is_dual(diag, listener) else "IPv6"


def _is_dual(diag: SockDiag, listener: Listening) -> bool:
    """Tell whether a socket of IPv6 takes IPv4 as well: the kernel knows whom it would give to."""
    if listener.host != "::":
        return False
    taker = diag.lookup(socket.AF_INET, "127.0.0.1", listener.port)
    return taker is not None and taker.host == "::" and taker.cgroup == listener.cgroup


def _reach(host: str) -> Reach:
    address = ipaddress.ip_address(host)
    mapped = getattr(address, "ipv4_mapped", None)
    if (mapped or address).is_loopback:
        return Reach.LOOPBACK
    return Reach.EVERYWHERE if address.is_unspecified else Reach.ONE_ADDRESS
