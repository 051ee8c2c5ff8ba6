"""The texts that are filled in, which come with the package."""

from __future__ import annotations

from importlib.resources import files
from string import Template


class Text(Template):
    """A text with places ``@{name}``: both nginx and systemd have a use for ``$`` and ``%``."""

    delimiter = "@"
    pattern = r"@(?:\{(?P<braced>[a-z_]+)\}|(?P<named>(?!))|(?P<escaped>(?!))|(?P<invalid>(?!)))"


def fill(text: str, **values: str) -> str:
    """Return the packaged *text* with *values* in its places."""
    source = files("watchdog.templates").joinpath("texts", text).read_text("utf-8")
    return Text(source).substitute(values)
