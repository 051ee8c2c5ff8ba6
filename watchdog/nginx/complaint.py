"""What ``nginx -t`` complains of."""

from __future__ import annotations

import re
from dataclasses import dataclass

# On standard error before the log is open, and as the log has it afterwards.
_LINE = re.compile(
    r"^(?:nginx:|[\d/]+ [\d:]+) \[(?:emerg|alert|crit|error)\] (?:\d+#\d+: )?(?P<words>.*)$",
    re.MULTILINE,
)
_PLACE = re.compile(r" in (?P<file>/[^\s:]+):(?P<line>[0-9]{1,9})$")
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Complaint:
    """The first thing that nginx will not have."""

    words: str  # as nginx says it, with the place
    file: str = ""  # where it stands; empty: nginx does not say
    line: int = 0

    @property
    def subject(self) -> str:
        """Return the first thing that it names: a directive, a file, a host."""
        found = _QUOTED.search(self.words)
        return found[1] if found else ""

    @property
    def place(self) -> str:
        """Return ``file:line``; empty if nginx does not say."""
        return f"{self.file}:{self.line}" if self.file else ""


def complaint(said: str) -> Complaint:
    """Return what *said*, the error output of ``nginx -t``, complains of first."""
    found = _LINE.search(said)
    if found is None:
        return Complaint(said.strip().partition("\n")[0] or "it does not say why")
    place = _PLACE.search(found["words"])
    if place is None:
        return Complaint(found["words"])
    return Complaint(found["words"], place["file"], int(place["line"]))
