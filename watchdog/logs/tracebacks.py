"""Which lines belong to the one before: tracebacks of Python and Java, and what is indented."""

from __future__ import annotations

import re

_BEGINS = re.compile(r"Traceback \(most recent call last\)|Exception Group Traceback")
_LINKS = ("During handling of the above exception", "The above exception was the direct cause")
# The name of an exception, which may be anything but a level.
_ENDS = re.compile(r"(?![A-Z]+:)[A-Za-z_][\w.]*(?::|$)")
_CAUSED = re.compile(r"(?:Caused by: |\.\.\. \d+ more)")


class Blocks:
    """Follows the lines of one writer."""

    def __init__(self) -> None:
        self._inside = False  # a traceback whose last line is yet to come

    def goes_on(self, line: str) -> bool:
        """Tell whether *line*, the next one, belongs to the one before."""
        if _BEGINS.search(line):
            was_inside, self._inside = self._inside, True
            return was_inside or line.startswith((" ", "Traceback"))
        if line.startswith((" ", "\t")) or _CAUSED.match(line):
            return True
        if line.startswith(_LINKS):
            self._inside = True
            return True
        if not line.strip():
            return self._inside
        was_inside, self._inside = self._inside, False
        return was_inside and _ENDS.match(line) is not None
