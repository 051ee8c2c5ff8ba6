"""A datagram that gets as far as the first router, and whether anybody answers it.

It dies there, for its time to live is 1, and most routers say so; what is on the link itself says
that nothing listens. Whoever stays silent has to be asked for by the kernel all the same, so that
its entry among the neighbours tells. No privilege is needed: IP_RECVERR in ip(7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from watchdog.probes.address import Address

_PORT = 33434  # traceroute's: nobody listens there
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_MSG_ERRQUEUE = 0x2000
_ORIGINS = frozenset({2, 3})  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
_OPTIONS: Mapping[int, Sequence[tuple[int, int]]] = {
    socket.AF_INET: ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IP, _IP_RECVERR)),
    socket.AF_INET6: (
        (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
        (socket.IPPROTO_IPV6, _IPV6_RECVERR),
    ),
}
_ERROR = struct.Struct("=IBBBBII")  # sock_extended_err
_MOST = 8  # errors read at once


@contextmanager
def hail(target: Address) -> Iterator[socket.socket]:
    """Send the datagram towards *target*; yields a socket that is readable once there is news."""
    with socket.socket(target.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        for level, option in _OPTIONS[target.family]:
            sock.setsockopt(level, option, 1)
        # A packet filter, or no neighbour: what is known without it has to do.
        with suppress(OSError):
            sock.connect(Address(target.family, target.host, _PORT, target.scope).sockaddr)
            repeat(sock)
        yield sock


def repeat(sock: socket.socket) -> None:
    """Send the datagram once more."""
    with suppress(OSError):
        sock.send(b"")


def is_answered(sock: socket.socket) -> bool:
    """Tell whether somebody else than this host has answered what *sock* sent."""
    try:
        for _ in range(_MOST):
            _, ancillary, _, _ = sock.recvmsg(0, 512, _MSG_ERRQUEUE)
            if any(is_from_elsewhere(content) for _, _, content in ancillary):
                return True
    except OSError:
        return False  # there is no more
    return False


def is_from_elsewhere(error: bytes) -> bool:
    """Tell whether a sock_extended_err is the ICMP message of another host.

    This host sends such messages to itself when a neighbour does not answer.
    """
    if len(error) < _ERROR.size or _ERROR.unpack_from(error)[1] not in _ORIGINS:
        return False
    offender = error[_ERROR.size :]
    family = int.from_bytes(offender[:2], "little")
    try:
        if family == socket.AF_INET:
            host = socket.inet_ntop(family, offender[4:8])
        elif family == socket.AF_INET6:
            host = socket.inet_ntop(family, offender[8:24])
        else:
            return False
    except ValueError:
        return False
    scope = int.from_bytes(offender[24:28], "little") if family == socket.AF_INET6 else 0
    return not Address(family, host, _PORT, scope).is_local()
