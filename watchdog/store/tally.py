"""How often what has happened since the daemon started, for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchdog.core.model import AlertKind
from watchdog.ports import Change, Delivery


@dataclass(slots=True)
class Tally:
    """Counts what passes the store, which all that happens does; 0 is not there."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)  # by service and kind of note
    restarts: Counter[tuple[str, str]] = field(default_factory=Counter)  # by service and outcome
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)  # by destination and result

    def change(self, change: Change) -> None:
        """Count what one step changed."""
        service = change.state.service
        for note in change.notes:
            self.events[service, note.kind.value] += 1
        if change.finished is not None:
            self.restarts[service, change.finished.outcome.value] += 1

    def tried(self, deliveries: Sequence[Delivery], result: str) -> None:
        """Count what became of *deliveries*: delivered, failed or rejected.

        Updates are left out: they are told where an incident is one message, and nowhere else.
        """
        for delivery in deliveries:
            if delivery.alert.kind is not AlertKind.UPDATE:
                self.tries[delivery.destination, result] += 1
