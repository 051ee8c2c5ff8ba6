"""Whom systemd asks whether we may restart: polkit, which not every host has."""

from __future__ import annotations

import os
from enum import Enum, auto

from watchdog.control.bus import SystemBus
from watchdog.control.systemd_names import BUS_DAEMON, NONSENSE
from watchdog.errors import BusError

POLKIT = "org.freedesktop.PolicyKit1"

NOT_INSTALLED = (
    "polkit is not installed, and without it systemd takes orders from root alone; install it "
    "(Debian: polkitd), then run: sudo systemctl reload service-watchdog"
)


class Polkit(Enum):
    """How polkit stands."""

    RUNS = auto()
    STARTS = auto()  # when it is needed; it may be masked
    MISSING = auto()


async def polkit(bus: SystemBus) -> Polkit | None:
    """Return how polkit stands, by the bus daemon's word; None: it cannot be asked."""
    try:
        if (await bus.call("NameHasOwner", "s", [POLKIT], to=BUS_DAEMON))[0]:
            return Polkit.RUNS
        starts = POLKIT in (await bus.call("ListActivatableNames", to=BUS_DAEMON))[0]
    except (BusError, *NONSENSE):
        return None
    return Polkit.STARTS if starts else Polkit.MISSING


async def obstacle(bus: SystemBus) -> str:
    """Say why this user can restart no unit at all; empty if nothing is known against it."""
    if os.geteuid() == 0 or await polkit(bus) is not Polkit.MISSING:
        return ""
    return f"cannot restart: {NOT_INSTALLED}"
