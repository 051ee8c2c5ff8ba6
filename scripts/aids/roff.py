"""Text for man(7), and of Markdown what the reference uses."""

from __future__ import annotations

import re

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`([^`]*)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def escaped(text: str) -> str:
    """Return *text* such that it is shown as it is, wherever in a line it stands."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def prose(markdown: str) -> str:
    """Return a paragraph of Markdown: code in bold, links as their text."""
    text = escaped(_LINK.sub(r"\1", " ".join(markdown.split())))
    return _STRONG.sub(r"\\fI\1\\fR", _CODE.sub(r"\\fB\1\\fR", text))


def bold(text: str) -> str:
    """Return *text*, as it is, in bold."""
    return f"\\fB{escaped(text)}\\fR"


def title(name: str, section: int, version: str) -> str:
    """Return the first line; the date is that of the version, which says it better."""
    return (
        f'.TH "{name.upper()}" "{section}" "" "service\\-watchdog {version}" "service\\-watchdog"'
    )
