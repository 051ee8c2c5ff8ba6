"""Lines of evidence in titled groups, and the part of them that fits.

A title is a line of its own, ``== journal, last lines ==``. Lines before the first one make a
group without a title, so what knows no titles is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TITLE = re.compile(r"== (.+) ==")


@dataclass(slots=True)
class _Group:
    title: str  # the whole line; empty: none
    lines: list[str]
    size: int  # bytes of the lines
    left_out: int = 0

    @property
    def keeps_end(self) -> bool:
        """Tell whether the newest lines are the ones to keep: the title says so, or is missing."""
        return "last" in self.title.split() or not self.title


def titled(title: str, lines: Sequence[str]) -> list[str]:
    """Return *lines* as a group; one whose *title* has the word "last" is cut at its beginning."""
    return [f"== {title} ==", *lines]


def is_title(line: str) -> bool:
    """Tell whether *line* is the title of a group."""
    return _TITLE.fullmatch(line) is not None


def plain(line: str) -> str:
    """Return *line* so that it is no title: indented if it reads like one."""
    return f" {line}" if is_title(line) else line


def excerpt(lines: Sequence[str], count: int, size: int, width: int = 1 << 20) -> list[str]:
    """Return at most about *count* of *lines* with *size* bytes, from each group its share.

    The largest group gives way first; a line counts for *width* bytes at most. Where there is no
    room for a line of each, the last groups go.
    """
    groups = _groups(lines, width)
    while groups and _is_over(groups, count, size, width):
        by_lines = _lines_of(groups) > count
        several = [group for group in groups if len(group.lines) > 1]
        if not several:
            groups.pop()
            continue
        largest = max(several, key=lambda group: len(group.lines) if by_lines else group.size)
        largest.size -= _size(largest.lines.pop(0 if largest.keeps_end else -1), width)
        largest.left_out += 1
    return [line for group in groups for line in _shown(group)]


def _groups(lines: Sequence[str], width: int) -> list[_Group]:
    groups: list[_Group] = []
    for line in lines:
        if is_title(line):
            groups.append(_Group(line, [], 0))
            continue
        if not groups:
            groups.append(_Group("", [], 0))
        groups[-1].lines.append(line)
        groups[-1].size += _size(line, width)
    return groups


def _is_over(groups: Sequence[_Group], count: int, size: int, width: int) -> bool:
    titles = sum(_size(group.title, width) for group in groups)
    return _lines_of(groups) > count or titles + sum(group.size for group in groups) > size


def _lines_of(groups: Sequence[_Group]) -> int:
    return sum(len(group.lines) + bool(group.title) for group in groups)


def _size(line: str, width: int) -> int:
    return min(len(line.encode("utf-8", "replace")) + 1, width)


def _shown(group: _Group) -> list[str]:
    shown = [group.title] if group.title else []
    shown += group.lines
    if group.left_out and not group.keeps_end:
        shown.append(f"… {group.left_out} more lines")
    return shown
