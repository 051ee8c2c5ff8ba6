"""One GET on a connection of its own.

The socket is read without an asyncio transport, which would double the CPU that a check takes:
``scripts/bench-probes``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from functools import cache, partial
from socket import socket
from typing import TypeVar

from watchdog.probes.connect import readable, writable
from watchdog.probes.reception import Reception

_QUOTE_WITHIN = 0.5  # seconds that the body of a refused answer has to be quoted
_CHUNK = 16 * 1024

_T = TypeVar("_T")


async def exchange(sock: socket, request: bytes, reception: Reception) -> None:
    """Send *request* on the connected *sock* and let *reception* take the answer."""
    try:
        rest = memoryview(request)
        while rest:
            rest = rest[await _when_ready(sock, partial(sock.send, rest), writable) :]
        if not isinstance(sock, ssl.SSLSocket):
            await readable(sock)  # saves a try: no answer is there yet
        while not (reception.finished or reception.is_refused):
            reception.feed(await _when_ready(sock, partial(sock.recv, _CHUNK)))
        if not reception.finished:
            # The verdict is known; the body is only wanted for the words.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUOTE_WITHIN):
                    while not reception.finished:
                        reception.feed(await _when_ready(sock, partial(sock.recv, _CHUNK)))
            reception.finish()
    except OSError as error:
        reception.fail(error)


async def start_tls(sock: socket, host: str, *, verify: bool) -> ssl.SSLSocket:
    """Return the TLS session that takes the place of *sock*. Raises OSError, SSLError included."""
    session = _context(verify=verify).wrap_socket(
        sock, server_hostname=host, do_handshake_on_connect=False
    )
    try:
        await _when_ready(session, session.do_handshake)
    except BaseException:
        session.close()
        raise
    return session


@cache
def _context(*, verify: bool) -> ssl.SSLContext:
    """Return the context of all https checks; making it reads the host's certificates: 20 ms."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _when_ready(
    sock: socket,
    call: Callable[[], _T],
    ready: Callable[[socket], Awaitable[None]] = readable,
) -> _T:
    """Return what *call* returns as soon as it need not block; TLS has its own idea of *ready*."""
    while True:
        try:
            return call()
        except BlockingIOError:
            await ready(sock)
        except ssl.SSLWantReadError:
            await readable(sock)
        except ssl.SSLWantWriteError:
            await writable(sock)
