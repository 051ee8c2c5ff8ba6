"""Regular expressions mean the same on every Python that the daemon runs on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import watchdog

SOURCES = Path(watchdog.__file__).parent
POSSESSIVE_GROUP = re.compile(r"\brf?[\"'].*(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")


def possessive_groups(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if POSSESSIVE_GROUP.search(line)]


def test_no_group_is_repeated_possessively() -> None:
    """Debian 12's Python 3.11.2 matches too much then (gh-106052): secrets would show their end."""
    found = {
        path.name: lines
        for path in SOURCES.rglob("*.py")
        if (lines := possessive_groups(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ('r"(?:a|b)++"', True),
        ('r"(?:a){0,3}+"', True),
        ('r"(?:a)*+"', True),
        ('r"[a-z]{1,3}+"', False),
        ('r"(?>(?:a|b)+)"', False),
        ('r"\\)++"', False),
    ],
)
def test_only_a_group_counts(line: str, is_one: bool) -> None:
    assert bool(possessive_groups(line)) is is_one
