"""The journal of units, by journalctl(1)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from watchdog.logs.line import Line, Origin, Window
from watchdog.logs.tracebacks import Blocks

_FIELDS = "MESSAGE,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT,SYSLOG_IDENTIFIER,_PID"
_JSON = ("--all", "--output=json", f"--output-fields={_FIELDS}")
_OTHERS = ("UNIT", "OBJECT_SYSTEMD_UNIT", "COREDUMP_UNIT")  # what others say of a unit
_HINTS = (b"insufficient permissions", b"not seeing messages from other users")
_TOGETHER = 1.0  # seconds within which the lines of a traceback are written
_LONGEST = 20 * 1024  # characters of a message
_WRITERS = 256  # processes whose tracebacks are followed

REMEDY = "use sudo, or join the group systemd-journal: sudo usermod -aG systemd-journal $USER"


class Journal:
    """The journal of *units*, each with the service that it is of."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units
        self._origins = {unit: Origin(service, "journal") for unit, service in units.items()}
        self._writers: dict[str, _Writer] = {}
        self._cursor = ""
        self._follower: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self.trouble = ""

    def past(self, window: Window) -> Iterator[Line]:
        """Yield what was written in *window*, oldest first."""
        options = list(_JSON)
        if window.since is not None:
            options.append(f"--since=@{window.since:.6f}")
        if window.until is not None:
            options.append(f"--until=@{window.until:.6f}")
        if window.last is not None:
            # With a time as well, older ones show the first lines of it, or none: not backwards.
            options += [f"--lines={window.last}", "--reverse"]
        process = self._start(options, subprocess.PIPE)
        if process is None:
            return
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        assert process.stderr is not None  # noqa: S101
        try:
            backwards = window.last is not None
            entries = reversed(list(process.stdout)) if backwards else process.stdout
            for entry in entries:
                yield from self._lines(entry)
            self._complain(process.stderr.read(), process.wait())
            if not self.trouble and os.geteuid():
                self._complain(self._hints(), 0)
        finally:
            _end(process)

    def follow(self, begin: float) -> None:
        """Begin to follow it, from where `past` has ended, or from *begin* (wall)."""
        where = f"--after-cursor={self._cursor}" if self._cursor else f"--since=@{begin:.6f}"
        self._follower = self._start([*_JSON, "--follow", "--no-tail", where], subprocess.DEVNULL)
        if self._follower is not None and self._follower.stdout is not None:
            os.set_blocking(self._follower.stdout.fileno(), False)

    @property
    def descriptor(self) -> int | None:
        """Return what becomes readable when something is new."""
        if self._follower is None or self._follower.stdout is None:
            return None
        return self._follower.stdout.fileno()

    def fresh(self) -> list[Line]:
        """Return the lines that have come."""
        descriptor = self.descriptor
        found: list[Line] = []
        while descriptor is not None:
            try:
                block = os.read(descriptor, 1 << 16)
            except BlockingIOError:
                break
            if not block:
                self.trouble = "cannot follow the journal: journalctl has ended"
                self.close()
                break
            *entries, self._rest = (self._rest + block).split(b"\n")
            for entry in entries:
                found += self._lines(entry)
        return found

    def close(self) -> None:
        """End it."""
        if self._follower is not None:
            _end(self._follower)
            self._follower = None

    def _start(self, options: Iterable[str], errors: int) -> subprocess.Popen[bytes] | None:
        command = ["journalctl", "--no-pager", *options]
        command += [word for unit in self._units for word in ("--unit", unit)]
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "TZ"}}
        try:
            return subprocess.Popen(  # noqa: S603 - names of units, which the configuration checks
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**kept, "LC_ALL": "C.UTF-8"},
                start_new_session=True,  # a Ctrl-C is ours to handle
            )
        except OSError as error:
            self.trouble = f"cannot read the journal: journalctl: {error.strerror}"
            return None

    def _hints(self) -> bytes:
        """Return what journalctl says of permissions, for with JSON it says nothing of them."""
        process = self._start(["--output=short", "--lines=0"], subprocess.PIPE)
        return b"" if process is None else process.communicate()[1]

    def _complain(self, errors: bytes, code: int) -> None:
        if any(hint in errors for hint in _HINTS):
            self.trouble = f"cannot read all of the journal: no permission; {REMEDY}"
        elif code:
            said = errors.decode("utf-8", "replace").strip().partition("\n")[0]
            self.trouble = f"cannot read the journal: {said or f'journalctl ended with {code}'}"

    def _lines(self, entry: bytes) -> Iterator[Line]:
        try:
            fields: dict[str, Any] = json.loads(entry)
            at = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            return  # cut off, or a word of journalctl's own
        self._cursor = str(fields.get("__CURSOR", "")) or self._cursor
        origin, is_own = self._origin(fields)
        who = "" if is_own else f"{_text(fields.get('SYSLOG_IDENTIFIER')) or '?'}: "
        writer = self._writer(f"{origin.service} {fields.get('_PID')}")
        for text in _text(fields.get("MESSAGE")).split("\n"):
            yield Line(origin, f"{who}{text}", at, writer.place(text, at))

    def _origin(self, fields: Mapping[str, Any]) -> tuple[Origin, bool]:
        """Return whose the entry is, and whether the unit itself has written it."""
        own = self._origins.get(_text(fields.get("_SYSTEMD_UNIT")))
        if own is not None:
            return own, True
        for name in _OTHERS:
            origin = self._origins.get(_text(fields.get(name)))
            if origin is not None:
                return origin, False
        return Origin("", "journal"), False

    def _writer(self, name: str) -> _Writer:
        if len(self._writers) > _WRITERS:
            self._writers.clear()
        return self._writers.setdefault(name, _Writer())


class _Writer:
    """A process that writes to the journal, line by line."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._place = 0.0

    def place(self, text: str, at: float) -> float:
        """Return the place of *text*, written at *at*: a traceback's is that of its first line."""
        goes_on = self._blocks.goes_on(text)
        if not goes_on or not 0 <= at - self._place <= _TOGETHER:
            self._place = at
        return self._place


def _text(value: Any) -> str:
    """Return a field: text, a list of bytes if it is no UTF-8, null if it is huge."""
    match value:
        case str():
            return value[:_LONGEST]
        case [*octets] if octets and all(isinstance(each, int) for each in octets):
            return bytes(each & 255 for each in value[:_LONGEST]).decode("utf-8", "replace")
        case [*several] if several:
            return _text(several[-1])
        case _:
            return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
