"""What strangers send, in words fit for one line of an alert."""

from __future__ import annotations

import re

_LONGEST = 200
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return *text* on one line, without control characters, cut to *longest* characters."""
    text = text[: longest * 8]  # most of it may be blank
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def first_line(body: bytes) -> str:
    """Return what *body* says in one line: of HTML its title, of JSON laid out over lines all."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n\0")
    if text.startswith("<"):
        title = _TITLE.search(text)
        if title is not None:
            return clean(title[1])
    line = text.partition("\n")[0].strip()
    return clean(text if line in {"{", "["} else line)


def quoted(body: bytes) -> str:
    """Return ``: "first line"`` to end a sentence with; nothing if *body* says nothing.

    The quotes of a JSON body stay as they are: a person reads this.
    """
    line = first_line(body)
    return f': "{line}"' if line else ""


def seconds(duration: float) -> str:
    """Return *duration* in words; what is shorter than a hundredth counts as one."""
    return f"{max(duration, 0.01):.2f} s"
