"""A log file, and those that logrotate(8) has made of it: what stands in them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchdog.evidence.logfile import opened
from watchdog.logs.extent import LONGEST, Extent, stamp
from watchdog.logs.line import Line, Origin, Window

_DISORDER = 5.0  # seconds by which lines of one file may stand in the wrong order
_GENERATIONS = 10
_UNPACKED = 256 << 20  # bytes of a packed file that are looked through
_STAMPLESS = 200  # lines of a file without times that are shown


class LogFile:
    """One file. ``trouble`` is why it, or an older one, could not be read."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.path = Path(origin.path)
        self.trouble = ""
        self.taken = 0  # bytes read
        self.end: int | None = None  # where somebody else goes on with it

    def past(self, window: Window, now: float) -> Iterator[Line]:
        """Yield what was written in *window*, oldest first, of rotated files too."""
        files: Sequence[Path] = [*_older(self.path, window.since), self.path]
        if window.last is not None:
            files = self._enough(files, window, window.last, now)
        for file in files:
            yield from self._of(file, window, now)

    def _enough(
        self, files: Sequence[Path], window: Window, last: int, now: float
    ) -> Sequence[Path]:
        """Return as many of the newest *files* as have the *last* lines, as far as it is cheap."""
        for count, file in enumerate(reversed(files), start=1):
            lines = sum(1 for _ in zip(range(last), self._of(file, window, now), strict=False))
            if lines >= last or count == len(files):
                return files[-count:]
            last -= lines
            if files[-count - 1].suffix == ".gz":
                return files[-count:]
        return files

    def _of(self, file: Path, window: Window, now: float) -> Iterator[Line]:
        try:
            with opened(file) as descriptor:
                if file.suffix == ".gz":
                    yield from self._unpacked(descriptor, file, window, now)
                else:
                    end = self.end if file == self.path else None
                    yield from self._read(Extent(descriptor), end, window, now)
        except FileNotFoundError as error:
            if file == self.path:  # an older one has just been rotated away
                self.trouble = cannot_read(file, error)
        except (OSError, EOFError, zlib.error) as error:
            self.trouble = cannot_read(file, error)

    def _read(self, extent: Extent, end: int | None, window: Window, now: float) -> Iterator[Line]:
        size = extent.size
        try:
            yield from self._lines(extent, size if end is None else min(end, size), window, now)
        finally:
            self.taken += extent.taken

    def _lines(self, extent: Extent, end: int, window: Window, now: float) -> Iterator[Line]:
        start = 0
        if not extent.has_stamps(now):
            yield from self._stampless(extent, end, window)
            return
        if window.until is not None:
            # The last lines are counted from there, so none of them may lie behind it.
            margin = _DISORDER if window.last is None else 0.001
            end = extent.begin(window.until + margin, end, now)
        if window.since is not None:
            start = extent.begin(window.since - _DISORDER, end, now)
        at = None
        if window.last is not None:
            tail = extent.tail(window.last, end)
            if tail > start:
                start, at = tail, extent.stamp_before(tail, now)
        place = at or 0.0
        for _, line in extent.lines(start, end):
            at = stamp(line, now) or at
            place = _onwards(place, at)
            if window.has(at):
                yield Line(self.origin, text_of(line), at, place)

    def _stampless(self, extent: Extent, end: int, window: Window) -> Iterator[Line]:
        """Yield the last lines of a file that never says when: it was last written to in time."""
        written = os.fstat(extent.descriptor).st_mtime
        if window.since is not None and written < window.since:
            return
        start = extent.tail(window.last or _STAMPLESS, end)
        for _, line in extent.lines(start, end):
            yield Line(self.origin, text_of(line), None, written)

    def _unpacked(self, descriptor: int, file: Path, window: Window, now: float) -> Iterator[Line]:
        at, place, taken = None, 0.0, 0
        with open(descriptor, "rb", closefd=False) as raw, gzip.GzipFile(fileobj=raw) as packed:
            while line := packed.readline(LONGEST):
                taken += len(line)
                if taken > _UNPACKED:
                    self.trouble = f"{file} is large: only its first {taken >> 20} MB are shown"
                    return
                at = stamp(line, now) or at
                if window.until is not None and at is not None and at > window.until + _DISORDER:
                    return
                place = _onwards(place, at)
                if window.has(at):
                    yield Line(self.origin, text_of(line), at, place)


def cannot_read(file: Path, error: Exception) -> str:
    """Say that *file* cannot be read, and what helps."""
    if isinstance(error, PermissionError):
        group = _group(file)
        helps = f"use sudo, or join the group {group}: sudo usermod -aG {group} $USER"
        return f"cannot read {file}: no permission; {helps if group else 'use sudo'}"
    return f"cannot read {file}: {getattr(error, 'strerror', None) or error}"


def _group(file: Path) -> str:
    """Return the group that may read *file*; empty if none may, or it is not to be seen."""
    import grp  # noqa: PLC0415 - only for a complaint

    try:
        found = file.stat()
        name = grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return name if found.st_mode & 0o040 and found.st_gid else ""


def _older(path: Path, since: float | None) -> Sequence[Path]:
    """Return what logrotate(8) has made of *path*, oldest first, that may reach to *since*."""
    found: list[tuple[float, Path]] = []
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                if _is_rotated(entry.name, path.name):
                    written = entry.stat(follow_symlinks=False).st_mtime
                    if since is None or written >= since:
                        found.append((written, path.parent / entry.name))
    except OSError:
        return []  # without the right to list, the file itself is all there is
    return [file for _, file in sorted(found)][-_GENERATIONS:]


def _is_rotated(name: str, of: str) -> bool:
    """Tell whether *name* is like error.log.1, error.log.2.gz, error.log-20261123."""
    rest = name.removesuffix(".gz")[len(of) :]
    return name.startswith(of) and rest[:1] in {".", "-"} and rest[1:].replace("-", "").isdecimal()


def _onwards(place: float, at: float | None) -> float:
    """Return the place of a line after one at *place*: a file's own order stands."""
    if at is None or place - _DISORDER < at < place:
        return place
    return at


def text_of(line: bytes) -> str:
    """Return *line* as text, whatever it is."""
    return line.rstrip(b"\r\n\0").lstrip(b"\0").decode("utf-8", "replace")
