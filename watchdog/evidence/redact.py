"""Secrets out of foreign text, before it is stored, logged or sent.

By rules (secret_rules.py), and those that the configuration knows wherever they stand.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote, quote_plus

from watchdog.core.model import (
    Crashed,
    Event,
    Observation,
    RestartFinished,
    Verdict,
)
from watchdog.evidence.secret_rules import BLOB, EMAIL, KEY_BEGINS, KEY_ENDS, MASK, RULES, TERMINAL

LONGEST = 16 * 1024
"""Characters of a line that are looked at; the rest is left out, and the line says so."""

_SHORTEST = 8  # characters of a known secret; shorter ones are words like any other
_PHRASE = 16  # letters of one that is lower-case throughout
# What html.escape() does; its module brings 0.3 MB of other entities.
_IN_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_LEFT_OUT = " characters left out)"

_E = TypeVar("_E", bound=Event)


class Redactor:
    """Takes secrets out of text; one is shared by all who let foreign text in."""

    def __init__(self) -> None:
        self._emails = False
        self._known: Sequence[str] = ()  # the longest first
        self._begins: dict[str, list[str]] = {}  # the first characters -> what begins so

    def configure(self, *, emails: bool = False, known: Iterable[str] = ()) -> None:
        """Take addresses out as well if *emails*; *known* secrets go wherever they stand."""
        self._emails = emails
        # Of a header "Bearer …" the token alone may be quoted.
        either_form = (form for each in known for form in (each, *each.split()))
        telling = {form for form in either_form if len(form) >= _SHORTEST and not _is_word(form)}
        written = {form for each in telling for form in _written(each) if len(form) >= _SHORTEST}
        self._known = sorted(written, key=lambda form: (-len(form), form))
        self._begins = {}
        for form in self._known:
            self._begins.setdefault(form[:_SHORTEST], []).append(form)

    def lines(self, lines: Sequence[str]) -> list[str]:
        """Return *lines*, which belong together: a private key may stretch over many of them."""
        plain = [TERMINAL.sub("", _cut(line)) for line in lines]
        return [self.text(line) for line in _without_keys(plain)]

    def event(self, event: _E) -> _E:
        """Return *event* with its reason redacted; the very same one if there is nothing in it."""
        if isinstance(event, Observation) and event.verdict is Verdict.PASS:
            return event
        if not isinstance(event, Observation | RestartFinished | Crashed):
            return event
        reason = self.text(event.reason)
        return event if reason == event.reason else replace(event, reason=reason)

    def text(self, text: str) -> str:
        """Return *text*, one line or several, without what is or may be a secret."""
        text = self._without_cut(self.known(TERMINAL.sub("", _cut(text))))
        for pattern, shown in RULES:
            text = pattern.sub(shown, text)
        return EMAIL.sub("[email]", text) if self._emails else text

    def known(self, text: str) -> str:
        """Return *text*, of our own making, without the secrets that the configuration knows."""
        for form in self._known:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def _without_cut(self, text: str) -> str:
        """Return *text* without the beginning of a known secret that its end was cut out of."""
        if not self._known:
            return text
        kept = text.rpartition("…")[0] if text.endswith(_LEFT_OUT) else text
        kept = kept.rstrip("…\"')]}")
        for start in range(max(0, len(kept) - len(self._known[0])), len(kept) - _SHORTEST + 1):
            for form in self._begins.get(kept[start : start + _SHORTEST], ()):
                part = kept[start:]
                if form.startswith(part) and _is_telling(part, form):
                    return kept[:start] + MASK + text[len(kept) :]
        return text


def _is_word(secret: str) -> bool:
    """Tell whether *secret* is like ``postgres``: it would be taken out of half of all lines."""
    return len(secret) < _PHRASE and secret.isalpha() and secret.islower()


def _is_telling(part: str, form: str) -> bool:
    """Tell whether *part*, which *form* begins with, is more than a word or https://host."""
    if form.startswith(("http://", "https://")):
        return "/" in part.partition("://")[2]
    is_common = _is_word(part) or "://" in form
    return not is_common or 2 * len(part) >= len(form)


def _written(secret: str) -> Iterator[str]:
    """Yield *secret* as it is, and as programs write it into other text."""
    yield secret
    raw = secret.encode(errors="surrogateescape")
    for form in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield form
        yield re.sub("%..", lambda escape: escape[0].lower(), form)
    for is_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
    yield repr(secret)[1:-1]
    yield secret.translate(_IN_HTML)
    # What stands before it, as in user:password, shifts it by so many bytes.
    for shift, start in enumerate((0, 2, 3)):
        padded = bytes(shift) + raw
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded)[start : len(padded) * 8 // 6].decode()


def _cut(text: str) -> str:
    left_out = len(text) - LONGEST
    return text if left_out <= 0 else f"{text[:LONGEST]}… ({left_out}{_LEFT_OUT}"


def _without_keys(lines: Sequence[str]) -> list[str]:
    """Return *lines* with private keys masked, also those of which one end is missing."""
    shown = list(lines)
    inside = False
    for index, line in enumerate(lines):
        begins, ends = KEY_BEGINS.search(line), KEY_ENDS.search(line)
        if ends and not begins:
            for before in range(index - 1, -1, -1):
                if inside or BLOB.search(lines[before]) is None:
                    break
                shown[before] = BLOB.sub(MASK, shown[before])
            inside, shown[index] = False, MASK
        elif inside:
            shown[index] = MASK
        if begins:
            inside = not KEY_ENDS.search(line, begins.end())
    return shown
