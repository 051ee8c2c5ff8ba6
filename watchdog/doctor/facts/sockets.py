"""Who listens where, as the kernel tells it; and which port and address a service should have."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from watchdog.control.ownership import is_made_in
from watchdog.core.service import HttpCheck, PortCheck
from watchdog.doctor.case import Case
from watchdog.doctor.facts.unit import shown
from watchdog.probes.address import Address
from watchdog.probes.owner import describe
from watchdog.probes.sock_diag import Listening, SockDiag
from watchdog.thread import in_thread

_WITHIN = 1.0  # seconds; the kernel tries a SYN again after one

LOOPBACK = ("127.", "::1")
_ANY = ("0.0.0.0", "::")  # noqa: S104 - as the kernel tells it
_HERE = {"localhost", "127.0.0.1", "::1"}
_NAMED = re.compile(r"\(pid (?P<pid>\d+)(?:, (?P<unit>[^)]+))?\)$|\((?P<alone>[^)\s]+)\)$")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a socket."""

    words: str  # nginx (pid 77, nginx.service)
    pid: int | None
    unit: str  # empty if it belongs to none


def asked_at(case: Case) -> tuple[str, int] | None:
    """Return the host and port at which the service is asked; None if not on this host."""
    for check in case.service.checks:
        if isinstance(check, PortCheck):
            return check.host, check.port
    for check in case.service.checks:
        if isinstance(check, HttpCheck):
            url = urlsplit(check.url)
            if url.hostname in _HERE:
                return url.hostname, url.port or (443 if url.scheme == "https" else 80)
    return None


async def listeners(case: Case) -> Sequence[Listening]:
    """Return every listening socket; none if the kernel does not tell."""
    return await case.once("listeners", lambda: in_thread(_listeners))


def _listeners() -> Sequence[Listening]:
    diag = SockDiag()
    try:
        return diag.listeners()
    except OSError:
        return ()
    finally:
        diag.close()


async def listener_at(case: Case, address: Address) -> Listening | None:
    """Return who would take a connection to *address*; None if nobody. Raises OSError."""

    async def ask() -> Listening | None:
        diag = SockDiag()
        try:
            return diag.lookup(address.family, address.host, address.port)
        finally:
            diag.close()

    return await case.once(("listener", address), ask)


async def is_of(case: Case, listener: Listening, unit: str) -> bool | None:
    """Tell whether *listener* was made by *unit*; None if the kernel does not tell."""
    cgroup = (await case.shown(unit)).get("ControlGroup", "")
    if not listener.cgroup or not cgroup:
        return None
    return await in_thread(partial(is_made_in, listener, cgroup))


async def own(case: Case) -> Sequence[Listening]:
    """Return the listening sockets that the unit's own processes made."""
    cgroup = (await shown(case)).get("ControlGroup", "")
    return [each for each in await listeners(case) if is_made_in(each, cgroup)]


def takes(listener: Listening, host: str) -> bool:
    """Tell whether a connection to *host* would come to *listener*, the port being right."""
    if listener.host in _ANY or host in _ANY:
        return True
    if host == "localhost":
        return listener.host.startswith(LOOPBACK)
    return listener.host == host


async def connects(host: str, port: int) -> bool:
    """Tell whether a connection comes about, or is refused: whether packets come through."""
    try:
        async with asyncio.timeout(_WITHIN):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return False
    except OSError as error:
        return error.errno != errno.EPERM  # refused to send, too
    writer.close()
    return True


async def holder(listener: Listening) -> Holder:
    """Name who has *listener*."""
    words = await in_thread(partial(describe, listener))
    found = _NAMED.search(words)
    if found is None:
        return Holder(words, None, "")
    pid = int(found["pid"]) if found["pid"] else None
    unit = found["unit"] or found["alone"] or ""
    return Holder(words, pid, unit if unit.endswith((".service", ".socket")) else "")
