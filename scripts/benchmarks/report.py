"""Results, and the page and the plots that they are written to."""

from __future__ import annotations

import platform
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmarks.plot import Plot

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"

HEAD = (
    "# Benchmarks\n\n"
    "Written by `scripts/bench`, never by hand; run it yourself (as root): `--list` tells what "
    "there is and how long it takes, `--only NAME` measures one again, `--quick` tries it out and "
    "leaves this page alone. Each section is one run in a booted Debian 12 with systemd as PID 1, "
    "all that it compares side by side; absolute figures drift between machines, ratios are what "
    "counts.\n"
)

BAR_HEADS = ("bar", "measured", "aim", "")
SUMMARY = "All bars"


@dataclass(frozen=True)
class Aim:
    """A bar: what was measured, the bar itself, whether it is met, and why it is not."""

    what: str
    measured: str
    bar: str
    met: bool
    by: str = ""  # how much it is missed by
    why: str = ""

    @property
    def verdict(self) -> str:
        """Return whether it is met, and if not, by how much and why."""
        if self.met:
            return "met"
        by, why = (f" by {self.by}" if self.by else "", f": {self.why}" if self.why else "")
        return f"**missed**{by}{why}"


def at_most(what: str, value: float, limit: float, unit: str, why: str = "") -> Aim:
    """Return the bar that *value* is not above *limit*, both in *unit*."""
    by = f"a factor of {value / limit:.2f}"
    return Aim(what, f"{_short(value)} {unit}", f"≤ {limit:g} {unit}", value <= limit, by, why)


def at_least(what: str, value: float, limit: float, unit: str, why: str = "") -> Aim:
    """Return the bar that *value* is not below *limit*, both in *unit*."""
    by = f"a factor of {limit / value:.2f}" if value > 0 else ""
    return Aim(what, f"{_short(value)} {unit}", f"≥ {limit:,g} {unit}", value >= limit, by, why)


@dataclass(frozen=True)
class Section:
    """One table of the page, with its method, its bars and its plots."""

    title: str
    method: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    aims: Sequence[Aim] = field(default_factory=tuple)
    plots: Sequence[Plot] = field(default_factory=tuple)
    run: str = ""  # when, of what and on what: see this_run

    def text(self) -> str:
        """Return the section as Markdown."""
        lines = [f"## {self.title}", "", self.method, ""]
        lines += [f"*{self.run}*", ""] if self.run else []
        for plot in self.plots:
            lines += [f"![{plot.title}: {plot.alt}](benchmarks/{slug(plot.title)}.svg)", ""]
        lines += [_row(self.heads), _rule(self.heads)]
        lines += [_row(row) for row in self.rows]
        if self.aims:
            lines += ["", _row(BAR_HEADS), _rule(BAR_HEADS)]
            lines += [_row((aim.what, aim.measured, aim.bar, aim.verdict)) for aim in self.aims]
        return "\n".join([*lines, ""])


def slug(title: str) -> str:
    """Return *title* as the name of a file, and as GitHub makes an anchor of a heading."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))


def update_page(section: Section, order: Sequence[str] = (), page: Path = PAGE) -> None:
    """Put *section* into the page, in the place of an older one of its title, with its plots.

    *order*: the titles of the page; what else is there is of an older version, and goes.
    """
    texts = sections_of(page.read_text()) if page.exists() else {}
    texts[section.title] = section.text()
    if order:
        texts = {title: texts[title] for title in order if title in texts}
    plots = page.parent / "benchmarks"
    plots.mkdir(parents=True, exist_ok=True)
    for plot in section.plots:
        (plots / f"{slug(plot.title)}.svg").write_text(plot.svg())
    page.write_text(page_of(texts))


def page_of(texts: Mapping[str, str]) -> str:
    """Return the page of these sections, by title, all bars at its head."""
    bars = [(title, cells) for title, text in texts.items() for cells in _bars_of(text)]
    lines = [f"## {SUMMARY}", ""]
    met = sum(cells[3] == "met" for _, cells in bars)
    lines += [f"{met} of {len(bars)} are met.", "", _row(BAR_HEADS), _rule(BAR_HEADS)]
    lines += [_row((f"[{cells[0]}](#{slug(title)})", *cells[1:])) for title, cells in bars]
    return "\n".join([HEAD, *lines, "", *texts.values()])


def sections_of(page: str) -> dict[str, str]:
    """Return the sections of *page* by title, but for the summary that is made of them."""
    _, *texts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    found = {text.splitlines()[0].removeprefix("## "): text.rstrip() + "\n" for text in texts}
    found.pop(SUMMARY, None)
    return found


def _bars_of(text: str) -> list[tuple[str, str, str, str]]:
    """Return the rows of the section's table of bars."""
    _, _, table = text.partition(_row(BAR_HEADS) + "\n")
    rows = []
    for line in table.splitlines()[1:]:
        if not line.startswith("| "):
            break
        what, measured, aim, verdict = (cell.strip() for cell in line.strip("|").split(" | "))
        rows.append((what, measured, aim, verdict))
    return rows


def this_run() -> str:
    """Return when this is, what version it is of, and on what machine."""
    cores = sum(1 for line in _cpuinfo() if line.startswith("processor"))
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if "model name" in line), "?")
    version = _git("describe", "--always")
    # This page is a document, and the sections before this one have just been written to it.
    if _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"):
        version += " with changes"
    today = time.strftime("%Y-%m-%d")
    return f"{today}, version {version}; {cores} cores, {model}, Linux {platform.release()}."


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(cells: Sequence[str]) -> str:
    return "|" + "---|" * len(cells)
