"""Routes, links and neighbours, asked from the kernel: rtnetlink(7), linux/rtnetlink.h.

No privilege is needed. Every request is answered before ``send`` returns, but some wait in there
for a lock that a busy host may hold for long: a loop asks for links and neighbours in a thread.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from watchdog.probes import netlink
from watchdog.probes.address import Address

_NEWLINK, _GETLINK = 16, 18
_NEWROUTE, _GETROUTE = 24, 26
_NEWNEIGH, _DELNEIGH, _GETNEIGH = 28, 29, 30
_GROUP_NEIGHBOURS = 1 << 2  # RTNLGRP_NEIGH, as bind() wants it

_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg
_LINK = struct.Struct("=BxHiII")  # ifinfomsg
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # ndmsg
_CONFIRMED = struct.Struct("=I")  # the first of nda_cacheinfo
_INDEX = struct.Struct("=I")

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_VIA = 1, 4, 5, 18
_IFLA_IFNAME, _IFLA_LINKINFO = 3, 18
_IFLA_INFO_KIND = 1
_NDA_DST, _NDA_CACHEINFO = 1, 3

_UNICAST = 1  # RTN_UNICAST; what is local, blackhole or multicast leaves by no link
_IFF_UP, _IFF_RUNNING, _IFF_NOARP, _IFF_LOWER_UP = 0x1, 0x40, 0x80, 0x10000

INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""States of a neighbour: linux/neighbour.h. NOARP and PERMANENT, the others, are never asked."""

_LENGTHS: Mapping[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}
_TICK = os.sysconf("SC_CLK_TCK")  # USER_HZ, in which the kernel tells ages
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})


@dataclass(frozen=True, slots=True)
class Route:
    """Which way the kernel would send a packet; ``gateway`` None: the target is on the link."""

    interface: int
    gateway: Address | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface and its flags: netdevice(7)."""

    name: str
    flags: int
    kind: str = ""  # of a virtual one: "bridge", "vlan"; empty of hardware

    @property
    def trouble(self) -> str:
        """Say why nothing can be sent by it; empty if something can."""
        if not self.flags & _IFF_UP:
            return f"{self.name} is switched off"
        if not self.flags & _IFF_LOWER_UP:
            return f"{self.name} has no carrier"
        return "" if self.flags & _IFF_RUNNING else f"{self.name} is not ready"

    @property
    def asks_neighbours(self) -> bool:
        """Tell whether it looks its neighbours up; WireGuard, PPP and other tunnels do not."""
        return not self.flags & _IFF_NOARP

    @property
    def is_bridge(self) -> bool:
        """Tell whether it is a bridge, whose ports may all be this host's own containers."""
        return self.kind == "bridge"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the neighbour table, of ARP or of IPv6's neighbour discovery."""

    interface: int
    family: int
    host: str
    state: int
    confirmed: float | None = None  # seconds since it was last known to answer; None: it never was


class Rtnetlink:
    """A netlink socket for questions, closed at the end of ``with``.

    It sees the network namespace that it was opened in. Every call raises OSError if the kernel
    does not answer.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._socket.close()

    def route(self, target: Address) -> Route | None:
        """Return the way to *target*; None if there is none.

        Raises LookupError where no packet would leave this host: it is an address of its own, or
        an administrator has forbidden it.
        """
        wanted = _ROUTE.pack(target.family, _LENGTHS[target.family] * 8, *[0] * 7)
        wanted += netlink.attribute(_RTA_DST, socket.inet_pton(target.family, target.host))
        if target.scope:
            wanted += netlink.attribute(_RTA_OIF, _INDEX.pack(target.scope))
        try:
            return parse_route(self._ask(_GETROUTE, _NEWROUTE, wanted))
        except OSError as error:
            if error.errno in _NO_ROUTE:
                return None
            if error.errno in {errno.EACCES, errno.EINVAL}:  # routes "prohibit" and "blackhole"
                raise LookupError(error.strerror) from error
            raise

    def link(self, interface: int) -> Link:
        """Return the link *interface*."""
        return parse_link(self._ask(_GETLINK, _NEWLINK, _LINK.pack(0, 0, interface, 0, 0)))

    def neighbour(self, interface: int, target: Address) -> Neighbour | None:
        """Return what is known of *target* on the link *interface*; None if nothing is."""
        wanted = _NEIGHBOUR.pack(target.family, interface, 0, 0, 0)
        wanted += netlink.attribute(_NDA_DST, socket.inet_pton(target.family, target.host))
        try:
            return parse_neighbour(self._ask(_GETNEIGH, _NEWNEIGH, wanted))
        except FileNotFoundError:
            return None

    def _ask(self, kind: int, answer: int, wanted: bytes) -> bytes:
        """Return the payload of the answer to one request."""
        self._sequence += 1
        self._socket.send(netlink.request(kind, 0, self._sequence, wanted))
        try:
            for message in netlink.messages(self._socket.recv(netlink.BUFFER)):
                if message.kind == netlink.ERROR:
                    netlink.raise_error(message)
                elif message.kind == answer:
                    return message.payload
        except ValueError as error:
            raise OSError(errno.EBADMSG, f"rtnetlink: {error}") from error
        raise OSError(errno.EBADMSG, "rtnetlink: the answer is another one")


def neighbour_news() -> socket.socket:
    """Return a socket that receives every change of the neighbour table: see ``parse_news``."""
    news = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    try:
        news.bind((0, _GROUP_NEIGHBOURS))
    except BaseException:
        news.close()
        raise
    return news


def parse_news(datagram: bytes) -> Iterator[Neighbour]:
    """Yield the neighbours that *datagram* tells of. Raises ValueError."""
    for message in netlink.messages(datagram):
        if message.kind == _NEWNEIGH:
            yield parse_neighbour(message.payload)


def parse_route(payload: bytes) -> Route:
    """Return the route that an rtmsg describes. Raises ValueError, and LookupError: see above."""
    if len(payload) < _ROUTE.size:
        raise ValueError(f"{len(payload)} bytes are too few for a route")
    family, _, _, _, _, _, _, kind, _ = _ROUTE.unpack_from(payload)
    if kind != _UNICAST:
        raise LookupError("no packet would leave this host")
    interface, gateway = 0, None
    for which, content in netlink.attributes(payload, _ROUTE.size):
        if which == _RTA_OIF:
            interface = _number(content)
        elif which == _RTA_GATEWAY:
            gateway = content
        elif which == _RTA_VIA:  # IPv4 by way of an IPv6 gateway: RFC 5549
            family, gateway = int.from_bytes(content[:2], "little"), content[2:]
    if not interface:
        raise ValueError("a route has no interface")
    if gateway is None:
        return Route(interface)
    host = _host(family, gateway)
    scope = interface if family == socket.AF_INET6 else 0
    return Route(interface, Address(family, host, 0, scope))


def parse_link(payload: bytes) -> Link:
    """Return the link that an ifinfomsg describes. Raises ValueError."""
    if len(payload) < _LINK.size:
        raise ValueError(f"{len(payload)} bytes are too few for a link")
    _, _, index, flags, _ = _LINK.unpack_from(payload)
    name, kind = f"interface {index}", ""
    for which, content in netlink.attributes(payload, _LINK.size):
        if which == _IFLA_IFNAME:
            name = _text(content)
        elif which == _IFLA_LINKINFO:
            kind = _text(dict(netlink.attributes(content, 0)).get(_IFLA_INFO_KIND, b""))
    return Link(name, flags, kind)


def parse_neighbour(payload: bytes) -> Neighbour:
    """Return the neighbour that an ndmsg describes. Raises ValueError."""
    if len(payload) < _NEIGHBOUR.size:
        raise ValueError(f"{len(payload)} bytes are too few for a neighbour")
    family, interface, state, _, _ = _NEIGHBOUR.unpack_from(payload)
    host, confirmed = "", None
    for which, content in netlink.attributes(payload, _NEIGHBOUR.size):
        # News come of bridges as well, whose neighbours have no address.
        if which == _NDA_DST and len(content) == _LENGTHS.get(family):
            host = socket.inet_ntop(family, content)
        elif which == _NDA_CACHEINFO and len(content) >= _CONFIRMED.size:
            # The kernel rounds down, which would make an answer younger than a question.
            confirmed = (_CONFIRMED.unpack_from(content)[0] + 1) / _TICK
    # Of one that does not answer the age is made up.
    is_known = state & (REACHABLE | STALE | DELAY | PROBE)
    return Neighbour(interface, family, host, state, confirmed if is_known else None)


def _text(content: bytes) -> str:
    return content.rstrip(b"\0").decode("utf-8", "replace")


def _number(content: bytes) -> int:
    if len(content) != _INDEX.size:
        raise ValueError(f"{len(content)} bytes are no number of an interface")
    number: int = _INDEX.unpack(content)[0]
    return number


def _host(family: int, packed: bytes) -> str:
    if len(packed) != _LENGTHS.get(family):
        raise ValueError(f"{len(packed)} bytes are no address of family {family}")
    return socket.inet_ntop(family, packed)
