"""Plots are drawings that a reader can take for what they are."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from scripts.benchmarks.figures import NEVER
from scripts.benchmarks.plot import Bar, Bars, Group, Lines, Plot, Series

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plot: Plot) -> ET.Element:
    return ET.fromstring(plot.svg())  # noqa: S314 - ours


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def widths(root: ET.Element) -> list[float]:
    bars = (each for each in root.iter(f"{SVG}rect") if "ground" not in each.get("class", ""))
    return [float(each.get("width", "nan")) for each in bars]


def bars(*values: float, log: bool = False, aim: float | None = None) -> Bars:
    rows = [Bar(f"row {i}", value, f"{value:g}", value * 2) for i, value in enumerate(values)]
    return Bars("Some <title>", "units & more", [Group("a group", rows)], log=log, aim=aim)


def test_a_plot_says_its_title_its_unit_and_its_rows() -> None:
    said = texts(drawn(bars(1, 2, aim=3)))
    for words in ("Some <title>", "units & more", "a group", "row 0", "row 1", "aim"):
        assert words in said


def test_bars_are_as_long_as_their_values() -> None:
    one, two, four = widths(drawn(bars(1, 2, 4)))
    assert two == 2 * one
    assert four == 2 * two


def test_on_a_logarithmic_axis_equal_ratios_are_equal_steps() -> None:
    one, ten, hundred = widths(drawn(bars(0.002, 0.02, 0.2, log=True)))
    assert abs((hundred - ten) - (ten - one)) < 0.2


def test_never_is_a_word_and_not_a_bar() -> None:
    plot = Bars("t", "u", [Group("", [Bar("x", 1, "1"), Bar("y", NEVER, "never")])], log=True)
    root = drawn(plot)
    assert len(widths(root)) == 1
    assert "never" in texts(root)


def test_nothing_is_drawn_beside_the_ground() -> None:
    root = drawn(bars(1e-6, 5e4, log=True))
    right = float(root.get("width", "0"))
    ends = [float(each.get("x", "0")) + float(each.get("width", "0")) for each in root.iter()]
    assert max(ends) <= right


def test_lines_name_each_series_beside_its_last_point() -> None:
    series = [Series("ours", [(1, 0.1), (1000, 2)]), Series("theirs", [(1, 0.2), (1000, 2.1)])]
    root = drawn(Lines("t", "services", "% of a core", series, aim=2))
    assert {"ours", "theirs", "services", "1,000", "aim: 2"} <= set(texts(root))
    heights = [
        float(each.get("y", "0"))
        for each in root.iter(f"{SVG}text")
        if each.text in {"ours", "theirs"}
    ]
    assert abs(heights[0] - heights[1]) >= 15


def test_it_can_be_read_in_the_dark() -> None:
    [style] = [each.text or "" for each in drawn(bars(1)).iter(f"{SVG}style")]
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    for kind in (".ground", ".grid", ".s0", ".s3", ".never", ".aim"):
        assert re.search(rf"\{kind}\b", light)
        assert re.search(rf"\{kind}\b", dark)
