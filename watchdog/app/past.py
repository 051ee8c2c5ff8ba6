"""How available services were, day by day, read from the database beside the daemon's own work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from watchdog.core.model import Now
from watchdog.ports import Clock
from watchdog.store.durable import DurableStore
from watchdog.web.control_socket import RefusalError

if TYPE_CHECKING:
    from watchdog.core.availability import Account

MOST = 400
"""Days that can be asked for."""

KEPT = 300.0
"""Seconds for which an answer is good: the days before today do not change."""

_SEVERAL = 512  # answers that are kept


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    days: int = 90


class Past:
    """Answers from the database of *store*, in days of *zone*; one question at a time."""

    def __init__(self, store: DurableStore, clock: Clock, zone: tzinfo | None) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._one = asyncio.Lock()
        self._known: dict[tuple[str, int], tuple[float, dict[str, Any]]] = {}

    async def availability(self, arguments: Mapping[str, Any], _caller: str) -> dict[str, Any]:
        """Tell how long a service was up and down, on each day and in all."""
        asked = msgspec.convert(arguments, _Asked)
        if not 1 <= asked.days <= MOST:
            raise RefusalError(f"cannot look back {asked.days} days; expected 1 to {MOST}")
        key = (asked.name, asked.days)
        async with self._one:
            read, answer = self._known.get(key, (0.0, {}))
            if not read or time.monotonic() - read > KEPT:
                life, now = await self._store.life(), self._clock.now()
                answer = await asyncio.to_thread(self._read, asked.name, asked.days, life, now)
                if len(self._known) >= _SEVERAL:
                    self._known.clear()
                self._known[key] = (time.monotonic(), answer)
        return answer

    def _read(self, name: str, days: int, life: int, now: Now) -> dict[str, Any]:
        from watchdog.core.availability import DAY, Chapter, account  # noqa: PLC0415
        from watchdog.store.history import unpacked  # noqa: PLC0415
        from watchdog.store.ledger import Ledger  # noqa: PLC0415

        offset = datetime.now(self._zone).astimezone(self._zone).utcoffset()
        zone = offset.total_seconds() if offset is not None else 0.0
        today = int((now.wall + zone) // DAY)
        first = today - days + 1
        with Ledger(self._store.path) as ledger:
            # Our own is written down now and then only.
            alive = {each.id: Now(each.mono, each.wall) for each in ledger.lives()} | {life: now}
            chapters = [
                Chapter(row.life, alive.get(row.life, records[-1].now), records)
                for row, records in unpacked(ledger.history(name))
            ]
        found = account(chapters, first * DAY - zone, zone)
        return _answer(name, found, range(first, today + 1))


def _answer(name: str, found: Account, days: Sequence[int]) -> dict[str, Any]:
    from watchdog.core.availability import DAY, Day  # noqa: PLC0415

    each = [(number, found.days.get(number, Day())) for number in days]
    return {
        "name": name,
        "availability": found.availability,
        "up": round(found.up),
        "down": round(found.down),
        "incidents": found.incidents,
        "mttr": found.recovery,
        "days": [
            {
                "day": time.strftime("%Y-%m-%d", time.gmtime(number * DAY)),
                "up": round(day.up),
                "down": round(day.down, 1),
            }
            for number, day in each
        ],
    }
