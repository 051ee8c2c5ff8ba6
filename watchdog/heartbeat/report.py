"""How the daemon does, as it is told to somebody elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """How the daemon does; ``text`` is short and holds no secrets."""

    is_well: bool
    text: str
