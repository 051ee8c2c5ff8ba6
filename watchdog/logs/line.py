"""A line of a log, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote it, and where it stands."""

    service: str  # empty: of several, as nginx's are
    name: str  # "journal", "error.log"
    path: str = ""  # of a file


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in its log, foreign in all it says."""

    origin: Origin
    text: str
    at: float | None  # wall; None: neither it nor a line before it says when
    place: float = 0.0  # its place among the lines of others: what belongs together has one


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for."""

    since: float | None = None  # wall
    until: float | None = None
    last: int | None = None  # lines

    def has(self, at: float | None) -> bool:
        """Tell whether a line of that time is in it; what has no time may be."""
        if at is None:
            return True
        is_after = self.since is None or at >= self.since
        return is_after and (self.until is None or at <= self.until)
