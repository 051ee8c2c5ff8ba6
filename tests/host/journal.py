"""The journal of a test host: its entries, and a reader that waits for the next one."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

FOLLOW_SECONDS = 10.0


class JournalError(Exception):
    """What a test waited for was not logged."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry, by its field names."""

    fields: Mapping[str, str]

    @classmethod
    def parse(cls, line: str | bytes) -> Self:
        """Return the entry that `journalctl --output=json` printed as *line*."""
        return cls({name: _text(value) for name, value in json.loads(line).items()})

    def __getitem__(self, name: str) -> str:
        return self.fields[name]

    def get(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    @property
    def message(self) -> str:
        return self.get("MESSAGE")

    @property
    def priority(self) -> int:
        return int(self.get("PRIORITY", "6"))

    @property
    def monotonic(self) -> float:
        """When journald took it, in seconds of CLOCK_MONOTONIC, which all hosts share with us."""
        return int(self["__MONOTONIC_TIMESTAMP"]) / 1e6

    @property
    def time(self) -> float:
        """When journald took it, in seconds since the epoch."""
        return int(self["__REALTIME_TIMESTAMP"]) / 1e6

    def json(self) -> dict[str, object]:
        """Return the message, which must be a JSON object, as our daemon logs them."""
        logged = json.loads(self.message)
        if not isinstance(logged, dict):
            raise JournalError(f"cannot read {self.message!r} as a log line: not a JSON object")
        return logged


def _text(value: object) -> str:
    """Return a field's *value* as text.

    journalctl prints numbers for bytes that are no UTF-8, and a list for a repeated field.
    """
    match value:
        case None:
            return ""
        case [int(), *_] if isinstance(value, list):
            return bytes(value).decode(errors="replace")
        case [*_, last]:
            return _text(last)
        case _:
            return str(value)


class JournalFollower:
    """Reads entries as they are logged; *process* is a `journalctl --follow --output=json`."""

    def __init__(self, process: subprocess.Popen[str], source: str) -> None:
        self.seen: list[Entry] = []
        """What was read so far, in order."""
        self._process = process
        self._source = source
        self._partial = b""
        self._ready: list[Entry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def next(self, timeout: float = FOLLOW_SECONDS) -> Entry | None:
        """Return the next entry; None if none comes in time."""
        deadline = time.monotonic() + timeout
        while not self._ready:
            if not self._fill(deadline):
                return None
        entry = self._ready.pop(0)
        self.seen.append(entry)
        return entry

    def wait_for(
        self, wanted: str | Callable[[Entry], bool], timeout: float = FOLLOW_SECONDS
    ) -> Entry:
        """Return the next entry that is *wanted*: a pattern in its message, or a condition."""
        deadline = time.monotonic() + timeout
        while (entry := self.next(deadline - time.monotonic())) is not None:
            if re.search(wanted, entry.message) if isinstance(wanted, str) else wanted(entry):
                return entry
        tail = "\n".join(f"  {entry.message}" for entry in self.seen[-20:])
        raise JournalError(
            f"cannot find {wanted!r} in the journal of {self._source}: not logged within "
            f"{timeout:g} s; it has:\n{tail or '  nothing'}"
        )

    def drain(self, seconds: float) -> Sequence[Entry]:
        """Return all that is logged in the next *seconds*: proves that something is not."""
        deadline = time.monotonic() + seconds
        first = len(self.seen)
        while self.next(deadline - time.monotonic()) is not None:
            pass
        return self.seen[first:]

    def _fill(self, deadline: float) -> bool:
        """Wait for output until *deadline* and take it; False if there was none."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        if not select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        got = os.read(output, 1 << 16)
        if not got:
            return False
        *lines, self._partial = (self._partial + got).split(b"\n")
        self._ready += [Entry.parse(line) for line in lines]
        return True
