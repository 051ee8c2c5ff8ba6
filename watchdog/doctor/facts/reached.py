"""What an URL answers, in more detail than a check needs: for whoever looks for the cause."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from watchdog.core.service import HttpCheck
from watchdog.doctor.case import Case
from watchdog.probes.address import Address, is_permanent, literal, resolve
from watchdog.probes.connect import Refusal, connect_any
from watchdog.probes.exchange import exchange, start_tls
from watchdog.probes.reception import Reception
from watchdog.probes.target import Target, parse_target
from watchdog.probes.text import clean

MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a GET came, and what was answered."""

    target: Target
    addresses: tuple[Address, ...] = ()  # that the name has; empty: none
    no_such_name: bool = False
    address: Address | None = None  # that took the connection
    refused: str = ""  # why none did
    tls: ssl.SSLError | None = None  # why there is no TLS session
    status: int = 0  # 0: no answer
    location: str = ""
    server: str = ""
    timed_out: bool = False


async def reach(case: Case, check: HttpCheck) -> Reached:
    """Return what GET of *check* answers; asked once."""
    return await case.once(("reach", check.url), lambda: fetch(check, check.url))


async def redirects(check: HttpCheck, first: Reached) -> list[str]:
    """Return where redirects lead from *first*: addresses, each asked for its own."""
    seen = [check.url]
    now = first
    while now.location and len(seen) <= MOST_REDIRECTS:
        url = urljoin(seen[-1], now.location)
        if url in seen or urlsplit(url).scheme not in {"http", "https"}:
            return [*seen, url]
        seen.append(url)
        now = await fetch(check, url)
    return seen


def is_loop(seen: list[str]) -> bool:
    """Tell whether redirects come back to where they have been, or never end."""
    return seen[-1] in seen[:-1] or len(seen) > MOST_REDIRECTS


async def addresses_of(host: str, port: int) -> tuple[Address, ...]:
    """Return the addresses of *host*. Raises gaierror."""
    fixed = literal(host, port)
    return (fixed,) if fixed else tuple(await resolve(host, port))


async def fetch(check: HttpCheck, url: str) -> Reached:
    """Return what GET of *url* answers now, asked as *check* asks."""
    try:
        target = parse_target(url, check.headers)
    except ValueError as error:
        return Reached(
            Target(tls=False, host="", port=0, label=url, request=b""), refused=str(error)
        )
    so_far = [Reached(target)]
    try:
        async with asyncio.timeout(check.timeout):
            await _ask(check, target, so_far)
    except TimeoutError:
        so_far.append(replace(so_far[-1], timed_out=True))
    return so_far[-1]


async def _ask(check: HttpCheck, target: Target, so_far: list[Reached]) -> None:
    try:
        addresses = await addresses_of(target.host, target.port)
    except socket.gaierror as error:
        so_far.append(
            Reached(target, no_such_name=is_permanent(error), refused=error.strerror or "")
        )
        return
    so_far.append(Reached(target, addresses))
    connection = await connect_any(addresses, check.timeout)
    if isinstance(connection, Refusal):
        so_far.append(Reached(target, addresses, refused=connection.reason))
        return
    sock, address = connection
    so_far.append(Reached(target, addresses, address=address))
    try:
        if target.tls:
            sock = await start_tls(sock, target.host, verify=check.verify_tls)
        reception = Reception(range(1000))
        await exchange(sock, target.request, reception)
    except ssl.SSLError as error:
        so_far.append(Reached(target, addresses, address=address, tls=error))
        return
    except OSError as error:
        so_far.append(Reached(target, addresses, address=address, refused=str(error)))
        return
    finally:
        sock.close()
    named = dict(reception.headers)
    so_far.append(
        Reached(
            target,
            addresses,
            address=address,
            refused=reception.trouble,
            status=reception.status,
            location=clean(reception.location.decode("latin-1")),
            server=clean(named.get("server", "")),
        )
    )
