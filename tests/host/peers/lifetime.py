"""How long a peer runs."""

from __future__ import annotations

import asyncio
import signal


async def stopped() -> None:
    """Return when somebody asks this program to end."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await end.wait()
