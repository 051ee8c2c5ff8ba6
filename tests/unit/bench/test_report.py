"""The page is made of sections, each with its plots and its bars; all bars are at its head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.benchmarks.plot import Bar, Bars, Group
from scripts.benchmarks.report import Section, at_least, at_most, sections_of, slug, update_page

PLOT = Bars("How long it took", "seconds", [Group("", [Bar("ours", 1.0, "1 s", ours=True)])])


def section(title: str = "A thing", value: float = 1.0) -> Section:
    aims = (at_most("so long", value, 2, "s", "the disk is slow"), at_least("as much", 50, 40, "×"))
    return Section(title, "How.", ("who", "what"), [("we", "1")], aims, (PLOT,))


def test_a_section_has_its_table_its_bars_and_its_plot(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    update_page(section(), page=page)
    text = page.read_text()
    assert "| we | 1 |" in text
    assert "| so long | 1.00 s | ≤ 2 s | met |" in text
    assert "| as much | 50.0 × | ≥ 40 × | met |" in text
    assert "(benchmarks/how-long-it-took.svg)" in text
    assert (tmp_path / "benchmarks" / "how-long-it-took.svg").read_text().startswith("<svg")


def test_each_section_tells_of_the_run_that_it_is_of(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    update_page(replace(section("One"), run="2026-11-22, version abc."), page=page)
    update_page(replace(section("Two"), run="2026-11-23, version def."), page=page)
    found = sections_of(page.read_text())
    assert "*2026-11-22, version abc.*" in found["One"]
    assert "*2026-11-23, version def.*" in found["Two"]


def test_a_missed_bar_says_by_how_much_and_why() -> None:
    aim = at_most("so long", 3, 2, "s", "the disk is slow")
    assert aim.verdict == "**missed** by a factor of 1.50: the disk is slow"
    assert at_least("as much", 20, 40, "×").verdict == "**missed** by a factor of 2.00"


def test_all_bars_are_at_the_head_and_lead_to_their_section(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    update_page(section("One thing"), page=page)
    update_page(section("Another thing", value=9), page=page)
    head = page.read_text().partition("## One thing")[0]
    assert "3 of 4 are met." in head
    assert "| [so long](#one-thing) | 1.00 s | ≤ 2 s | met |" in head
    assert "| [so long](#another-thing) | 9.00 s |" in head


def test_a_section_measured_again_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    for title, value in (("One", 1.0), ("Two", 1.0), ("One", 9.0)):
        update_page(section(title, value), page=page)
    found = sections_of(page.read_text())
    assert list(found) == ["One", "Two"]
    assert "missed" in found["One"]
    assert "missed" not in found["Two"]


def test_a_title_that_is_gone_leaves_the_page(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    update_page(section("Of old"), page=page)
    update_page(section("New"), ["New", "Newer"], page)
    assert list(sections_of(page.read_text())) == ["New"]


def test_anchors_are_as_github_makes_them() -> None:
    assert slug("kill -9 of a service") == "kill--9-of-a-service"
    assert slug("Side by side: from failure to seen") == "side-by-side-from-failure-to-seen"
