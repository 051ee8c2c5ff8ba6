"""The daemon's log: one line an event, JSON under systemd, colours on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode


class _Writer:
    """Writes lines to standard error; a full disk or a reader that has gone loses them.

    The watch must go on without a log.
    """

    def __init__(self, keep_back: Callable[[str], str]) -> None:
        self._file = sys.stderr
        self._keep_back = keep_back

    def msg(self, line: str) -> None:
        """Write *line*."""
        with contextlib.suppress(OSError):
            self._file.write(self._keep_back(line) + "\n")
            self._file.flush()

    debug = info = warning = error = critical = exception = msg


def set_up(
    style: Literal["auto", "json", "console"] = "auto", keep_back: Callable[[str], str] = str
) -> None:
    """Write to standard error; "auto" is the console's style on a terminal and JSON elsewhere.

    *keep_back* returns a line without the secrets that are in it: a library's error may quote one.
    """
    on_terminal = sys.stderr.isatty()
    console = style == "console" or (style == "auto" and on_terminal)
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
        logger_factory=lambda *_args: _Writer(keep_back),
        cache_logger_on_first_use=True,
    )


def for_a_person() -> None:
    """Write nothing: a command tells in its own words what went wrong."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
