"""The line of every path, against documents whose lines are known, and against tomllib itself."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.lines import Path, lines_of, unfinished

SCALARS = [
    "1",
    "-1.5e3",
    "true",
    "inf",
    "0xff",
    "1979-05-27 07:32:00",
    "1979-05-27T07:32:00.5-07:00",
    "07:32:00",
    '"text"',
    r'"an escaped \" quote ] # \\"',
    "'literal \\ ] # \"'",
    '""',
    '"""\n[x]\n"" a = 1 \\""" #\n"""',
    '"""two quotes at the end"""""',
    "'''\n[[y]]\n'' b = 2 \\'''",
    "'''two quotes at the end'''''",
    '"""folded \\\n   line"""',
]
KEYS = [("k{}", "k{}"), ('"k {}"', "k {}"), ("'k.{}'", "k.{}"), (r'"k\u0041{}"', "kA{}")]
GAPS = ["", " ", "\n", '  # a ] comment with "quotes and [\n', "\n\n\t"]


class Document:
    """Writes TOML and knows the line of every path that it wrote."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}
        self.count = 0
        self.arrays: dict[str, int] = {}  # of [[tables]]: index of the last one

    def write(self, text: str) -> None:
        self.text += text

    def choose(self, options: list[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def mark(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def key(self, path: Path) -> Path:
        for part in range(self.choose([1, 1, 2])):
            self.count += 1
            written, meant = self.choose(KEYS)
            self.write(("." if part else "") + written.format(self.count))
            path = (*path, meant.format(self.count))
            self.mark(path)
        return path

    def pair(self, path: Path, depth: int) -> None:
        path = self.key(path)
        self.write(self.choose(["=", " = "]))
        self.value(path, depth)

    def value(self, path: Path, depth: int) -> None:
        kind = self.choose(["scalar", "array", "table"] if depth else ["scalar"])
        if kind == "scalar":
            self.write(self.choose(SCALARS))
        elif kind == "array":
            self.array(path, depth)
        else:
            self.write("{")
            for index in range(self.choose([0, 1, 2, 3])):
                self.write(", " if index else " ")
                self.pair(path, depth - 1)
            self.write(" }")

    def array(self, path: Path, depth: int) -> None:
        count = self.choose([0, 1, 2, 3])
        self.write("[")
        for index in range(count):
            self.write(self.choose(GAPS))
            self.mark((*path, index))
            self.value((*path, index), depth - 1)
            self.write(self.choose(GAPS))
            if index < count - 1 or self.choose([True, False]):
                self.write(",")
        self.write(self.choose(GAPS) + "]")

    def header(self) -> Path:
        if self.choose([True, False]):
            self.write("[")
            path: Path = ()
            if self.arrays and self.choose([True, False]):
                name = self.choose(list(self.arrays))
                self.write(f"{name}.")
                path = (name, self.arrays[name])
            path = self.key(path)
            self.write("]")
            return path
        name = self.choose(["service", "slack"])
        self.write(f"[[{name}]]")
        self.mark((name,))
        self.arrays[name] = self.arrays.get(name, -1) + 1
        path = (name, self.arrays[name])
        self.mark(path)
        return path

    def statements(self) -> None:
        path: Path = ()
        for _ in range(self.draw(st.integers(1, 8))):
            self.write(self.choose(["", "\n", "# a comment with [[brackets]]\n", "  "]))
            if self.choose([True, False, False]):
                path = self.header()
            else:
                self.pair(path, 3)
            self.write(self.choose(["\n", "  # and a comment\n", "\r\n"]))


@st.composite
def documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Document:
    document = Document(draw)
    document.statements()
    return document


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    steps: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    for step, inner in steps:
        yield from paths(inner, (*path, step))


@given(documents())
def test_every_path_stands_where_it_was_written(document: Document) -> None:
    assert lines_of(document.text) == document.lines


@given(documents())
def test_every_path_that_tomllib_finds_has_a_line_and_no_other(document: Document) -> None:
    assert set(lines_of(document.text)) == set(paths(tomllib.loads(document.text)))


@given(documents())
def test_a_path_stands_in_the_statement_that_brings_it_to_tomllib(document: Document) -> None:
    """The oracle: the shortest prefix of whole lines that tomllib reads and that has the path."""
    rows = document.text.splitlines(keepends=True)
    brought: dict[Path, tuple[int, int]] = {}
    before = 0
    for count in range(1, len(rows) + 1):
        try:
            content = tomllib.loads("".join(rows[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for path in paths(content):
            brought.setdefault(path, (before + 1, count))
        before = count
    for path, line in lines_of(document.text).items():
        first, last = brought[path]
        assert first <= line <= last


@given(st.text(alphabet="[]{}=.,\"'#\\\n ab1", max_size=40))
def test_a_broken_text_never_holds_up_the_search(text: str) -> None:
    lines_of(text)
    assert 1 <= unfinished(text) <= text.count("\n") + 1


def test_tables_within_arrays_of_tables_belong_to_the_last_element() -> None:
    text = (
        "[[service]]\n"  # 1
        "name = 'a'\n"
        "[service.health]\n"  # 3
        "url = 'x'\n"
        "[[service]]\n"  # 5
        "[service.health.headers]\n"  # 6
        "A = '1'\n"
        "[[service.inner]]\n"  # 8
        "[[service.inner]]\n"  # 9
        "b.c = 1\n"
    )
    assert lines_of(text) == {
        ("service",): 1,
        ("service", 0): 1,
        ("service", 0, "name"): 2,
        ("service", 0, "health"): 3,
        ("service", 0, "health", "url"): 4,
        ("service", 1): 5,
        ("service", 1, "health"): 6,
        ("service", 1, "health", "headers"): 6,
        ("service", 1, "health", "headers", "A"): 7,
        ("service", 1, "inner"): 8,
        ("service", 1, "inner", 0): 8,
        ("service", 1, "inner", 1): 9,
        ("service", 1, "inner", 1, "b"): 10,
        ("service", 1, "inner", 1, "b", "c"): 10,
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = [\n  1,\n  2,\n\n", 2),
        ('a = 1\n\nb = """x\ny\n', 3),
        ("a = [\n 1,\n]\nb = { c = [\n", 4),
    ],
)
def test_a_text_that_breaks_off_is_told_where_its_last_statement_begins(
    text: str, line: int
) -> None:
    assert unfinished(text) == line


def test_a_long_file_is_searched_in_no_time() -> None:
    text = "".join(
        f'[[service]]\nunit = "u{n}"\nport = 0\nargs = [\n {n},\n]\n' for n in range(1700)
    )
    began = time.process_time()
    lines = lines_of(text)
    assert lines["service", 1699, "args", 0] == 1699 * 6 + 5
    assert time.process_time() - began < 2  # about 0.1 s; quadratic would be minutes
