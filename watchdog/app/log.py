"""The daemon's log: one line an event, JSON under systemd, colours on a terminal."""

from __future__ import annotations

import sys
from typing import Literal

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=repr).encode


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
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
