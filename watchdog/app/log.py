"""The daemon's log: one line an event, JSON under systemd, colours on a terminal."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode

_JOURNAL = "/run/systemd/journal/stdout"

_HELLO = "service-watchdog\n\n6\n1\n0\n0\n0\n"
"""To journald: identifier, unit (it knows), priority, "<N>" before a line, forwarded nowhere."""


class _Writer:
    """Writes lines to standard error; a full disk or a reader that has gone loses them.

    The watch must go on without a log. A journal that was stopped is found again once it is back;
    one that hangs is not waited for.
    """

    def __init__(self, keep_back: Callable[[str], str], *, to_journal: bool) -> None:
        self._file = sys.stderr
        self._keep_back = keep_back
        self._to_journal = to_journal

    def msg(self, line: str) -> None:
        """Write *line*."""
        try:
            self._file.write(self._keep_back(line) + "\n")
            self._file.flush()
        except OSError:
            if self._to_journal:
                with contextlib.suppress(OSError):
                    _find_journal()
                    self._file.flush()

    debug = info = warning = error = critical = exception = msg


def _leads_to_journal() -> bool:
    """Tell whether standard error does; the variable alone may be about a parent's, or stdout."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _find_journal() -> None:
    """Connect standard error with the journal anew. Raises OSError.

    As systemd does for a service at its start; a journald that is merely restarted keeps what it
    has. See connect_logger_as() in systemd's src/core/execute.c.
    """
    with socket.socket(socket.AF_UNIX) as journal:
        journal.settimeout(0.1)
        journal.connect(_JOURNAL)
        journal.sendall(_HELLO.encode())
        journal.settimeout(0)
        os.dup2(journal.fileno(), sys.stderr.fileno())


def set_up(
    style: Literal["auto", "json", "console"] = "auto", keep_back: Callable[[str], str] = str
) -> None:
    """Write to standard error; "auto" is the console's style on a terminal and JSON elsewhere.

    *keep_back* returns a line without the secrets that are in it: a library's error may quote one.
    """
    on_terminal, to_journal = sys.stderr.isatty(), _leads_to_journal()
    console = style == "console" or (style == "auto" and on_terminal)
    if to_journal:
        os.set_blocking(sys.stderr.fileno(), False)
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if console:
        # With rich installed it would print the locals of a traceback, secrets among them.
        plain = structlog.dev.plain_traceback
        processors += [structlog.dev.ConsoleRenderer(colors=on_terminal, exception_formatter=plain)]
    else:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=lambda obj, **_: _encode(obj).decode()),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=lambda *_args: _Writer(keep_back, to_journal=to_journal),
        cache_logger_on_first_use=True,
    )


def for_a_person() -> None:
    """Write nothing: a command tells in its own words what went wrong."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
