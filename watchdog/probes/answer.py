"""A failing HTTP answer in lines: what it was, who gave it, how it began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from watchdog.probes.reception import Reception
from watchdog.probes.text import clean

Keep = Callable[[Sequence[str]], None]
"""Takes the lines of the last failing answer; none once an answer has passed."""

_BYTES = 600
_LINES = 8
_WIDTH = 160


def answer_lines(reception: Reception) -> Sequence[str]:
    """Describe the answer as far as it came; nothing if none came."""
    if not reception.status:
        return ()
    lines = [_status(reception.status)]
    for name, value in reception.headers:
        lines.append(f"{clean(name)}: {clean(value)}")
    if not reception.is_plain:
        return lines
    body = bytes(reception.body[:_BYTES]).decode("utf-8", "replace")
    shown = [clean(line, _WIDTH) for line in body.splitlines()]
    shown = [line for line in shown if line]
    lines += shown[:_LINES]
    if len(reception.body) > _BYTES or len(shown) > _LINES:
        lines.append("…")
    return lines


def _status(status: int) -> str:
    try:
        return f"status {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
