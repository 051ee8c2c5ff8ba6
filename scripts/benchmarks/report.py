"""Results, and the page that they are written to."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Aim:
    """A bar: what was measured, the bar itself, and whether it is met."""

    what: str
    measured: str
    bar: str
    met: bool


@dataclass(frozen=True)
class Section:
    """One table of the page, with its method and its bars."""

    title: str
    method: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    aims: Sequence[Aim] = field(default_factory=tuple)

    def text(self) -> str:
        """Return the section as Markdown."""
        lines = [f"## {self.title}", "", self.method, "", _row(self.heads), _rule(self.heads)]
        lines += [_row(row) for row in self.rows]
        if self.aims:
            lines += ["", _row(("bar", "measured", "aim", "")), _rule(("",) * 4)]
            for aim in self.aims:
                verdict = "met" if aim.met else "**missed**"
                lines.append(_row((aim.what, aim.measured, aim.bar, verdict)))
        return "\n".join([*lines, ""])


def update_page(section: Section) -> None:
    """Put *section* into the page, in the place of an older one of its title."""
    texts = _sections_of(PAGE.read_text()) if PAGE.exists() else {}
    texts[section.title] = section.text()
    write_page(texts)


def write_page(texts: Mapping[str, str]) -> None:
    """Write the page of these sections, by title."""
    head = (
        "# Benchmarks\n\n"
        "Written by `scripts/bench`, never by hand; run it yourself (as root). Each section is one "
        "run in a booted Debian 12 with systemd as PID 1, all that it compares side by side; "
        "absolute figures drift between machines, ratios are what counts.\n\n"
        f"{machine()}\n"
    )
    PAGE.write_text("\n".join([head, *texts.values()]))


def _sections_of(page: str) -> dict[str, str]:
    """Return the sections of *page* by title."""
    _, *texts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    return {text.splitlines()[0].removeprefix("## "): text.rstrip() + "\n" for text in texts}


def machine() -> str:
    """Return what it was measured on."""
    cores = sum(1 for line in _cpuinfo() if line.startswith("processor"))
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if "model name" in line), "?")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"Machine: {cores} cores, {model}, Linux {platform.release()}. Version: {commit}.\n"


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(cells: Sequence[str]) -> str:
    return "|" + "---|" * len(cells)
