"""Which languages there are, and the words of one; none is imported but the one asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

from watchdog.words.catalogue import Catalogue


def languages() -> tuple[str, ...]:
    """Return the languages there are, by their two letters (ISO 639-1)."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z][a-z].py")))


def words_in(language: str) -> Catalogue:
    """Return the words of one of the ``languages``."""
    words: Catalogue = importlib.import_module(f"watchdog.words.{language}").WORDS
    return words
