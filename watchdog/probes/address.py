"""Where a check asks: literal addresses, names, and which of them belong to this host."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from watchdog.thread import in_thread

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 in IPv6's clothes

Resolved = Sequence["Address"] | socket.gaierror


@dataclass(frozen=True, slots=True)
class Address:
    """A literal address and a port; ``str`` gives them as one writes them in a URL."""

    family: int
    host: str
    port: int
    scope: int = 0  # the interface of a link-local IPv6 address

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"

    @property
    def sockaddr(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """Return it as the socket module wants it."""
        if self.family == socket.AF_INET6:
            return (self.host, self.port, 0, self.scope)
        return (self.host, self.port)

    @property
    def is_wildcard(self) -> bool:
        """Tell whether it stands for every address of the host."""
        return self.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not listened on

    def is_local(self) -> bool:
        """Tell whether it is an address of this host, now."""
        if self.is_wildcard or self.host == "::1" or self.host.startswith("127."):
            return True
        try:
            with socket.socket(self.family, socket.SOCK_DGRAM) as probe:
                # Sends nothing. The kernel talks to its own addresses from those same addresses.
                probe.connect(self.sockaddr)
                return bool(probe.getsockname()[0].partition("%")[0] == self.host)
        except OSError:
            return False


def literal(host: str, port: int) -> Address | None:
    """Return the address that *host* spells out, in any notation; None if it is a name."""
    try:
        answers = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return None
    return _addresses(answers)[0]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of *host* in the order a client tries them. Raises gaierror."""
    if host.rstrip(".").lower() == "localhost":
        # RFC 6761, 6.3: always loopback, so neither a thread nor a resolver need be asked.
        return (Address(socket.AF_INET6, "::1", port), Address(socket.AF_INET, "127.0.0.1", port))
    loop = asyncio.get_running_loop()
    key = (loop, host, port)
    # One thread for each name: with a resolver that hangs, rounds must not pile up threads.
    task = _asking.get(key)
    if task is None:
        task = _asking[key] = loop.create_task(_ask(host, port))
        task.add_done_callback(lambda _: _asking.pop(key))
    answer = await asyncio.shield(task)
    if isinstance(answer, socket.gaierror):
        raise answer.with_traceback(None)
    return answer


def is_permanent(error: socket.gaierror) -> bool:
    """Tell whether there is no such name; otherwise the resolver is in trouble, not the name."""
    return error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}


_asking: dict[tuple[asyncio.AbstractEventLoop, str, int], asyncio.Task[Resolved]] = {}


async def _ask(host: str, port: int) -> Resolved:
    try:
        answers = await in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        return socket.gaierror(socket.EAI_NONAME, "not a host name")
    except socket.gaierror as error:
        return error
    return _addresses(answers)


def _addresses(answers: Sequence[tuple[object, ...]]) -> list[Address]:
    addresses: dict[Address, None] = {}  # an ordered set
    for family, _, _, _, sockaddr in answers:
        assert isinstance(family, int)  # noqa: S101 - for the type checker
        assert isinstance(sockaddr, tuple)  # noqa: S101
        host = str(sockaddr[0]).partition("%")[0]
        scope = sockaddr[3] if family == socket.AF_INET6 else 0
        packed = socket.inet_pton(family, host)
        if family == socket.AF_INET6 and packed.startswith(_MAPPED):
            family, host = socket.AF_INET, socket.inet_ntop(socket.AF_INET, packed[12:])  # noqa: PLW2901
        addresses[Address(family, host, int(sockaddr[1]), scope)] = None
    return list(addresses)
