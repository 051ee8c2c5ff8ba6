"""What the disk has not taken yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from watchdog.core.model import AlertKind
from watchdog.ports import Addressed, Delivery, Left
from watchdog.store.encode import decode_receipt
from watchdog.store.entry import Batch, Entry, Result, Status

MAX_ENTRIES = 2000
"""Beyond so many changes, the older ones keep only each service's newest state, and letters."""

MAX_LETTERS = 5000
"""Beyond so many letters, a few MiB, the oldest are lost; those already sent go first."""

BATCH = 200  # entries written in one transaction: a full disk may take some of them, not all


class Memory:
    """Changes, letters, results and evidence that wait for the disk, in order and bounded."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_letters: int = MAX_LETTERS) -> None:
        self._max_entries = max_entries
        self._max_letters = max_letters
        self.lost = 0  # letters that were dropped for want of room, undelivered
        self._entries: list[Entry] = []
        self._letters = 0
        self._shed_at = max_entries
        self._waiting: dict[str, dict[str, Delivery]] = {}  # by destination and key
        self._results: dict[str, Result] = {}  # by key; also of letters that are on the disk
        self._finished: set[str] = set()  # keys of those results that are final
        self._evidence: dict[str, str] = {}  # incident -> lines as JSON

    def __bool__(self) -> bool:
        return bool(self._entries or self._results or self._evidence)

    def __contains__(self, entry: Entry) -> bool:
        return any(entry.number == kept.number for kept in self._entries)

    # --- filling --------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Keep *entry* until it is written."""
        self._entries.append(entry)
        self._letters += len(entry.letters)
        for letter in entry.letters:
            self._waiting.setdefault(letter.destination, {})[letter.key] = Delivery(
                -entry.number,
                letter.destination,
                letter.alert,
                letter.key,
                created=letter.created,
            )
        if len(self._entries) > self._shed_at or self._letters > self._max_letters:
            self._shed()

    def record(self, result: Result) -> None:
        """Keep *result*, in place of an earlier one of the same delivery."""
        self._results[result.key] = result
        if result.status is not Status.PENDING:
            self._finished.add(result.key)
            for deliveries in self._waiting.values():
                deliveries.pop(result.key, None)

    def keep_evidence(self, incident: str, lines: str) -> None:
        """Keep *lines* (JSON) as the newest evidence of *incident*; of the newest 20 incidents."""
        self._evidence.pop(incident, None)
        self._evidence[incident] = lines
        while len(self._evidence) > 20:  # noqa: PLR2004 - see the docstring
            del self._evidence[next(iter(self._evidence))]

    # --- serving --------------------------------------------------------------------------------

    @property
    def finished(self) -> Collection[str]:
        """Keys that the database may still have as pending though they are not."""
        return frozenset(self._finished)

    @property
    def dead(self) -> Collection[str]:
        """Keys of what was set aside though the database may not know."""
        return {key for key, result in self._results.items() if result.status is Status.DEAD}

    def over(self, known: Mapping[str, Left]) -> Mapping[str, Left]:
        """Return what is known of each service: *known* from the disk, and what is newer here."""
        lefts = dict(known)
        for change in (entry.change for entry in self._entries if entry.change is not None):
            before = lefts.get(change.state.service)
            under_way = before.restart_identity if before is not None else None
            if change.finished is not None:
                under_way = None
            if change.restart is not None:
                under_way = change.identity
            lefts[change.state.service] = Left(change.state, under_way)
        return lefts

    def due(self, destination: str) -> Sequence[Delivery]:
        """Return the alerts that only memory has, oldest first; their ids are negative."""
        return list(self._waiting.get(destination, {}).values())

    @property
    def keys(self) -> Collection[str]:
        """Keys of the letters that only memory has, sent ones too."""
        return {letter.key for entry in self._entries for letter in entry.letters}

    def addressed(self, delivery: Delivery) -> Collection[str]:
        """Return where the alert of *delivery* was addressed, as read.addressed does."""
        alert = delivery.alert
        ended = alert.incident if alert.kind is AlertKind.RESOLVED else None
        return {
            letter.destination
            for entry in self._entries
            for letter in entry.letters
            if (letter.alert == alert and letter.created == delivery.created)
            or (letter.alert.kind is AlertKind.RESOLVED and letter.alert.incident == ended)
        }

    def about(self, incidents: Collection[str]) -> Sequence[Addressed]:
        """Return the alerts of *incidents* that only memory has; those set aside go nowhere."""
        dead = self.dead
        return [
            Addressed(letter.alert, () if letter.key in dead else (letter.destination,))
            for entry in self._entries
            for letter in entry.letters
            if letter.alert.incident in incidents
        ]

    def as_tried(self, delivery: Delivery) -> Delivery:
        """Return *delivery* with the tries and the progress that memory knows of."""
        result = self._results.get(delivery.key)
        if result is None:
            return delivery
        receipt = decode_receipt(result.receipt)
        return replace(delivery, attempts=result.attempts, receipt=receipt)

    def evidence(self, incident: str) -> str | None:
        """Return the evidence of *incident* (JSON) if memory has it."""
        return self._evidence.get(incident)

    def waiting(self) -> Mapping[str, Sequence[Delivery]]:
        """Return what only memory has, by destination, oldest first."""
        return {
            destination: tuple(deliveries.values())
            for destination, deliveries in self._waiting.items()
            if deliveries
        }

    # --- emptying -------------------------------------------------------------------------------

    def batch(self) -> Batch:
        """Return what is to be written next, oldest first: letters along with their results.

        That a letter was set aside waits for all entries: one of them may pass it on.
        """
        entries, rest = self._entries[:BATCH], self._entries[BATCH:]
        later = {letter.key for entry in rest for letter in entry.letters}
        results = [
            result
            for key, result in self._results.items()
            if key not in later and not (rest and result.status is Status.DEAD)
        ]
        return Batch(entries, results, dict(self._evidence))

    def written(self, batch: Batch) -> None:
        """Forget what was written with *batch*, and not what has changed meanwhile."""
        numbers = {entry.number for entry in batch.entries}
        self._replace([entry for entry in self._entries if entry.number not in numbers])
        for entry in batch.entries:
            for letter in entry.letters:
                self._waiting[letter.destination].pop(letter.key, None)
        for result in batch.results:
            if self._results.get(result.key) is result:
                del self._results[result.key]
                self._finished.discard(result.key)
        for incident, lines in (batch.evidence or {}).items():
            if self._evidence.get(incident) is lines:
                del self._evidence[incident]

    def _replace(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._letters = sum(len(entry.letters) for entry in entries)
        self._shed_at = max(self._max_entries, 2 * len(entries))

    def _shed(self) -> None:
        """Let go of what matters least: sent letters, history, superseded states, old letters."""
        newest = {entry.service: entry.number for entry in self._entries}
        limit = self._max_letters
        excess = self._letters - limit * 9 // 10 if self._letters > limit else 0
        half = len(self._entries) // 2
        kept: list[Entry] = []
        for place, entry in enumerate(self._entries):
            if place >= half and excess <= 0:
                kept.append(entry)
                continue
            due = [letter for letter in entry.letters if letter.key not in self._finished]
            excess -= len(entry.letters) - len(due)
            while due and excess > 0:
                letter = due.pop(0)
                del self._waiting[letter.destination][letter.key]
                self.lost += 1
                excess -= 1
            if due or (entry.service and newest[entry.service] == entry.number):
                kept.append(replace(entry.without_ledger(), letters=tuple(due)))
        self._replace(kept)
