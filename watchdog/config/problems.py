"""What is wrong with a configuration: collected, so that all of it is told at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchdog.errors import ConfigError

Path = tuple[str | int, ...]

_SHOWN = 60  # characters of a value that are worth repeating
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SECRET = re.compile(
    r"xox[a-z]?[.-]|xapp-|hooks\.slack\.com/|//[^/@\s]*@|(token|secret|pass\w*|key)[=: ]",
    re.IGNORECASE,
)


class Problems:
    """Collects what is wrong, by path; ``report`` gives one line for each, in the file's order."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._found: dict[tuple[Path, str], None] = {}
        self._remarks: dict[tuple[Path, str], None] = {}
        self._wrong: set[Path] = set()
        self._touched: set[Path] = set()

    def add(self, path: Path, message: str) -> None:
        """Note that the value at *path* is wrong; saying the same twice makes one problem."""
        self._found[path, message] = None
        self._wrong.add(path)
        self._touched.update(path[:length] for length in range(len(path) + 1))

    def remark(self, path: Path, message: str) -> None:
        """Note that what stands at *path* is allowed, but may not be what was meant."""
        self._remarks[path, message] = None

    def at(self, path: Path) -> bool:
        """Tell whether what stands at *path* is itself wrong, not just something in it."""
        return path in self._wrong

    def touch(self, path: Path) -> bool:
        """Tell whether something at or below *path* is wrong, so that conclusions are void."""
        return path in self._touched

    def report(self) -> tuple[str, ...]:
        """Return ``FILE:LINE: KEY: what is wrong; expected …`` for each problem."""
        return self._located(self._found)

    def remarks(self) -> tuple[str, ...]:
        """Return ``FILE:LINE: KEY: what may not be meant`` for each remark."""
        return self._located(self._remarks) if self._remarks else ()

    def _located(self, found: Iterable[tuple[Path, str]]) -> tuple[str, ...]:
        from watchdog.config.lines import lines_of  # noqa: PLC0415 - the daemon never needs it

        lines = lines_of(self._text)
        located = sorted(
            ((_line(path, lines), path, message) for path, message in found),
            key=lambda problem: problem[0],
        )
        return tuple(
            f"{self._file}:{line}: {name_of(path)}: {message}"
            if path
            else f"{self._file}: {message}"
            for line, path, message in located
        )

    def raise_if_any(self) -> None:
        """Raise ConfigError if anything is wrong."""
        if self._found:
            raise ConfigError(self.report())


def _line(path: Path, lines: dict[Path, int]) -> int:
    """Return the line of *path*, or of the nearest table around what is missing."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def name_of(path: Path) -> str:
    """Return *path* as a person writes it; arrays count from 1: ``service[2].port``."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step + 1}]"
        else:
            key = step if _BARE_KEY.fullmatch(step) else quoted(step)
            name += f".{key}" if name else key
    return name


def found(value: object, *, secret: bool = False) -> str:
    """Return *value* in the words of a message; what may be a secret is named, not shown."""
    match value:
        case dict():
            return "a table"
        case list():
            return "an array"
        case str():
            hidden = secret or looks_secret(value)
            return "text that is kept secret" if hidden else quoted(value)
        case bool():
            return str(value).lower()
        case int() | float() if secret:
            return "a number"
        case _:
            return shortened(str(value))


def looks_secret(text: str) -> bool:
    """Tell whether *text* may hold a secret that slipped into the wrong place."""
    return bool(_SECRET.search(text))


def quoted(text: str) -> str:
    """Return *text* in double quotes on one line, shortened if it is long."""
    escaped = shortened(text).replace("\\", r"\\").replace('"', r"\"")
    return f'"{"".join(c if c.isprintable() else _escape(c) for c in escaped)}"'


def _escape(character: str) -> str:
    return {"\n": r"\n", "\t": r"\t"}.get(character, f"\\u{ord(character):04x}")


def shortened(text: str) -> str:
    """Return *text*, cut to what fits a message."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def listing(words: Iterable[str], last: str = "or") -> str:
    """Return *words* as ``a, b or c``."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "…"?`` if one of *known* looks like *word*, else nothing."""
    import difflib  # noqa: PLC0415 - the daemon never needs it

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {quoted(close[0])}?" if close else ""
