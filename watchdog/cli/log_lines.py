"""How a line of a log is shown: its time, where it is from, in a colour of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from watchdog.cli.incidents import timeline
from watchdog.cli.terminal import has_colours, painted
from watchdog.logs.line import Line, Origin

_COLOURS = ("36", "32", "35", "34", "33", "96", "92", "95", "94")
_OWN = "1"  # bold: what the daemon did
_WIDEST = 40
_UNKNOWN = "?".ljust(23)

INCIDENT = "incident"


def happened(story: dict[str, Any]) -> Iterator[Line]:
    """Yield the timeline of an incident, as told by ``incidents``."""
    from watchdog.logs.cleaning import printable

    origin = Origin(story["service"], INCIDENT)
    for wall, text in timeline(story):
        yield Line(origin, printable(text), wall, wall)


class Printer:
    """Prints lines, aligned as far as is known by then."""

    def __init__(self, *, is_json: bool, one_service: bool) -> None:
        self._is_json = is_json
        self._one_service = one_service
        self._is_coloured = has_colours()
        self._colours: dict[str, str] = {INCIDENT: _OWN}
        self._width = 0
        self.shown = 0  # lines

    def show(self, line: Line) -> None:
        """Print *line*."""
        self.shown += 1
        if self._is_json:
            print(_as_json(line))
            return
        name = self._name(line.origin)
        self._width = max(self._width, min(len(name), _WIDEST))
        source = name.ljust(self._width)
        if self._is_coloured:
            known = INCIDENT if line.origin.name == INCIDENT else name
            colour = self._colours.setdefault(known, _COLOURS[len(self._colours) % len(_COLOURS)])
            source = painted(f"{source} |", colour)
        else:
            source = f"{source} |"
        print(f"{_stamp(line.at)} {source} {line.text}".rstrip())

    def flush(self) -> None:
        """Let what was printed be seen."""
        sys.stdout.flush()

    def _name(self, origin: Origin) -> str:
        if self._one_service or not origin.service:
            return origin.name
        return f"{origin.service} {origin.name}"


def _as_json(line: Line) -> str:
    return msgspec.json.encode(
        {
            "time": line.at,
            "service": line.origin.service or None,
            "source": line.origin.name,
            "path": line.origin.path or None,
            "text": line.text,
        }
    ).decode()


def _stamp(at: float | None) -> str:
    if at is None:
        return _UNKNOWN
    ms = round(at * 1000)
    whole = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms // 1000))
    return f"{whole}.{ms % 1000:03}"
