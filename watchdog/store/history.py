"""The recorded history as the database keeps it: one row for each change, its records as JSON.

A field that has its usual value is left out, and so is what no decision rests on: how long a probe
took, and what an answer that passed said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from watchdog.core.history import Again, Ended, Record, Turn, Watching, Withdrawn
from watchdog.core.model import (
    Acknowledged,
    AlertKind,
    Began,
    Crashed,
    Judged,
    Leased,
    NoteKind,
    Now,
    Observation,
    Paused,
    Phase,
    Pressed,
    Released,
    RestartFinished,
    RestartOutcome,
    RestartRequested,
    Resumed,
    Silenced,
    State,
    Unsilenced,
    Verdict,
)
from watchdog.errors import StoreError
from watchdog.store.encode import UNREADABLE, mended, plain

REASON = 200
"""Characters of a reason that are kept; the ledger has more."""


class _Packed(msgspec.Struct, omit_defaults=True):
    """Any record; ``kind`` says which, and with it which of the fields count."""

    kind: str
    at: tuple[float, float]  # mono, wall
    began: float = 0.0
    early: bool = False
    phase: Phase | None = None
    notes: tuple[NoteKind, ...] = ()
    alerts: tuple[AlertKind, ...] = ()
    restart: str | None = None
    state: State | None = None
    offset: float = 0.0
    count: int = 0
    verdict: Verdict = Verdict.PASS
    check: str = ""
    reason: str = ""
    incurable: bool = False
    dead: bool = False
    until: float | None = None
    owner: str = ""
    incident: str = ""
    outcome: RestartOutcome = RestartOutcome.DONE
    took: float = 0.0
    yes: bool = False
    lease: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[_Packed, ...])


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the history, its records still packed."""

    id: int
    service: str
    life: int
    records: str  # JSON


@dataclass(frozen=True, slots=True)
class Life:
    """A run of the daemon, and the last moment at which it is known to have watched."""

    id: int
    boot_id: str
    mono: float
    wall: float


def pack(records: Iterable[Record]) -> str:
    """Return *records* as JSON."""
    packed = tuple(map(_packed, records))
    try:
        return _encoder.encode(packed).decode()
    except UnicodeEncodeError:
        return _encoder.encode(mended(msgspec.to_builtins(packed))).decode()


def unpack(text: str) -> tuple[Record, ...]:
    """Return the records in *text*. Raises StoreError."""
    try:
        return tuple(map(_unpacked, _decoder.decode(text)))
    except (*UNREADABLE, ValueError) as exc:
        raise StoreError(f"cannot read recorded history: {exc}; it is left out") from exc


def write_history(
    connection: sqlite3.Connection, service: str, records: str, run: str, boot_id: str, now: Now
) -> None:
    """Write the packed *records* of *service*, and that the daemon was alive."""
    connection.execute(
        "INSERT INTO history (service, life, wall, records) VALUES (?, ?, ?, ?)",
        (plain(service), write_alive(connection, run, boot_id, now), now.wall, records),
    )


def write_alive(connection: sqlite3.Connection, run: str, boot_id: str, now: Now) -> int:
    """Write that the daemon's *run* was alive at *now*; return the number of this life."""
    ((number,),) = connection.execute(
        "INSERT INTO life (run, boot_id, mono, wall) VALUES (?, ?, ?, ?) ON CONFLICT (run) DO"
        " UPDATE SET mono = excluded.mono, wall = excluded.wall RETURNING id",
        (run, boot_id, now.mono, now.wall),
    ).fetchall()
    return int(number)


def rows(connection: sqlite3.Connection, service: str, after: int, limit: int) -> Sequence[Row]:
    """Return the next *limit* rows after the one numbered *after*; all services if none is named.

    Oldest first.
    """
    return [
        Row(*row)
        for row in connection.execute(
            "SELECT id, service, life, records FROM history"
            " WHERE id > ? AND (? = '' OR service = ?) ORDER BY id LIMIT ?",
            (after, service, service, limit),
        )
    ]


def lives(connection: sqlite3.Connection) -> Sequence[Life]:
    """Return the runs of the daemon, oldest first."""
    query = "SELECT id, boot_id, mono, wall FROM life ORDER BY id"
    return [Life(*row) for row in connection.execute(query)]


def number_of(connection: sqlite3.Connection, run: str) -> int:
    """Return the number of the daemon's *run*; 0 if nothing was written in it."""
    row = connection.execute("SELECT id FROM life WHERE run = ?", (run,)).fetchone()
    return int(row[0]) if row is not None else 0


# --- one record -----------------------------------------------------------------------------------


def _packed(record: Record) -> _Packed:
    at = (record.now.mono, record.now.wall)
    match record:
        case Watching():
            return _Packed("watching", at, state=record.state, offset=record.offset)
        case Again():
            return _Packed("again", at, began=record.began, count=record.count)
        case Ended():
            return _Packed("ended", at)
        case Withdrawn():
            return _Packed("withdrawn", at, alerts=record.alerts)
        case Turn():
            packed = _packed_event(record.event, at)
            packed.began, packed.early, packed.phase = record.began, record.early, record.phase
            packed.notes, packed.alerts = record.notes, record.alerts
            packed.restart = record.restart
            return packed


def _packed_event(  # noqa: C901, PLR0911 - one arm for each event
    event: Judged, at: tuple[float, float]
) -> _Packed:
    match event:
        case Observation():
            passed = event.verdict is Verdict.PASS
            return _Packed(
                "seen",
                at,
                verdict=event.verdict,
                check=event.check,
                reason="" if passed else event.reason[:REASON],
                incurable=not event.curable,
                dead=event.dead,
                until=event.until,
            )
        case RestartFinished():
            reason = event.reason[:REASON]
            outcome, took = event.outcome, event.duration
            return _Packed("restarted", at, outcome=outcome, reason=reason, took=took)
        case Crashed():
            return _Packed("crashed", at, count=event.count, reason=event.reason[:REASON])
        case Began():
            return _Packed("began", at, yes=event.restarted)
        case Paused() | Silenced():
            kind = "paused" if isinstance(event, Paused) else "silenced"
            packed = _Packed(kind, at, until=event.until, owner=event.owner)
            packed.reason, packed.incident = event.reason[:REASON], event.incident
            return packed
        case Acknowledged():
            packed = _Packed("acknowledged", at, owner=event.owner, incident=event.incident)
            packed.reason = event.reason[:REASON]
            return packed
        case Pressed():
            return _Packed("pressed", at, reason=event.text[:REASON], incident=event.incident)
        case Resumed():
            return _Packed("resumed", at, owner=event.owner)
        case Leased():
            packed = _Packed("leased", at, until=event.until, owner=event.owner)
            packed.reason, packed.lease = event.reason[:REASON], event.lease
            return packed
        case Released():
            return _Packed("released", at, reason=event.how[:REASON], lease=event.lease)
        case Unsilenced():
            return _Packed("unsilenced", at, owner=event.owner)
        case RestartRequested():
            return _Packed("requested", at, owner=event.owner, incident=event.incident)


def _unpacked(packed: _Packed) -> Record:
    now = Now(*packed.at)
    match packed.kind:
        case "watching":
            return Watching(now, packed.state, packed.offset)
        case "again":
            return Again(now, packed.began, packed.count)
        case "ended":
            return Ended(now)
        case "withdrawn":
            return Withdrawn(now, packed.alerts)
    return Turn(
        now,
        _unpacked_event(packed),
        packed.began,
        packed.early,
        packed.phase,
        packed.notes,
        packed.alerts,
        packed.restart,
    )


def _unpacked_event(  # noqa: C901, PLR0911, PLR0912 - one arm for each event
    packed: _Packed,
) -> Judged:
    until = packed.until if packed.until is not None else packed.at[0]
    match packed.kind:
        case "seen":
            return Observation(
                packed.verdict,
                packed.check,
                packed.reason,
                curable=not packed.incurable,
                dead=packed.dead,
                until=packed.until,
            )
        case "restarted":
            return RestartFinished(packed.outcome, packed.reason, packed.took)
        case "crashed":
            return Crashed(packed.count, packed.reason)
        case "began":
            return Began(packed.yes)
        case "paused":
            return Paused(until, packed.owner, packed.reason, packed.incident)
        case "silenced":
            return Silenced(until, packed.owner, packed.reason, packed.incident)
        case "resumed":
            return Resumed(packed.owner)
        case "leased":
            return Leased(packed.lease, until, packed.owner, packed.reason)
        case "released":
            return Released(packed.lease, packed.reason)
        case "unsilenced":
            return Unsilenced(packed.owner)
        case "requested":
            return RestartRequested(packed.owner, packed.incident)
        case "acknowledged":
            return Acknowledged(packed.owner, packed.reason, packed.incident)
        case "pressed":
            return Pressed(packed.incident, packed.reason)
        case _:
            raise ValueError(f"unknown record {packed.kind!r}")


def unpacked(found: Iterable[Row]) -> Sequence[tuple[Row, Sequence[Record]]]:
    """Return each row with its records; what nobody can read is left out."""
    chapters = []
    for row in found:
        with suppress(StoreError):
            if records := unpack(row.records):
                chapters.append((row, records))
    return chapters
