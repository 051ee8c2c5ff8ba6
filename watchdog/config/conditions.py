"""Conditions on a JSON body: ``PATH OPERATOR VALUE``, like ``status == "healthy"``."""

from __future__ import annotations

import re

import msgspec

from watchdog.core.service import (
    Comparison,
    Condition,
)

_KEY = r"""[^\s.\[\]=!<>"']+"""
_CONDITION = re.compile(
    rf"""
    \s* (?P<path> (?: {_KEY} | \[[0-9]+\] ) (?: \.{_KEY} | \[[0-9]+\] )* )
    \s* (?P<comparison> == | != | <= | >= | < | > )
    \s* (?P<value> \S.* )
    """,
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r"[^.\[\]]+")
_ORDER = frozenset({Comparison.LT, Comparison.LE, Comparison.GT, Comparison.GE})


def parse_condition(text: str) -> Condition:
    """Return the condition that *text* states.

    PATH is keys joined by dots, with list indexes in brackets (``checks[0].status``); VALUE is
    text in double or single quotes, a number, true, false or null. Raises ValueError.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError('expected PATH OPERATOR VALUE such as status == "healthy"')
    comparison = Comparison(match["comparison"])
    value = _literal(match["value"].rstrip())
    if comparison in _ORDER and (value is None or isinstance(value, bool)):
        raise ValueError(f"expected a number or text after {comparison.value}")
    return Condition(tuple(_STEP.findall(match["path"])), comparison, value)


def _literal(text: str) -> str | float | bool | None:
    inner = text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in inner:
        return inner
    try:
        value = msgspec.json.decode(text, type=str | int | float | bool | None)
    except msgspec.MsgspecError:
        raise ValueError(
            "expected text in quotes, a number, true, false or null after the operator"
        ) from None
    return value


def format_condition(condition: Condition) -> str:
    """Return *condition* in the form that ``parse_condition`` reads."""
    path = "".join(f"[{key}]" if key.isdecimal() else f".{key}" for key in condition.path)
    value = msgspec.json.encode(condition.value).decode()
    return f"{path.removeprefix('.')} {condition.comparison.value} {value}"
