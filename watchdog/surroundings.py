"""What all workers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from watchdog.addressing import AddressBook
from watchdog.core.model import State
from watchdog.evidence.desk import Desk
from watchdog.evidence.redact import Redactor
from watchdog.lateness import Lateness
from watchdog.ports import Clock, Store
from watchdog.sight import Sight


class Watcher(Protocol):
    """What a worker may know of another one."""

    @property
    def state(self) -> State:
        """Return how it stands with its service."""
        ...

    async def fresh(self) -> None:
        """Return once its service has been judged anew, or cannot be now."""
        ...


@dataclass(slots=True)
class Surroundings:
    """What all workers share."""

    clock: Clock
    store: Store
    desk: Desk
    book: AddressBook = field(default_factory=AddressBook)  # where alerts go
    redactor: Redactor = field(default_factory=Redactor)
    workers: Mapping[str, Watcher] = field(default_factory=dict)
    sight: Sight = field(default_factory=Sight)
    suspicion: Callable[[], None] = lambda: None  # a failure was counted: an alert may follow
    changed: Callable[[], None] = lambda: None  # some service's state has changed
    late: Lateness = field(default_factory=Lateness)

    @property
    def states(self) -> Mapping[str, State]:
        """Return the present state of every service."""
        return {name: worker.state for name, worker in self.workers.items()}
