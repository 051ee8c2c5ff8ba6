"""Plain TCP connections, with as few system calls and wake-ups as can be."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog.probes.address import Address

LOCAL_ERRNOS = frozenset({
    errno.EACCES, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EMFILE, errno.ENFILE,
    errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EPROTONOSUPPORT,
})  # fmt: skip
"""Our own trouble: no descriptor, port or memory left, a family or address forbidden to us."""

SILENT_ERRNOS = frozenset({
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ETIMEDOUT,
})  # fmt: skip
"""Nobody was reached, or nobody any more; a refusal or a reset would be an answer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No address took the connection, and why; ``is_ours``: by our own trouble alone."""

    reason: str
    is_ours: bool


async def connect_any(
    addresses: Sequence[Address],
    patience: float,
    meets: Callable[[Address], None] = lambda _: None,
) -> tuple[socket.socket, Address] | Refusal:
    """Connect to the first of *addresses* that answers, as a client would.

    The caller sets the deadline, *patience* seconds from now; of several addresses none may use it
    up alone. *meets* is told each that answers, be it with a refusal.
    """
    share = 0.9 * patience / len(addresses)
    reasons = []
    is_ours = True
    for address in addresses:
        try:
            if len(addresses) == 1:
                sock = await connect(address)
            else:
                async with asyncio.timeout(share):
                    sock = await connect(address)
        except TimeoutError:
            is_ours = False
            reasons.append(f"{address}: no answer")
        except OSError as error:
            is_ours = is_ours and error.errno in LOCAL_ERRNOS
            reasons.append(f"{address}: {error.strerror}")
            if error.errno not in LOCAL_ERRNOS | SILENT_ERRNOS:
                meets(address)
        else:
            meets(address)
            return sock, address
    return Refusal(f"cannot connect to {', '.join(reasons)}", is_ours)


async def connect(address: Address) -> socket.socket:
    """Return a non-blocking socket that is connected to *address*; the caller sets the deadline.

    Raises OSError. A connection to a loopback port comes about without waiting.
    """
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        code = await _connect(sock, address)
    except BaseException:
        sock.close()
        raise
    if code:
        sock.close()
        raise OSError(code, os.strerror(code))
    return sock


async def _connect(sock: socket.socket, address: Address) -> int:
    """Return 0 once connected, or the errno."""
    code = sock.connect_ex(address.sockaddr)
    if code not in {0, errno.EINPROGRESS}:
        return code
    # On loopback the handshake is over by now, only the call does not say so.
    peer = _peer(sock)
    if peer is None:
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            return code
        await writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            return code
        peer = _peer(sock)
    # The same at both ends: nobody listens there, and the kernel happened to choose the very port
    # that we connect to as our own.
    return errno.ECONNREFUSED if peer == sock.getsockname() else 0


def _peer(sock: socket.socket) -> object:
    try:
        return sock.getpeername()
    except OSError:
        return None


async def readable(sock: socket.socket) -> None:
    """Return once *sock* has something to read: bytes, its end or an error."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    number = sock.fileno()  # asyncio looks a socket up by way of its repr
    loop.add_reader(number, _resolve, future)
    try:
        await future
    finally:
        loop.remove_reader(number)


async def writable(sock: socket.socket) -> None:
    """Return once *sock* takes something to send, or has an error."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    number = sock.fileno()  # asyncio looks a socket up by way of its repr
    loop.add_writer(number, _resolve, future)
    try:
        await future
    finally:
        loop.remove_writer(number)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
