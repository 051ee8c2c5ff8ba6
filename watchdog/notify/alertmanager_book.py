"""What Alertmanager has been told and must be told again: it forgets what nobody repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchdog.core.model import ENDS, Alert
from watchdog.notify.alertmanager_message import labels, posted, started
from watchdog.notify.facts import lasts
from watchdog.ports import Message

MOMENT = 300.0
"""Seconds that what does not last (a notice, a test) is shown."""

RENEWALS = 4
"""Alerts expire after so many renewals have failed to come."""

Key = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Entry:
    """One alert as Alertmanager knows it. Times are wall."""

    message: Message  # the latest word
    labels: Mapping[str, str]
    starts: float
    ends: float | None = None  # None: as long as it is renewed
    forgotten: float = 0.0  # with ``ends``: when nobody need be told of it any more
    owed: set[str] = field(default_factory=set)  # members that have not taken the latest word


class Book:
    """The alerts that stand, and those whose end some member has not heard of."""

    def __init__(self, more_labels: Mapping[str, str], resend: float, generator: str) -> None:
        self._more = more_labels
        self._expiry = RENEWALS * resend
        self._generator = generator
        self._entries: dict[Key, Entry] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def draft(self, message: Message, now: float) -> Entry:
        """Return what *message* says, not yet in the book."""
        alert = message.alert
        before = self._of_incident(alert.incident) if lasts(alert.kind) else None
        known_by = before.labels if before is not None else labels(message, self._more)
        starts = before.starts if before is not None else started(alert)
        if alert.kind in ENDS:
            return Entry(message, known_by, starts, alert.wall, now + self._expiry)
        if not lasts(alert.kind):
            return Entry(message, known_by, starts, now + MOMENT, now + MOMENT)
        return Entry(message, known_by, starts)

    def write(self, entry: Entry, owed: Iterable[str]) -> None:
        """Take *entry* up, in place of what was said before; *owed* have not taken it."""
        entry.owed = set(owed)
        self._entries[frozenset(entry.labels.items())] = entry
        self._tidy()

    def end_all_but(
        self, is_open: Callable[[Alert], bool], members: Iterable[str], now: float
    ) -> None:
        """End what stands though it is over: a warning, or an incident that nobody watches."""
        for entry in self._entries.values():
            if entry.ends is None and not is_open(entry.message.alert):
                entry.ends, entry.forgotten = now, now + self._expiry
                entry.owed = set(members)

    def forget_old(self, now: float) -> None:
        """Forget what has expired by itself wherever it was not heard."""
        for entry in self._entries.values():
            if entry.ends is not None and now >= entry.forgotten:
                entry.owed.clear()
        self._tidy()

    def due(self, member: str, now: float) -> Sequence[Mapping[str, Any]]:
        """Return all that *member* must be told now."""
        return [
            self.form(entry, now)
            for entry in self._entries.values()
            if entry.ends is None or member in entry.owed
        ]

    def took(self, member: str) -> None:
        """Note that *member* has taken all that was due."""
        for entry in self._entries.values():
            entry.owed.discard(member)
        self._tidy()

    def form(self, entry: Entry, now: float) -> Mapping[str, Any]:
        """Return *entry* as it is posted at *now*."""
        ends = now + self._expiry if entry.ends is None else entry.ends
        return posted(entry.message, entry.labels, entry.starts, ends, self._generator)

    def _of_incident(self, incident: str) -> Entry | None:
        entries = self._entries.values()
        return next((e for e in entries if incident and e.message.alert.incident == incident), None)

    def _tidy(self) -> None:
        self._entries = {
            key: entry for key, entry in self._entries.items() if entry.ends is None or entry.owed
        }
