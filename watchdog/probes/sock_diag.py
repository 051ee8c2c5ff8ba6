"""Listening TCP sockets, asked from the kernel over netlink: sock_diag(7), linux/inet_diag.h.

No privilege is needed, and every request is answered before ``send`` returns, so nothing here
waits. A lookup costs the same however many sockets the host has.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from functools import lru_cache

from watchdog.ports import Listener
from watchdog.probes import netlink

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_TCP_LISTEN = 10
_INET_DIAG_CGROUP_ID = 21

_REQUEST = struct.Struct("=BBBxI2s2s16s16sI8s")  # inet_diag_req_v2
_LISTENER = struct.Struct("=BBxx2s2s16s16sI8s5I")  # inet_diag_msg
_NO_ADDRESS = bytes(16)
_NO_COOKIE = b"\xff" * 8

# While opening; ENOENT is the dump's word for a kernel without tcp_diag.
_FORBIDDEN = frozenset({
    errno.EACCES, errno.EAFNOSUPPORT, errno.ENOENT, errno.ENOSYS, errno.EPERM,
    errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT,
})  # fmt: skip


class UnavailableError(OSError):
    """This host will not answer: netlink is forbidden, or the kernel has no tcp_diag."""


@dataclass(frozen=True, slots=True)
class Listening(Listener):
    """A listener and its accept queue; the kernel turns clients away while waiting > backlog."""

    waiting: int = 0
    backlog: int = 0


class SockDiag:
    """One netlink socket, opened when first needed and again after an error.

    It sees the network namespace that it was opened in.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._unavailable: tuple[int, str] | None = None

    def lookup(self, family: int, host: str, port: int, *, interface: int = 0) -> Listening | None:
        """Return the socket that would accept a connection to *host*:*port*, if there is one.

        The kernel chooses as for a real connection, so wildcard and dual-stack sockets are found.
        *host* is a literal address of *family*. Raises OSError if the kernel cannot be asked.
        """
        address = socket.inet_pton(family, host)
        try:
            found = self._ask(family, address, port, interface)
        except FileNotFoundError:
            return None
        return found[0] if found else None

    def listeners(self) -> list[Listening]:
        """Return every listening socket of the network namespace. Raises OSError."""
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                found += self._ask(family, b"", 0, 0, netlink.DUMP)
            except FileNotFoundError:
                continue  # the kernel lacks this family
        return found

    def close(self) -> None:
        """Give the socket back; the next question opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(
        self, family: int, address: bytes, port: int, interface: int, flags: int = 0
    ) -> list[Listening]:
        """Send one request and return the listeners of its answer."""
        for last in (False, True):
            kernel = self._socket or self._open()
            try:
                self._send(kernel, family, address, port, interface, flags)
                return self._receive(kernel)
            except FileNotFoundError:
                raise  # an answer
            except OSError as error:
                self.close()  # whatever it still holds belongs to nobody
                if last or error.errno != errno.ENOBUFS:
                    raise
            except ValueError as error:
                self.close()
                raise OSError(errno.EBADMSG, f"sock_diag: {error}") from error
        raise AssertionError

    def _open(self) -> socket.socket:
        if self._unavailable is not None:
            raise UnavailableError(*self._unavailable)
        kernel = None
        try:
            kernel = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_SOCK_DIAG
            )
            # Without tcp_diag every lookup says ENOENT, as for a port where nothing listens; a
            # dump says so only then.
            self._send(kernel, socket.AF_INET, b"", 0, 0, netlink.DUMP)
            self._receive(kernel)
        except (OSError, ValueError) as error:
            if kernel is not None:
                kernel.close()
            if not isinstance(error, OSError):
                raise OSError(errno.EBADMSG, f"sock_diag: {error}") from error
            if error.errno in _FORBIDDEN:
                self._unavailable = (error.errno, f"sock_diag: {error.strerror}")
                raise UnavailableError(*self._unavailable) from error
            raise
        self._socket = kernel
        return kernel

    def _send(
        self,
        kernel: socket.socket,
        family: int,
        address: bytes,
        port: int,
        interface: int,
        flags: int,
    ) -> None:
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        wanted = _REQUEST.pack(
            family, socket.IPPROTO_TCP, 0, 1 << _TCP_LISTEN,
            port.to_bytes(2, "big"), b"", address, _NO_ADDRESS, interface, _NO_COOKIE,
        )  # fmt: skip
        kernel.send(netlink.request(_SOCK_DIAG_BY_FAMILY, flags, self._sequence, wanted))

    def _receive(self, kernel: socket.socket) -> list[Listening]:
        found: list[Listening] = []
        while not collect(kernel.recv(netlink.BUFFER), self._sequence, found):
            pass
        return found


def collect(datagram: bytes, sequence: int, found: list[Listening]) -> bool:
    """Add the listeners in *datagram* to *found*; return whether the answer is complete.

    Raises OSError if the kernel answered with an error, ValueError if it is no netlink message.
    """
    for message in netlink.messages(datagram):
        if message.sequence != sequence or message.kind == netlink.NOOP:
            continue  # a late answer to a request that was given up
        if message.kind in {netlink.ERROR, netlink.DONE}:
            netlink.raise_error(message)
            return True
        if message.kind == _SOCK_DIAG_BY_FAMILY:
            listener = parse_listener(message.payload)
            if listener is not None:
                found.append(listener)
        if not message.flags & netlink.MULTI:
            return True
    return False


@lru_cache(maxsize=1024)  # a listener is described with the same bytes until it is closed
def parse_listener(payload: bytes) -> Listening | None:
    """Return the listener that an inet_diag_msg describes; None for a socket in another state."""
    if len(payload) < _LISTENER.size:
        raise ValueError(f"{len(payload)} bytes are too few for a socket")
    (family, state, port, _, source, _, _, _, _, waiting, backlog, uid, inode) = (
        _LISTENER.unpack_from(payload)
    )
    if state != _TCP_LISTEN:
        return None
    if family == socket.AF_INET:
        source = source[:4]
    elif family != socket.AF_INET6:
        raise ValueError(f"address family {family} is not of the internet")
    return Listening(
        host=socket.inet_ntop(family, source),
        port=int.from_bytes(port, "big"),
        inode=inode,
        cgroup=_cgroup(payload),
        uid=uid,
        waiting=waiting,
        backlog=backlog,
    )


def _cgroup(payload: bytes) -> int:
    """Return the cgroup id among the attributes; 0 before Linux 5.7, which does not tell."""
    for kind, content in netlink.attributes(payload, _LISTENER.size):
        if kind == _INET_DIAG_CGROUP_ID:
            return int.from_bytes(content, "little")
    return 0
