"""The configuration of nginx, as ``nginx -T`` prints it, taken apart.

Our own, for crossplane reads the files themselves (root's, often), and has stood still since 2022.
The rules are those of ngx_conf_file.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_MARK = re.compile(r"^# configuration file (/.*):$")
_DEEPEST = 50  # blocks within each other
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|\#[^\n]*)
    | (?P<end>[;{}])
    | "(?P<double>(?:\\.|[^"\\])*)"
    | '(?P<single>(?:\\.|[^'\\])*)'
    | (?P<word>(?:\\.|\$\{[^}\n]*\}|[^\s;{\\])(?:\\.|\$\{[^}\n]*\}|[^\s;{\\])*)
    | (?P<stray>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive; a block has directives of its own."""

    name: str
    arguments: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] = ()

    @property
    def place(self) -> str:
        """Return where it stands, as nginx says it."""
        return f"{self.file}:{self.line}"

    def all(self, name: str) -> Iterator[Directive]:
        """Yield the directives of this *name* in the block itself."""
        return (each for each in self.block if each.name == name)

    def first(self, name: str) -> Directive | None:
        """Return the first of this *name* in the block itself."""
        return next(self.all(name), None)

    def descendants(self) -> Iterator[Directive]:
        """Yield the directives of the block, each followed by its own, at any depth."""
        for each in self.block:
            yield each
            yield from each.descendants()

    def within(self, name: str) -> Iterator[Directive]:
        """Yield the directives of this *name* at any depth."""
        return (each for each in self.descendants() if each.name == name)


def parse(dump: str) -> Directive:
    """Return the whole configuration as the block of one directive, with what it includes in place.

    What cannot be read is left out: nginx itself says whether it is valid.
    """
    files = _files(dump)
    if not files:
        return Directive("", (), "", 0)
    main = next(iter(files))
    block = tuple(_included(_Reader(main, files[main]).block(0), files, (main,)))
    return Directive("", (), main, 0, block)


def files_of(dump: str) -> tuple[str, ...]:
    """Return the files that *dump* consists of."""
    return tuple(_files(dump))


def _files(dump: str) -> dict[str, str]:
    files: dict[str, list[str]] = {}
    lines: list[str] = []  # what comes before the first mark is nginx's own words
    for line in dump.split("\n"):
        mark = _MARK.match(line)
        if mark:
            lines = files.setdefault(mark[1], [])
            lines.clear()  # included twice: printed once; a comment that looks like a mark
        else:
            lines.append(line)
    return {name: "\n".join(content) for name, content in files.items()}


def _included(
    block: tuple[Directive, ...], files: dict[str, str], way: tuple[str, ...]
) -> Iterator[Directive]:
    """Yield *block*, reached by *way*, with what it includes; a circle is not gone twice."""
    for each in block:
        if each.name == "include" and each.arguments:
            # Relative names begin where the main file lies.
            pattern = str(PurePosixPath(way[0]).parent / each.arguments[0])
            for name in sorted(files.keys() - set(way)):
                if _matches(name, pattern):
                    inner = _Reader(name, files[name]).block(0)
                    yield from _included(inner, files, (*way, name))
        elif each.block:
            yield replace(each, block=tuple(_included(each.block, files, way)))
        else:
            yield each


def _matches(name: str, pattern: str) -> bool:
    """Tell whether glob(3) finds *name*: there a star is no slash."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


class _Reader:
    """Reads one file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._tokens = _tokens(text)

    def block(self, depth: int) -> tuple[Directive, ...]:
        """Return the directives up to the end of the block."""
        found: list[Directive] = []
        words: list[tuple[str, int]] = []
        for kind, text, line in self._tokens:
            if kind == "word":
                words.append((text, line))
                continue
            inner: tuple[Directive, ...] = ()
            if text == "{":
                if depth >= _DEEPEST:
                    break
                inner = self.block(depth + 1)
            if words:
                (name, first), *others = words
                arguments = tuple(word for word, _ in others)
                found.append(Directive(name, arguments, self._file, first, inner))
                words = []
            if text == "}":
                break
        return tuple(found)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield kind ("word" or "end"), text and line of each token."""
    line, place = 1, 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        assert token is not None  # noqa: S101 - the last alternative takes anything
        place = token.end()
        kind = token.lastgroup
        if kind in {"double", "single"}:
            yield "word", _unescaped(token[kind]), line
        elif kind == "word":
            word = token[0]
            # A closing brace ends a block where a directive would begin, and is a letter within.
            if word.startswith("}"):
                word, place = "}", token.start() + 1
                yield "end", word, line
            else:
                yield "word", _unescaped(word), line
        elif kind == "end":
            yield "end", token[0], line
        line += text.count("\n", token.start(), place)


def _unescaped(text: str) -> str:
    # Other escapes stay as they are, for regular expressions.
    return _ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[0]), text)
