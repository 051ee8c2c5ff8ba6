"""The daemon's log: one line an event, JSON under systemd, colours on a terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Literal

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode


class _Writer:
    """Writes lines to standard error; a full disk or a reader that has gone loses them.

    The watch must go on without a log.
    """

    def __init__(self, *_args: Any) -> None:
        self._file = sys.stderr

    def msg(self, line: str) -> None:
        """Write *line*."""
        with contextlib.suppress(OSError):
            self._file.write(line + "\n")
            self._file.flush()

    debug = info = warning = error = critical = exception = msg


def set_up(style: Literal["auto", "json", "console"] = "auto") -> None:
    """Write to standard error; "auto" is the console's style on a terminal and JSON elsewhere."""
    on_terminal = sys.stderr.isatty()
    console = style == "console" or (style == "auto" and on_terminal)
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if console:
        processors += [structlog.dev.ConsoleRenderer(colors=on_terminal)]
    else:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=lambda obj, **_: _encode(obj).decode()),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=_Writer,
        cache_logger_on_first_use=True,
    )


def for_a_person() -> None:
    """Write nothing: a command tells in its own words what went wrong."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
