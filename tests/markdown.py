"""The pages that people read: where they are, and the blocks of code in them."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FOLDERS = ("docs", "examples", "tests")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        first = self.text.strip().partition("\n")[0]
        return f"{self.page.relative_to(ROOT)}: {first}"


def pages() -> list[Path]:
    """Return every page of the project."""
    found = list(ROOT.glob("*.md"))
    for folder in _FOLDERS:
        found += (ROOT / folder).rglob("*.md")
    return sorted(found)


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the blocks of *page* in one of *languages*; all of them if none is named."""
    return [
        Block(page, language, textwrap.dedent(text))
        for _, language, text in _FENCE.findall(page.read_text(encoding="utf-8"))
        if not languages or language in languages
    ]


def prose(page: Path) -> str:
    """Return *page* without its blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def command_lines(block: Block) -> Iterator[str]:
    """Return the commands of a block in sh or console; one may have several lines."""
    command = ""
    for line in _CONTINUED.sub(" ", block.text).splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        command += line.removeprefix("$ ") + "\n"
        if _is_whole(command):
            if words_of(command):
                yield command.strip()
            command = ""
    assert not command, f"quotes are left open: {command}"


def words_of(command: str) -> list[str]:
    """Return *command* as the shell would take it, without sudo."""
    words = shlex.split(command, comments=True)
    return words[1:] if words[:1] == ["sudo"] else words


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True
