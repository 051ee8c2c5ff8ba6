"""A log file as bytes: its lines, its end, and where a time begins, without reading all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from watchdog.logs.stamps import LONGEST as HEAD
from watchdog.logs.stamps import stamp_of

BLOCK = 64 * 1024
_PROBE = 4 * 1024  # bytes read at once where a line or two are enough

LONGEST = 20 * 1024
"""Bytes of a line that are kept; what is more is left out."""

_SCAN = 256 * 1024  # bytes without a time after which it is looked for elsewhere
_FURTHEST = 64 * 1024 * 1024  # bytes from the end in which last lines are looked for


class Extent:
    """The file behind a descriptor. Offsets are those where lines begin. Raises OSError."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.taken = 0  # bytes read so far

    @property
    def size(self) -> int:
        """Return how long it is now."""
        return os.fstat(self.descriptor).st_size

    def piece(self, start: int, length: int) -> bytes:
        """Return up to *length* bytes from *start* on."""
        found = os.pread(self.descriptor, length, start)
        self.taken += len(found)
        return found

    def lines(self, start: int, end: int, at_once: int = BLOCK) -> Iterator[tuple[int, bytes]]:
        """Yield each line between *start* and *end* with its offset, its end cut off if long."""
        rest, offset, length = b"", start, 0  # the line that has begun, and how long it is so far
        at = start
        while at < end:
            block = self.piece(at, min(at_once, end - at))
            if not block:
                break
            if not rest and (data := self._after_hole(at, block)) > at:
                # What a truncated file is filled up with; a hole may be huge, and is skipped.
                at = offset = min(data, end)
                length = 0
                continue
            at += len(block)
            *whole, open_ = block.split(b"\n")
            for piece in whole:
                yield offset, (rest + piece)[:LONGEST]
                offset += length + len(piece) + 1
                rest, length = b"", 0
            if len(rest) < LONGEST:
                rest += open_
            length += len(open_)
        if rest:
            yield offset, rest[:LONGEST]

    def after(self, start: int, end: int) -> int:
        """Return where the first line begins at or after *start*; *end* if none does."""
        if start <= 0:
            return 0
        at = start - 1
        while at < end:
            block = self.piece(at, min(_PROBE, end - at))
            if not block:
                break
            if (data := self._after_hole(at, block)) > at:
                return min(data, end)
            found = block.find(b"\n")
            if found >= 0:
                return at + found + 1
            at += len(block)
        return end

    def whole(self) -> int:
        """Return where the last line that has ended ends."""
        size = self.size
        start = max(0, size - BLOCK)
        found = self.piece(start, size - start).rfind(b"\n")
        return start + found + 1 if found >= 0 else (0 if start == 0 else size)

    def begin(self, wanted: float, end: int, now: float) -> int:
        """Return where the first line begins that was written at *wanted* (wall) or later.

        By halves, for lines stand in the order of their times; *end* if there is none.
        """
        low, high = 0, end
        while high - low > BLOCK:
            middle = (low + high) // 2
            found = self._first_stamp(middle, high, now)
            if found is None or found[1] >= wanted:
                high = middle
            else:
                low = found[0]
        for offset, line in self.lines(low, end):
            found_at = stamp(line, now)
            if found_at is not None and found_at >= wanted:
                return offset
        return end

    def tail(self, count: int, end: int) -> int:
        """Return where the last *count* lines before *end* begin."""
        at, wanted = end, count
        if end and self.piece(end - 1, 1) == b"\n":
            wanted += 1  # the last line's own end
        while at > 0 and end - at < _FURTHEST:
            start = max(0, at - BLOCK)
            block = self.piece(start, at - start)
            if self._after_hole(start, block) > start:
                return at
            there = block.count(b"\n")
            if there >= wanted:
                place = len(block)
                for _ in range(wanted):
                    place = block.rfind(b"\n", 0, place)
                return start + place + 1
            wanted -= there
            at = start
        return self.after(at, end)

    def stamp_before(self, end: int, now: float) -> float | None:
        """Return the time of the last line before *end* that has one, unless it is far away."""
        start = self.after(max(0, end - _SCAN), end)
        found = None
        for _, line in self.lines(start, end):
            found = stamp(line, now) or found
        return found

    def has_stamps(self, now: float) -> bool:
        """Tell whether its lines say when they were written."""
        size = self.size
        return (
            self.stamp_before(size, now) is not None or self._first_stamp(0, size, now) is not None
        )

    def _first_stamp(self, start: int, end: int, now: float) -> tuple[int, float] | None:
        """Return the first line from *start* on that has a time, and that time."""
        begin = self.after(start, end)
        for offset, line in self.lines(begin, min(end, begin + _SCAN), _PROBE):
            found = stamp(line, now)
            if found is not None:
                return offset, found
        return None

    def _after_hole(self, start: int, block: bytes) -> int:
        """Return where something stands again, if *block*, read at *start*, is out of a hole."""
        if block.strip(b"\0"):
            return start
        try:
            return os.lseek(self.descriptor, start, os.SEEK_DATA)
        except OSError:
            return start  # nothing more, or a file system that does not tell


def stamp(line: bytes, now: float) -> float | None:
    """Return the time that *line* has."""
    return stamp_of(line[:HEAD].lstrip(b"\0").decode("utf-8", "replace"), now)
