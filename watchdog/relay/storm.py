"""Incidents that were told together: what broke together mostly heals together."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.core.model import OF_WARNINGS, AlertKind
from watchdog.ports import Delivery
from watchdog.relay.parcel import Parcel, Way

BELONG = 60.0
"""Seconds before a digest in which what was told belongs to the same storm."""


class Storm:
    """The incidents of a digest that have not been told to be over."""

    def __init__(self) -> None:
        self._recent: dict[str, float] = {}  # incident -> mono
        self._open: set[str] = set()

    def remember(self, parcel: Parcel, mono: float) -> None:
        """Take what was told at *mono*."""
        ended = {a.incident for a in parcel.alerts if a.kind is AlertKind.RESOLVED}
        is_new = parcel.way in {Way.WHOLE, Way.OPEN}
        begun = {
            a.incident for a in parcel.alerts if is_new and a.incident and a.kind not in OF_WARNINGS
        } - ended
        recent = {name: at for name, at in self._recent.items() if mono - at < BELONG}
        self._recent = recent | dict.fromkeys(begun, mono)
        for name in ended:
            self._recent.pop(name, None)
        self._open -= ended
        if len(begun) > 1:
            self._open |= self._recent.keys()

    def may_end_soon(self, due: Sequence[Delivery]) -> bool:
        """Tell whether *due* says that some of the incidents are over, and nothing else."""
        over = {each.alert.incident for each in due if each.alert.kind is AlertKind.RESOLVED}
        return len(over) == len(due) and over < self._open
