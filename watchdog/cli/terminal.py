"""What whoever reads the answer can be shown: colours, letters, and for how long it is read."""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO


def painted(text: str, colour: str, out: TextIO | None = None) -> str:
    """Return *text* in a colour (SGR), where there are any."""
    return f"\033[{colour}m{text}\033[0m" if has_colours(out) else text


def has_colours(out: TextIO | None = None) -> bool:
    """Tell whether *out* is a terminal that is not told otherwise (https://no-color.org)."""
    return (out or sys.stdout).isatty() and not os.environ.get("NO_COLOR")


def has_signs(out: TextIO | None = None) -> bool:
    """Tell whether signs such as a check mark can be written; words must do elsewhere."""
    return ((out or sys.stdout).encoding or "").lower().startswith("utf")


def wait(seconds: float) -> None:
    """Return after *seconds*. Raises BrokenPipeError at once when nobody reads any more."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors alone
    if poll.poll(seconds * 1000):
        raise BrokenPipeError
