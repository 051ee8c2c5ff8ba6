from __future__ import annotations

import inspect
import re
from pathlib import Path

from watchdog.doctor.reference import name_of, reference, rules

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_of_findings_is_up_to_date() -> None:
    page = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    assert page == reference(), "python -m watchdog.doctor.reference > docs/reference/findings.md"


def test_every_finding_that_the_code_makes_is_named_after_a_rule() -> None:
    named = {name_of(rule) for _, rule in rules()}
    made = set()
    for file in (ROOT / "watchdog/doctor").rglob("*.py"):
        made |= set(re.findall(r'Finding\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8")))
    assert made <= named
    assert len(named) > 40


def test_every_rule_says_what_it_finds_and_what_then() -> None:
    for _, rule in rules():
        fact, _, then = (inspect.getdoc(rule) or "").partition("\n\n")
        assert fact, rule
        assert then, rule
