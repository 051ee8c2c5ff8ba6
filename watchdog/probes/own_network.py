"""Is this host's own network down? Asked when a check has reached nobody.

Down is what its own kernel says of the way to the target: no route, no carrier, a gateway that
answers neither ARP nor neighbour discovery. A gateway that answers nothing else proves nothing.
An entry that the kernel still holds for good, from before the trouble, leaves the question open:
the kernel asks the gateway again within a minute, and tells.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial

from watchdog.core.telling import Circumstance, CircumstanceKind
from watchdog.ports import OwnTrouble
from watchdog.probes.address import Address
from watchdog.probes.rtnetlink import DELAY, FAILED, INCOMPLETE, PROBE, REACHABLE, Rtnetlink
from watchdog.probes.way import FAR, Seen, Way, look, way_to

KEPT = 1.0
"""Seconds for which what was seen answers the next who asks."""

LONGEST_REACHABLE = 60.0
"""Seconds after which the kernel has asked a neighbour again, unless it was told to wait longer."""


class Finding(Enum):
    """What is known of a way out of this host."""

    UP = "up"  # or nothing speaks against it
    OPEN = "open"  # it may be down; soon the kernel knows
    DOWN = "down"


def judge(seen: Seen, since: float) -> tuple[Finding, str]:
    """Return what *seen* means for a check that has reached nobody *since*, and why. Pure."""
    # Without a gateway behind it, a bridge has no carrier once its last container is dead.
    if seen.link.trouble and (seen.gateway or not seen.link.is_bridge):
        return Finding.DOWN, seen.link.trouble
    gateway = f"gateway {seen.gateway} of {seen.link.name}"
    if seen.state in {INCOMPLETE, FAILED}:
        return Finding.DOWN, f"{gateway} does not answer"
    if seen.met is not None and seen.met >= since:
        return Finding.UP, ""
    is_asked = seen.state in {DELAY, PROBE}
    is_believed = seen.state == REACHABLE and (
        seen.met is None or seen.at - seen.met <= LONGEST_REACHABLE
    )
    if is_asked or is_believed:
        return Finding.OPEN, f"{gateway} has not answered yet"
    return Finding.UP, ""


class OwnNetwork:
    """Answers all who ask at a time with one look at each way out of this host.

    *mono* is the monotonic clock.
    """

    def __init__(self, mono: Callable[[], float] = time.monotonic) -> None:
        self._mono = mono
        self._reached: deque[tuple[float, Address]] = deque(maxlen=64)  # the newest last
        self._seen: dict[Way, Seen] = {}
        self._looks: dict[Way, asyncio.Task[Seen]] = {}

    def reached(self, address: Address) -> None:
        """Know that *address* has answered just now."""
        self._reached.append((self._mono(), address))

    async def trouble(self, addresses: Sequence[Address], since: float) -> OwnTrouble | None:
        """Return why none of *addresses* was reached *since* (mono), as far as it is our own.

        No addresses: a name could not be resolved. If the kernel does not tell, nothing is known.
        """
        try:
            with Rtnetlink() as kernel:
                ways = dict.fromkeys(way_to(kernel, target) for target in addresses or FAR)
            found = await asyncio.gather(*(self._judge(way, since) for way in ways))
        except (LookupError, OSError, ValueError):
            return None  # LookupError: one of the targets is this host
        findings = {finding for finding, _ in found}
        if Finding.UP in findings:
            return None
        # That there is no route is common for IPv6, and the weakest of reasons.
        reasons = list(dict.fromkeys(why for _, why in found if why)) or ["there is no route"]
        if Finding.OPEN in findings:
            return OwnTrouble("; ".join(reasons))
        told = Circumstance(CircumstanceKind.NETWORK_DOWN, "; ".join(reasons))
        return OwnTrouble(f"this host's own network is down: {told.reason}", told)

    async def _judge(self, way: Way | None, since: float) -> tuple[Finding, str]:
        if way is None:
            return Finding.DOWN, ""
        seen = await self._look(way, since)
        finding, why = judge(seen, since)
        if finding is Finding.OPEN and self._was_used(way, since):
            return Finding.UP, ""
        return finding, why

    def _was_used(self, way: Way, since: float) -> bool:
        """Tell whether another check has reached somebody by *way* since then."""
        with Rtnetlink() as kernel:
            for at, address in reversed(self._reached):
                if at < since:
                    break
                with suppress(LookupError):
                    if way_to(kernel, address) == way:
                        return True
        return False

    async def _look(self, way: Way, since: float) -> Seen:
        """Return what is seen of *way*, by whoever looks or just has looked."""
        seen = self._seen.get(way)
        if seen is not None and self._mono() - seen.at < KEPT:
            return seen
        task = self._looks.get(way)
        if task is None:
            met = seen.met if seen is not None else None
            task = self._looks[way] = asyncio.create_task(look(way, since, met))
            task.add_done_callback(partial(self._keep, way))
        return await asyncio.shield(task)

    def _keep(self, way: Way, task: asyncio.Task[Seen]) -> None:
        del self._looks[way]
        if not task.cancelled() and task.exception() is None:
            self._seen[way] = task.result()
