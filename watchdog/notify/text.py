"""Foreign text made harmless: bounded, printable, one line."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Terminal sequences: colours and cursor (CSI), titles and links (OSC), two-character ones.
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
ELLIPSIS = "…"
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def clip(text: str, limit: int) -> str:
    """Return *text* in at most *limit* characters; an ellipsis tells that something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def printable(text: str, limit: int) -> str:
    """Return *text* as one printable line of at most *limit* characters, its spacing kept.

    Control and bidirectional characters, lone surrogates (bytes that were no UTF-8) and the like
    become U+FFFD; line ends and tabs become spaces; terminal sequences vanish.
    """
    # Cut first, so that a line of 100 KB costs no more than its first part.
    plain = TERMINAL.sub("", text[: 8 * limit])
    if not plain.isprintable():
        plain = "".join(
            char if char.isprintable() else " " if char.isspace() else UNPRINTABLE for char in plain
        )
    clipped = clip(plain.rstrip(), limit)
    hidden = len(text) > 8 * limit and not clipped.endswith(ELLIPSIS)
    return clip(clipped + ELLIPSIS, limit) if hidden else clipped


def one_line(text: str, limit: int) -> str:
    """Return *text* as a printable line of at most *limit* characters, runs of spaces as one."""
    return clip(" ".join(printable(text, 2 * limit).split()), limit)


def newest(lines: Iterable[str], count: int, width: int, size: int) -> tuple[str, ...]:
    """Return the newest *count* of *lines*, each of *width* characters, in *size* UTF-8 bytes.

    *lines* come and go oldest first.
    """
    kept: list[str] = []
    for line in reversed(list(lines)[-count:]):
        shown = printable(line, width)
        size -= len(shown.encode()) + 1
        if size < 0:
            break
        kept.append(shown)
    return tuple(reversed(kept))
