"""Conditions on a JSON body, such as ``status == "healthy"``."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

from watchdog.core.service import (
    Comparison,
    Condition,
)
from watchdog.probes.text import clean, quoted

_COMPARE: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
_ORDER = frozenset({Comparison.LT, Comparison.LE, Comparison.GT, Comparison.GE})
_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
_LONGEST = 80  # characters of a value in a reason


def unmet(body: bytes, conditions: Sequence[Condition]) -> str:
    """Return why *body* does not meet all *conditions*, in words; empty if it does."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return f"the answer is not JSON{quoted(body)}; expected {conditions[0]}"
    for condition in conditions:
        trouble = _unmet(document, condition)
        if trouble:
            return f"{trouble}, expected {_expected(condition)}"
    return ""


def _unmet(document: object, condition: Condition) -> str:
    value = document
    for depth, key in enumerate(condition.path):
        where = ".".join(condition.path[: depth + 1])
        if isinstance(value, dict):
            if key not in value:
                return f"{where} is missing"
            value = value[key]
        elif isinstance(value, list):
            if not (key.isascii() and key.isdecimal()):
                return f"{where} is missing: {_within(condition, depth)} is a list"
            if int(key) >= len(value):
                return f"{where} is missing: the list has {len(value)} entries"
            value = value[int(key)]
        else:
            return f"{where} is missing: {_within(condition, depth)} is {_kind(value)}"
    return "" if _holds(value, condition) else f"{'.'.join(condition.path)} is {_shown(value)}"


def _holds(value: object, condition: Condition) -> bool:
    """Compare as JSON does: true is not 1, and only like is ordered with like."""
    expected = condition.value
    alike = _kind(value) == _kind(expected)
    if condition.comparison in _ORDER and not (alike and isinstance(expected, str | int | float)):
        return False
    if not alike:
        return condition.comparison is Comparison.NE
    return _COMPARE[condition.comparison](value, expected)


def _within(condition: Condition, depth: int) -> str:
    return ".".join(condition.path[:depth]) or "the answer"


def _kind(value: object) -> str:
    return _NAMES.get(type(value), "a number")


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    return clean(json.dumps(value, ensure_ascii=False), _LONGEST)


def _expected(condition: Condition) -> str:
    return f"{condition.comparison.value} {json.dumps(condition.value, ensure_ascii=False)}"
