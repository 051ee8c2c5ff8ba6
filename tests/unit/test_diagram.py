from __future__ import annotations

import pytest

from scripts import diagram


def test_the_page_about_the_state_machine_says_what_the_code_does() -> None:
    assert not diagram.is_stale(), "run: scripts/diagram"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(SystemExit, match="the lines that mark the generated part are gone"):
        diagram.renewed("# The state machine\n")
