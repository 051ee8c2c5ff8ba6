"""Foreign lines made fit for a terminal: no secrets, no escapes, no controls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from watchdog.evidence.redact import Redactor
from watchdog.evidence.secret_rules import KEY_BEGINS, KEY_ENDS
from watchdog.logs.line import Line

_BATCH = 256
_LONGEST_KEY = 400  # lines; a private key of 16,384 bits has half of them
_ANY_KEY = "-----BEGIN PRIVATE KEY-----"
_STRING = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?")  # titles, links and the like


class Cleaner:
    """Cleans the lines of one log in their order: a private key stretches over many."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._inside = 0  # lines of a private key so far; 0: outside

    def all(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield each of *lines*, clean."""
        source = iter(lines)
        while batch := list(islice(source, _BATCH)):
            yield from self.clean(batch)

    def clean(self, lines: Sequence[Line]) -> Iterator[Line]:
        """Yield each of *lines*, which have just been read."""
        texts = [_STRING.sub("", line.text) for line in lines]
        begun = [_ANY_KEY] if self._inside else []
        shown = self._redactor.lines([*begun, *texts])[len(begun) :]
        for line, raw, text in zip(lines, texts, shown, strict=True):
            self._follow(raw)
            yield replace(line, text=printable(text))

    def _follow(self, text: str) -> None:
        if match := KEY_BEGINS.search(text):
            self._inside = 0 if KEY_ENDS.search(text, match.end()) else 1
        elif KEY_ENDS.search(text) or self._inside >= _LONGEST_KEY:
            self._inside = 0
        elif self._inside:
            self._inside += 1


def printable(text: str) -> str:
    """Return *text* with what moves a cursor, or turns the writing round, written out."""
    if text.isprintable():
        return text
    text = text.expandtabs(4)
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
