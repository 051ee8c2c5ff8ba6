"""What comes to a log file, through every rotation."""

from __future__ import annotations

import os
from pathlib import Path

from watchdog.evidence.logfile import opened
from watchdog.logs.extent import Extent, stamp
from watchdog.logs.line import Line, Origin
from watchdog.logs.logfile import cannot_read, text_of

_PATIENCE = 1.0
"""Seconds in which a line without a time belongs to the one before, and a line has to end."""

_SEEN = 256  # bytes by which a file is known again
_KEPT = 1 << 20  # bytes of a cut file in which they are looked for


class Tail:
    """What comes to a log file from now on, or from where *past* ended. Asked now and then."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.path = Path(origin.path)
        self.trouble = ""
        self._extent: Extent | None = None
        self._identity = (0, 0)  # device and inode
        self.offset = 0
        self._seen = b""  # what stood just before that
        self._at: float | None = None
        self._waiting_since: float | None = None  # for the end of a line

    def begin(self) -> None:
        """Begin at the present end: what comes after it is new."""
        self._open()
        if self._extent is not None:
            self.offset = self._extent.whole()
            self._remember()

    def fresh(self, now: float) -> list[Line]:
        """Return the lines that have come."""
        if self._extent is None:
            self._open()
        try:
            return self._fresh(now)
        except OSError as error:
            self.trouble = cannot_read(self.path, error)
            self.close()
            return []

    def _fresh(self, now: float) -> list[Line]:
        if self._extent is None:
            return []
        found = self._rest(self._extent, now, is_over=False)
        if self._is_replaced():
            found += self._rest(self._extent, now, is_over=True)
            self.close()
            self._open()
            if self._extent is not None:
                found += self._rest(self._extent, now, is_over=False)
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._extent is not None:
            os.close(self._extent.descriptor)
            self._extent = None

    def _open(self) -> None:
        """Open it at its beginning, if it is there."""
        try:
            with opened(self.path) as descriptor:
                found = os.fstat(descriptor)
                self._extent = Extent(os.dup(descriptor))
        except FileNotFoundError:
            self.trouble = ""
        except OSError as error:
            self.trouble = cannot_read(self.path, error)
        else:
            self.trouble = ""
            self._identity = (found.st_dev, found.st_ino)
            self.offset, self._seen, self._waiting_since = 0, b"", None

    def _is_replaced(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False  # away for the moment; whoever has the old one may still write to it
        return (found.st_dev, found.st_ino) != self._identity

    def _rest(self, extent: Extent, now: float, *, is_over: bool) -> list[Line]:
        size = extent.size
        if size < self.offset or not self._is_as_seen(extent):
            self.offset = self._after_cut(extent)
        if size <= self.offset:
            return []
        found: list[Line] = []
        for offset, line in extent.lines(self.offset, size):
            # Unless it is cut, its end is where the next one begins: only the last may be open.
            is_last = offset + len(line) >= size and extent.piece(size - 1, 1) != b"\n"
            if is_last and not is_over and not self._has_waited(now):
                self.offset = offset
                self._remember()
                return found
            found.append(self._line(line, now))
        self.offset, self._waiting_since = size, None
        self._remember()
        return found

    def _line(self, line: bytes, now: float) -> Line:
        own = stamp(line, now)
        if own is None and (self._at is None or now - self._at > _PATIENCE):
            own = now  # as it arrives; a line soon after another belongs to it
        self._at = own or self._at
        return Line(self.origin, text_of(line), self._at, self._at or now)

    def _has_waited(self, now: float) -> bool:
        """Tell whether the end of the last line is a second late: then it is shown without."""
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since >= _PATIENCE

    def _remember(self) -> None:
        if self._extent is not None:
            start = max(0, self.offset - _SEEN)
            self._seen = self._extent.piece(start, self.offset - start)

    def _is_as_seen(self, extent: Extent) -> bool:
        start = self.offset - len(self._seen)
        return extent.piece(start, len(self._seen)) == self._seen

    def _after_cut(self, extent: Extent) -> int:
        """Return where to go on in a file that was cut: behind what is known of it, if it is left.

        copytruncate leaves nothing; the daemon leaves the last lines of what its children print.
        """
        if not self._seen:
            return 0
        kept = extent.piece(0, _KEPT)
        found = kept.rfind(self._seen)
        return found + len(self._seen) if found >= 0 else 0
