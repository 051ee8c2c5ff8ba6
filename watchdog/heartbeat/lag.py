"""How late the event loop is."""

from __future__ import annotations

from watchdog.ports import Clock

LAG = 1.0
"""Seconds; an event loop that is later than this is looked at again before it is called late."""

LOOKS = 3
"""So many times in a row it is late, then it is told."""


async def lag_at(clock: Clock, until: float) -> float:
    """Return by how many seconds this goes on later than *until* (mono)."""
    await clock.sleep_until(until)
    return clock.now().mono - until


async def lasting_lag(clock: Clock, until: float) -> float:
    """Return how late the loop is at *until* (mono), or at a look soon after if it is no more.

    It may have been a moment's: the host had no CPU to give, or all was stopped for a while.
    """
    lag = await lag_at(clock, until)
    for _ in range(LOOKS - 1):
        if lag <= LAG:
            break
        lag = await lag_at(clock, clock.now().mono + LAG)
    return lag
