"""Values that are never shown: neither in a log, nor in an alert, nor in a traceback."""

from __future__ import annotations

from typing import NoReturn, Self

MASK = "<secret>"

Origin = tuple[str, str]
"""``("credential", "slack-token")``: how the configuration refers to a secret."""


class Secret:
    """A value that only ``reveal`` shows."""

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: Origin | None = None) -> None:
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        """Return the value itself, for the one who has to send it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never written anywhere")


class HiddenText(str):
    """Text for a header or a variable that is a secret: itself to a library, hidden in a repr."""

    __slots__ = ("origin",)
    origin: Origin | None

    def __new__(cls, value: str, origin: Origin | None = None) -> Self:
        """Return *value*, hidden."""
        text = super().__new__(cls, value)
        text.origin = origin
        return text

    def __repr__(self) -> str:
        return MASK
