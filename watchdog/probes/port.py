"""The port check: is somebody, and the right one, listening?"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from functools import cache, partial

from watchdog.core.model import (
    Observation,
    Verdict,
)
from watchdog.core.service import PortCheck
from watchdog.ports import Listener, Probe
from watchdog.probes.address import Address, is_permanent, literal, resolve
from watchdog.probes.connect import Refusal, connect_any
from watchdog.probes.owner import describe
from watchdog.probes.reach import Reach
from watchdog.probes.sock_diag import Listening, SockDiag, UnavailableError
from watchdog.thread import in_thread

CHECK = "port"

_FORWARDED_WITHIN = 1.0  # seconds for a connection that no socket of ours would take
_MOST_PORTS = 3  # named in a reason

Owns = Callable[[Listener], bool]


@cache
def shared_sock_diag() -> SockDiag:
    """Return the one netlink socket that all port probes of this process share."""
    return SockDiag()


def make_port_probe(
    check: PortCheck,
    owns: Owns | None,
    sock_diag: SockDiag | None = None,
    reach: Reach | None = None,
) -> Probe:
    """Return a probe of *check*; *owns* tells the service's own listeners from other people's.

    With *owns* None nobody is a stranger. An address of this host is looked up in the kernel; of
    another host we know only whether it takes a connection, and *reach* how far we came.
    """
    diag = sock_diag or shared_sock_diag()
    literally = literal(check.host, check.port)
    fixed = (literally,) if literally else ()
    reach = reach or Reach()

    async def probe() -> Observation:
        began = time.monotonic()
        reach.begin()
        try:
            addresses = fixed or await resolve(check.host, check.port)
        except socket.gaierror as error:
            if is_permanent(error):
                reach.stays_home()
            return Observation(
                Verdict.FAIL if is_permanent(error) else Verdict.UNKNOWN,
                CHECK,
                f"cannot resolve {check.host}: {error.strerror}",
                curable=False,
            )
        question = _Question(check, owns, diag, addresses, reach)
        verdict, reason, curable = await question.answer()
        return Observation(verdict, CHECK, reason, time.monotonic() - began, curable)

    return probe


_Answer = tuple[Verdict, str, bool]  # …, reason, curable


class _Question:
    """One asking of one port check."""

    def __init__(
        self,
        check: PortCheck,
        owns: Owns | None,
        diag: SockDiag,
        addresses: Sequence[Address],
        reach: Reach,
    ) -> None:
        self._check = check
        self._owns = owns
        self._diag = diag
        self._addresses = addresses
        self._reach = reach

    async def answer(self) -> _Answer:
        if not all(address.is_local() for address in self._addresses):
            self._reach.tries(self._addresses)
            return await self._by_connection()
        self._reach.stays_home()
        try:
            for address in self._addresses:
                listener = self._diag.lookup(
                    address.family, address.host, address.port, interface=address.scope
                )
                if listener is not None:
                    return await self._judge(address, listener)
            return await self._nothing_listens()
        except UnavailableError:
            return await self._by_connection()
        except OSError as error:
            return Verdict.UNKNOWN, f"cannot ask the kernel for sockets: {error.strerror}", True

    async def _judge(self, address: Address, listener: Listening) -> _Answer:
        if self._check.any_owner or self._owns is None or self._owns(listener):
            reason = f"{address} is listening"
            if listener.waiting > listener.backlog:
                # Clients hang. A burst does that too, so a restart is for /health to ask for.
                reason += (
                    f", but its accept queue is full: {listener.waiting} connections wait,"
                    f" backlog {listener.backlog}"
                )
            return Verdict.PASS, reason, True
        name = await in_thread(partial(describe, listener))
        return Verdict.FAIL, f"{address} is held by another process: {name}", False

    async def _nothing_listens(self) -> _Answer:
        """Say so, after a try: a packet filter may forward the port, as Docker's rules do."""
        if not any(address.is_wildcard for address in self._addresses):
            try:
                async with asyncio.timeout(_FORWARDED_WITHIN):
                    verdict, reason, curable = await self._by_connection()
            except TimeoutError:
                pass
            else:
                if verdict is Verdict.PASS:
                    return verdict, f"{reason}; no socket of this host listens there", curable
        where = " or ".join(map(str, self._addresses))
        return Verdict.FAIL, f"nothing listens on {where}{self._elsewhere()}", True

    def _elsewhere(self) -> str:
        """Say where else the service listens: the wrong port or address is a common cause."""
        owns = self._owns
        try:
            listeners = self._diag.listeners()
        except OSError:
            return ""  # what is known stands without it
        if owns is not None:
            owned = [listener for listener in listeners if owns(listener)]
            if len(owned) == len(listeners) > 1:
                owns = None  # a control that cannot tell claims them all
            listeners = owned
        here = sorted({one.host for one in listeners if one.port == self._check.port})
        if here:
            subject = "the service listens" if owns else "somebody listens"
            return f"; {subject} on {', '.join(here)} only"
        ports = sorted({one.port for one in listeners})
        if not ports or owns is None:
            return ""
        named = ", ".join(map(str, ports[:_MOST_PORTS])) + (", …" if ports[_MOST_PORTS:] else "")
        return f"; the service listens on port{'s' if len(ports) > 1 else ''} {named} instead"

    async def _by_connection(self) -> _Answer:
        """Answer by connecting to each address in turn, as a client would."""
        connection = await connect_any(self._addresses, self._check.timeout, self._reach.meets)
        if isinstance(connection, Refusal):
            verdict = Verdict.UNKNOWN if connection.is_ours else Verdict.FAIL
            return verdict, connection.reason, True
        sock, address = connection
        sock.close()
        return Verdict.PASS, f"{address} accepts connections", True
