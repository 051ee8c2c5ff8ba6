"""What strangers send, in words fit for one line of an alert."""

from __future__ import annotations

import re

_LONGEST = 200
_TITLE, _TITLE_ENDS = re.compile("<title", re.IGNORECASE), re.compile("</title", re.IGNORECASE)


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return *text* on one line, without control characters, cut to *longest* characters."""
    text = text[: longest * 8]  # most of it may be blank
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def first_line(body: bytes) -> str:
    """Return what *body* says in one line: of HTML its title, of JSON laid out over lines all."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n\0")
    if text.startswith("<") and (title := _title(text)) is not None:
        return clean(title)
    line = text.partition("\n")[0].strip()
    return clean(text if line in {"{", "["} else line)


def _title(text: str) -> str | None:
    """Return the title of a page; one pattern for it all would take the square of its length."""
    begins = _TITLE.search(text)
    start = text.find(">", begins.end()) + 1 if begins is not None else 0
    ends = _TITLE_ENDS.search(text, start) if start else None
    return text[start : ends.start()] if ends is not None else None


def quoted(body: bytes) -> str:
    """Return ``: "first line"`` to end a sentence with; nothing if *body* says nothing.

    The quotes of a JSON body stay as they are: a person reads this.
    """
    line = first_line(body)
    return f': "{line}"' if line else ""


def seconds(duration: float) -> str:
    """Return *duration* in words; what is shorter than a hundredth counts as one."""
    return f"{max(duration, 0.01):.2f} s"
