"""A way out of this host: its link, and whether the gateway at its end answers.

That is asked at the level of neighbours, ARP or IPv6's neighbour discovery, where every gateway has
to answer; one that drops pings tells nothing by it.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from watchdog.probes import netlink
from watchdog.probes.address import Address
from watchdog.probes.hail import hail, is_answered, repeat
from watchdog.probes.rtnetlink import (
    FAILED,
    INCOMPLETE,
    REACHABLE,
    STALE,
    Link,
    Neighbour,
    Rtnetlink,
    neighbour_news,
    parse_news,
)
from watchdog.thread import in_thread

WITHIN = 1.2
"""Seconds that a gateway has to answer: the kernel asks once a second, and one try may be lost."""

_FAR: Mapping[int, Address] = {
    socket.AF_INET: Address(socket.AF_INET, "192.0.2.1", 0),
    socket.AF_INET6: Address(socket.AF_INET6, "2001:db8::1", 0),
}
FAR = tuple(_FAR.values())
"""Addresses of nobody (RFC 5737, RFC 3849), which go by the default routes."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of this host, the same for all targets beyond its gateway."""

    interface: int
    gateway: Address | None  # None: there is nobody whose silence would tell
    towards: Address = field(compare=False)  # what is sent there goes by the gateway


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a way. Times are mono."""

    at: float
    link: Link
    gateway: str = ""
    state: int = 0  # of the gateway as a neighbour; 0: it has no entry
    met: float | None = None  # when it, or somebody beyond it, is last known to have answered


def way_to(kernel: Rtnetlink, target: Address) -> Way | None:
    """Return the way to *target*, None if there is none.

    The gateway for what is on the link is that of the default route, if it is on the same link.
    Raises OSError, and LookupError if nothing sent to *target* would leave this host.
    """
    route = kernel.route(target)
    if route is None:
        return None
    if route.gateway is not None:
        return Way(route.interface, route.gateway, target)
    far = _FAR[target.family]
    default = kernel.route(far)
    if default is None or default.interface != route.interface:
        return Way(route.interface, None, target)
    return Way(route.interface, default.gateway, far)


async def look(way: Way, since: float, met: float | None) -> Seen:
    """Look at *way*, and wait for its gateway if that has not answered *since* (mono).

    *met* is when it is known to have answered, from an earlier look. Raises OSError if the kernel
    cannot be asked.
    """
    seen = await in_thread(partial(_known, way, met))
    is_known = seen.met is not None and seen.met >= since and seen.state not in {INCOMPLETE, FAILED}
    if not seen.gateway or seen.link.trouble or is_known:
        return seen
    return await in_thread(partial(_known, way, await _ask(way) or met))


async def _ask(way: Way) -> float | None:
    """Have the gateway asked, and return once it answers or is given up; when it answered."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    with neighbour_news() as news, hail(way.towards) as calling:
        answered: list[float] = []

        def hear_answer() -> None:
            if is_answered(calling):
                answered.append(time.monotonic())
                told.set()

        def hear_news() -> None:
            states = {each.state for each in _receive(news) if _is_gateway(each, way)}
            if REACHABLE in states:
                told.set()
            elif states & {FAILED, STALE}:
                repeat(calling)  # given up for somebody before us, or believed no more: ask anew

        loop.add_reader(news, hear_news)
        loop.add_reader(calling, hear_answer)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(WITHIN):
                    await told.wait()
        finally:
            loop.remove_reader(news)
            loop.remove_reader(calling)
    return answered[0] if answered else None


def _receive(news: socket.socket) -> list[Neighbour]:
    try:
        return list(parse_news(news.recv(netlink.BUFFER)))
    except (OSError, ValueError):
        return []  # some were lost: the table itself is read in the end


def _is_gateway(neighbour: Neighbour, way: Way) -> bool:
    gateway = way.gateway.host if way.gateway is not None else None
    return (neighbour.interface, neighbour.host) == (way.interface, gateway)


def _known(way: Way, met: float | None) -> Seen:
    """Read what the kernel knows of *way*. May block: see rtnetlink.py."""
    with Rtnetlink() as kernel:
        link = kernel.link(way.interface)
        if way.gateway is None or not link.asks_neighbours:
            return Seen(time.monotonic(), link)
        neighbour = kernel.neighbour(way.interface, way.gateway)
    at, host = time.monotonic(), way.gateway.host
    if neighbour is None:
        return Seen(at, link, host, met=met)
    if neighbour.confirmed is not None:
        met = max(at - neighbour.confirmed, met or 0.0)
    return Seen(at, link, host, neighbour.state, met)
