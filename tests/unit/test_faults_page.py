"""The page of what it outlives names tests that there are."""

from __future__ import annotations

import re

from tests.markdown import ROOT

PAGE = (ROOT / "docs/explanation/faults.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    there = {name for source in sources for name in re.findall(r"def (test_\w+)", source)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= there
    for path in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists()
