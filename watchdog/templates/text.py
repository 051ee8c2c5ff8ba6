"""The texts that are filled in, which come with the package."""

from __future__ import annotations

from importlib.resources import files
from string import Template

_NEVER = "(?!)"
_PATTERN = (
    r"@(?:\{(?P<braced>[a-z_]+)\}"
    rf"|(?P<named>{_NEVER})|(?P<escaped>{_NEVER})|(?P<invalid>{_NEVER}))"
)


class Text(Template):
    """A text with places ``@{name}``: both nginx and systemd have a use for ``$`` and ``%``."""

    delimiter = "@"
    # A string, of which Template makes the pattern.
    pattern = _PATTERN  # type: ignore[assignment]


def packaged(text: str) -> str:
    """Return the packaged *text* as it is."""
    return files("watchdog.templates").joinpath("texts", text).read_text("utf-8")


def fill(text: str, **values: str) -> str:
    """Return the packaged *text* with *values* in its places."""
    return Text(packaged(text)).substitute(values)
