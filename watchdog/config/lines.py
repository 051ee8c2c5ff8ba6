"""Where a key stands in a TOML text: imported only once there is an error to report.

tomllib keeps no positions. This is no second parser: the text has been accepted by tomllib, so
all that is left is to follow its brackets and keys, once, in a time linear in the text. The tests
hold every path and every line found here against tomllib on prefixes of the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'''
    (?P<token> """(?:[^\\]|\\.)*?"""(?:"{0,2})     # up to two quotes may end the text itself
             | \'\'\'.*?\'\'\'(?:\'{0,2})
             | "(?:[^"\\\n]|\\.)*" | '[^'\n]*'
             | [\[\]{}=,.\n]
             | [^\s\[\]{}=,.\#"']+ )
    | [ \t\r]+ | \#[^\n]*
    ''',
    re.VERBOSE | re.DOTALL,
)
_END = ""
_CLOSERS = frozenset({",", "]", "}", "\n", _END})
_BETWEEN = frozenset({",", "\n"})


def lines_of(text: str) -> dict[Path, int]:
    """Return the line (from 1) on which each path of the valid TOML *text* first appears.

    A path is made of keys and, for elements of arrays, of indexes from 0. Elements and keys of
    arrays and inline tables that span lines have lines of their own.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


def unfinished(text: str) -> int:
    """Return the line of the statement in which *text* ends though it should go on."""
    scan = _Scan(text)
    scan.document()
    return scan.statement


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    position = 0
    while match := _TOKEN.match(text, position):
        if token := match["token"]:
            yield token, line
        line += match[0].count("\n")
        position = match.end()
    yield _END, line  # also where a text breaks off within quotes


class _Scan:
    """Follows the statements; ``_word`` is the token to be read next."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self.statement = 1
        self._arrays: dict[Path, int] = {}  # of [[tables]]: index of the last one
        self._rest = _tokens(text)
        self._word, self._line = next(self._rest)

    def document(self) -> None:
        table: Path = ()
        while self._word is not _END:
            if self._word == "\n":
                self._advance()
                continue
            self.statement = self._line
            if self._word == "[":
                table = self._header()
            else:
                self._pair(table)

    def _advance(self) -> None:
        # Once at the end it stays there, so that a broken text cannot hold the scan.
        self._word, self._line = next(self._rest, (_END, self._line))

    def _header(self) -> Path:
        line = self._line
        self._advance()
        repeated = self._word == "["
        if repeated:
            self._advance()
        path: Path = ()
        keys = self._keys()
        for left, key in enumerate(keys, start=1 - len(keys)):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if repeated and left == 0:
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path = (*path, self._arrays[path])
                self.lines.setdefault(path, line)
        while self._word == "]":
            self._advance()
        return path

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._word == ".":
            self._advance()
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        key = self._word
        self._advance()
        if not key.startswith(('"', "'")):
            return key
        try:
            return next(iter(tomllib.loads(f"{key} = 0")))
        except tomllib.TOMLDecodeError:
            return key  # only in a broken text

    def _pair(self, table: Path) -> None:
        line = self._line
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        if self._word == "=":
            self._advance()
            self._value(path)

    def _value(self, path: Path) -> None:
        if self._word == "[":
            self._array(path)
        elif self._word == "{":
            self._inline_table(path)
        else:
            while self._word not in _CLOSERS:
                self._advance()

    def _array(self, path: Path) -> None:
        self._advance()
        index = 0
        while self._word not in {"]", _END}:
            if self._word in _BETWEEN or self._word == "}":  # that, only in a broken text
                self._advance()
                continue
            element = (*path, index)
            self.lines.setdefault(element, self._line)
            self._value(element)
            index += 1
        self._advance()

    def _inline_table(self, path: Path) -> None:
        self._advance()
        while self._word not in {"}", _END}:
            if self._word in _BETWEEN:
                self._advance()
            else:
                self._pair(path)
        self._advance()
