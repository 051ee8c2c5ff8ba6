"""Who has been told of what: the end of an incident or a warning goes where its beginning went."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from watchdog.core.model import ENDS, Alert, AlertKind
from watchdog.core.routing import Subscription, addressees
from watchdog.ports import Addressed


class AddressBook:
    """Addresses alerts by what destinations take, and by what they have been told before."""

    def __init__(self, subscriptions: Sequence[Subscription] = ()) -> None:
        self.subscriptions = subscriptions  # a reload changes them
        self._told: dict[str, set[str]] = {}  # open incident, standing warning -> destinations
        self._listeners: list[list[Addressed]] = []

    def recall(self, told: Mapping[str, Collection[str]]) -> None:
        """Take up who was told of what before the daemon started."""
        for incident, destinations in told.items():
            self._told.setdefault(incident, set()).update(destinations)

    def address(self, alerts: Iterable[Alert]) -> Sequence[Addressed]:
        """Return *alerts* with the destinations they go to, which count as told from now on."""
        return [Addressed(alert, self.destinations_of(alert)) for alert in alerts]

    def destinations_of(self, alert: Alert) -> Sequence[str]:
        """Return where *alert* goes; it counts as told there from now on.

        An end that nobody takes any more waits where its beginning does, for somebody who will.
        """
        destinations = self.takers_of(alert)
        if alert.kind is AlertKind.RESOLVED and not destinations:
            destinations = tuple(sorted(self._told.get(alert.incident, ())))
        self.note(alert, destinations)
        return destinations

    def takers_of(self, alert: Alert) -> Sequence[str]:
        """Return the configured destinations that *alert* would go to."""
        return addressees(alert, self.subscriptions, self._told.get(alert.incident, ()))

    @contextmanager
    def overheard(self) -> Iterator[Sequence[Addressed]]:
        """Give a list of what is addressed from here on, for who reads what was before."""
        heard: list[Addressed] = []
        self._listeners.append(heard)
        try:
            yield heard
        finally:
            self._listeners = [each for each in self._listeners if each is not heard]

    def is_over(self, alert: Alert) -> bool:
        """Tell whether *alert* is a warning whose end has been addressed."""
        return alert.kind is AlertKind.WARNING and alert.incident not in self._told

    def note(self, alert: Alert, destinations: Collection[str]) -> None:
        """Know that *alert* goes to *destinations*."""
        for listener in self._listeners:
            listener.append(Addressed(alert, tuple(destinations)))
        if alert.kind in ENDS:
            self._told.pop(alert.incident, None)
        elif alert.incident:
            self._told.setdefault(alert.incident, set()).update(destinations)
