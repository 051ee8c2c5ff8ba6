"""Core values to JSON and back, as the database keeps them.

Fields that a newer version added are ignored, fields that an older one did not have take their
defaults: both ways between two versions the database stays readable. Likewise what a newer version
tells in a way that this one does not know: there is still the reason, in English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from watchdog.core.model import (
    Alert,
    State,
)
from watchdog.core.telling import Measure, MeasureKind
from watchdog.errors import StoreError
from watchdog.ports import Receipt

EVIDENCE_SIZE = 64 * 1024
"""Characters of evidence that are kept for an incident; the newest lines win."""

UNREADABLE = (msgspec.MsgspecError, RecursionError)
"""What text raises that is not, or no longer, what was written; brackets may be without end."""

_T = TypeVar("_T")

_TELLING = frozenset({"measure", "circumstance", "diversion", "warnings"})
"""Fields that are only told, and that no restart rests on."""


@dataclass(frozen=True, slots=True)
class _Worded:
    """What only the alerts of older versions have: the measure as an English sentence."""

    action: str = ""


_encoder = msgspec.json.Encoder()
_states = msgspec.json.Decoder(State)
_alerts = msgspec.json.Decoder(Alert)
_worded = msgspec.json.Decoder(_Worded)
_lines = msgspec.json.Decoder(tuple[str, ...])
_details = msgspec.json.Decoder(dict[str, str])


def encode(value: State | Alert | Mapping[str, str] | Sequence[str]) -> str:
    """Return *value* as JSON; what UTF-8 cannot carry is written as an escape."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return _encoder.encode(mended(msgspec.to_builtins(value))).decode()


def decode_state(text: str) -> State:
    """Return the state that *text* holds. Raises StoreError."""
    return _decode(_states, text, "state")


def decode_alert(text: str) -> Alert:
    """Return the alert that *text* holds. Raises StoreError."""
    alert = _decode(_alerts, text, "alert")
    if alert.measure is not None:
        return alert
    words = _decode(_worded, text, "alert").action
    return replace(alert, measure=Measure(MeasureKind.WORDED, words=words)) if words else alert


def decode_lines(text: str) -> Sequence[str]:
    """Return the lines that *text* holds. Raises StoreError."""
    return _decode(_lines, text, "evidence")


def decode_receipt(text: str) -> Receipt:
    """Return the receipt that *text* holds; an unreadable one says nothing."""
    try:
        return Receipt(_details.decode(text))
    except UNREADABLE:
        return Receipt()


def newest(lines: Sequence[str]) -> Sequence[str]:
    """Return as many of the last *lines* as may be kept, at least a part of the very last."""
    room = EVIDENCE_SIZE
    kept: list[str] = []
    for line in reversed(lines):
        if len(line) > room:
            if not kept:
                kept.append(line[:room])
            break
        room -= len(line)
        kept.append(line)
    return kept[::-1]


def plain(text: str) -> str:
    """Return *text* as UTF-8 can carry it: lone surrogates, from undecodable bytes, escaped."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _decode(decoder: msgspec.json.Decoder[_T], text: str, what: str) -> _T:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as exc:
        with suppress(*UNREADABLE):  # what follows may be worse than what was objected to
            return decoder.decode(_encoder.encode(_untold(msgspec.json.decode(text))))
        raise _unreadable(what, exc) from exc
    except UNREADABLE as exc:
        raise _unreadable(what, exc) from exc


def _unreadable(what: str, error: Exception) -> StoreError:
    return StoreError(f"cannot read a saved {what}: {error}; it is left out")


def _untold(value: Any) -> Any:
    """Return *value* without what is only told."""
    if not isinstance(value, dict):
        return value
    return {key: _untold(part) for key, part in value.items() if key not in _TELLING}


def mended(value: Any) -> Any:
    """Return *value*, as msgspec makes it of ours, with every text as UTF-8 can carry it."""
    match value:
        case str():
            return plain(value)
        case dict():
            return {plain(key): mended(item) for key, item in value.items()}
        case list() | tuple():
            return [mended(item) for item in value]
        case _:
            return value
