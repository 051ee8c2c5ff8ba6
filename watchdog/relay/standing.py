"""How one destination stands, for people, and for those who await the outcome of an alert."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import TypedDict

from watchdog.core.model import Alert
from watchdog.errors import DeliveryError, StoreError
from watchdog.notify.phrases import moment


class RelayStatus(TypedDict):
    """How one destination stands. Times are wall."""

    words: str
    last_error: str  # empty since the last success
    next_try: float | None
    last_success: float | None


class Standing:
    """What became of the latest deliveries to one destination."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed  # called when ``trouble`` is another
        self._trouble = ""
        self.next_try: float | None = None  # wall
        self.last_success: float | None = None  # wall
        self._awaited: list[tuple[Alert, asyncio.Future[str]]] = []

    @property
    def trouble(self) -> str:
        """Why the last alert was not delivered; empty if it was."""
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._changed()

    def status(self, tz: tzinfo) -> RelayStatus:
        """Return how the destination stands, in words too, with times in zone *tz*."""
        words = "nothing delivered yet"
        if self.last_success is not None:
            words = f"last delivered at {stamp(self.last_success, tz)}"
        if self.trouble:
            words = f"{self.trouble}; {words}"
        if self.next_try is not None:
            words = f"{words}; next try at {stamp(self.next_try, tz)}"
        return {
            "words": words,
            "last_error": self.trouble,
            "next_try": self.next_try,
            "last_success": self.last_success,
        }

    def outcome_of(self, alert: Alert) -> asyncio.Future[str]:
        """Return what will hold the answer about *alert*."""
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited.append((alert, outcome))
        return outcome

    def answer(self, alert: Alert | None, trouble: str) -> None:
        """Tell *trouble* to who awaits the outcome of *alert*, or of any alert if None."""
        for awaited in list(self._awaited):
            if alert is None or awaited[0] == alert:
                self._awaited.remove(awaited)
                if not awaited[1].done():
                    awaited[1].set_result(trouble)


def stamp(wall: float, tz: tzinfo) -> str:
    """Return *wall* as date, time and zone, for the command line."""
    at = moment(wall, tz)
    return f"{at:%Y-%m-%d %H:%M:%S %Z}" if at is not None else f"unknown time ({wall:g})"


def describe(error: Exception) -> str:
    """Return the kind and place of *error*, without its words if they are not ours.

    A foreign exception may quote what it was given, a secret too.
    """
    if isinstance(error, DeliveryError | StoreError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
