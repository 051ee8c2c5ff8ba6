"""Plots as SVG: bars and lines, for pages in the light and in the dark.

Each stands on a ground of its own and follows the reader's colour scheme, as `<img>` on GitHub can.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from scripts.benchmarks.figures import NEVER

WIDTH = 820
LEFT = 250  # where the axis begins
RIGHT = 90  # what values beside the bars take
TOP = 76
ROW = 22
BAR = 12
HEADER = 26

STYLE = """\
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .note, .tick { fill: #59636e }
.head { font-weight: 600 } .never { fill: #cf222e; font-style: italic }
.ground { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0; stroke-width: 1 }
.aim { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 5 3 } .aimed { fill: #1a7f37 }
.s0 { fill: #0969da; stroke: #0969da } .s1 { fill: #bc4c00; stroke: #bc4c00 }
.s2 { fill: #8250df; stroke: #8250df } .s3 { fill: #6e7781; stroke: #6e7781 }
.line { fill: none; stroke-width: 2 } .worst { stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .note, .tick { fill: #9198a1 } .never { fill: #f85149 }
.ground { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d }
.aim { stroke: #3fb950 } .aimed { fill: #3fb950 }
.s0 { fill: #4493f8; stroke: #4493f8 } .s1 { fill: #f0883e; stroke: #f0883e }
.s2 { fill: #ab7df8; stroke: #ab7df8 } .s3 { fill: #9198a1; stroke: #9198a1 }
.line { fill: none }
}"""


@dataclass(frozen=True)
class Bar:
    """A row: its label, its value, what is written beside it, and the worst that there was."""

    label: str
    value: float
    said: str
    worst: float | None = None
    ours: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a heading of their own."""

    head: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Series:
    """Points (x, y) under one name."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Bars:
    """Horizontal bars in groups; ``aim`` is a line across them."""

    title: str
    axis: str
    groups: Sequence[Group]
    log: bool = False
    aim: float | None = None
    seconds: bool = False  # what is shown are times, and said as such

    @property
    def alt(self) -> str:
        """Return what a reader who does not see it is told."""
        return f"{self.axis}; the figures are in the table below"

    def svg(self) -> str:
        """Return the plot."""
        return _bars(self)


@dataclass(frozen=True)
class Lines:
    """Lines over a logarithmic x axis, and a logarithmic y axis."""

    title: str
    x_axis: str
    y_axis: str
    series: Sequence[Series]
    aim: float | None = None

    @property
    def alt(self) -> str:
        """Return what a reader who does not see it is told."""
        return f"{self.y_axis}, over {self.x_axis}; the figures are in the table below"

    def svg(self) -> str:
        """Return the plot."""
        return _lines(self)


Plot = Bars | Lines


@dataclass(frozen=True)
class _Axis:
    """Where a value is, between two ends in pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0), 1) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            step = 1 + (last - first) // 8
            return [10.0**power for power in range(first, last + 1, step)]
        return [self.low + (self.high - self.low) * part / 4 for part in range(5)]


def _axis(values: Iterable[float], start: float, end: float, *, log: bool) -> _Axis:
    """Return the axis that shows all finite *values*: whole decades, or from nought to a round."""
    shown = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
    if log:
        low, high = (math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown))))
        return _Axis(10.0**low, 10.0 ** max(high, low + 1), start, end, log)
    top = max(shown) or 1.0
    unit = 10.0 ** math.floor(math.log10(top))
    high = next(unit * each for each in (1, 2, 4, 6, 8, 10) if unit * each >= top)
    return _Axis(0.0, high, start, end, log)


def _bars(plot: Bars) -> str:
    bars = [bar for group in plot.groups for bar in group.bars]
    values = [value for bar in bars for value in (bar.value, bar.worst or bar.value)]
    values += [plot.aim] if plot.aim is not None else []
    axis = _axis(values, LEFT, WIDTH - RIGHT - 40, log=plot.log)
    heads = sum(bool(group.head) for group in plot.groups)
    bottom = TOP + heads * HEADER + len(bars) * ROW + 8
    parts = _frame(plot.title, plot.axis, bottom + 30)
    for tick in axis.ticks():
        x, said = axis.at(tick), _time(tick) if plot.seconds else _number(tick)
        parts += [_line("grid", x, TOP, x, bottom), _text("tick", x, bottom + 16, said)]
    y = float(TOP)
    for group in plot.groups:
        if group.head:
            parts.append(_text("head", 16, y + 18, group.head, "start"))
            y += HEADER
        for bar in group.bars:
            parts += _bar(bar, y, axis)
            y += ROW
    if plot.aim is not None:
        x = axis.at(plot.aim)
        parts += [_line("aim", x, TOP - 4, x, bottom), _text("aimed", x, TOP - 8, "aim")]
    return _close(parts)


def _bar(bar: Bar, y: float, axis: _Axis) -> list[str]:
    middle = y + ROW / 2
    parts = [_text("head" if bar.ours else "", LEFT - 8, middle + 4, bar.label, "end")]
    if bar.value == NEVER:
        return [*parts, _text("never", LEFT + 6, middle + 4, bar.said, "start")]
    colour = "s0" if bar.ours else "s3"
    # On a logarithmic axis the smallest begins where the axis does: a stub still shows it.
    end = max(axis.at(bar.value), LEFT + 2)
    parts.append(
        f'<rect class="{colour}" stroke="none" x="{LEFT}" y="{middle - BAR / 2:.1f}" '
        f'width="{end - LEFT:.1f}" height="{BAR}" rx="1"/>'
    )
    if bar.worst is not None and math.isfinite(bar.worst):
        reach = axis.at(bar.worst)
        parts += [
            _line(f"worst {colour}", end, middle, reach, middle),
            _line(f"worst {colour}", reach, middle - 4, reach, middle + 4),
        ]
        end = max(end, reach)
    return [*parts, _text("", end + 6, middle + 4, bar.said, "start")]


def _lines(plot: Lines) -> str:
    points = [point for series in plot.series for point in series.points]
    bottom = TOP + 260
    across = _axis((x for x, _ in points), 70, WIDTH - 170, log=True)
    values = [y for _, y in points] + ([plot.aim] if plot.aim is not None else [])
    up = _axis(values, bottom, TOP + 8, log=True)
    parts = _frame(plot.title, plot.y_axis, bottom + 52)
    for tick in across.ticks():
        x = across.at(tick)
        parts += [_line("grid", x, TOP, x, bottom), _text("tick", x, bottom + 16, _number(tick))]
    parts.append(_text("note", (70 + WIDTH - 170) / 2, bottom + 38, plot.x_axis))
    for tick in up.ticks():
        y = up.at(tick)
        parts += [
            _line("grid", 70, y, WIDTH - 170, y),
            _text("tick", 62, y + 4, _number(tick), "end"),
        ]
    if plot.aim is not None:
        y = up.at(plot.aim)
        parts += [
            _line("aim", 70, y, WIDTH - 170, y),
            _text("aimed", 76, y - 5, f"aim: {_number(plot.aim)}", "start"),
        ]
    taken: list[float] = []
    for number, series in enumerate(plot.series):
        colour = f"s{number % 4}"
        spots = [(across.at(x), up.at(y)) for x, y in series.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline class="line {colour}" style="fill:none" points="{path}"/>')
        parts += [f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in spots]
        y = spots[-1][1] + 4
        while any(abs(y - other) < 15 for other in taken):
            y += 15
        taken.append(y)
        parts.append(
            f'<text class="{colour}" stroke="none" style="stroke:none" x="{spots[-1][0] + 10:.1f}" '
            f'y="{y:.1f}">{escape(series.name)}</text>'
        )
    return _close(parts)


def _frame(title: str, note: str, height: float) -> list[str]:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    ground = f'x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" {ground}/>',
        _text("title", 16, 28, title, "start"),
        _text("note", 16, 48, note, "start"),
    ]


def _close(parts: Sequence[str]) -> str:
    return "\n".join([*parts, "</svg>", ""])


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _text(kind: str, x: float, y: float, text: str, anchor: str = "middle") -> str:
    styled = f' class="{kind}"' if kind else ""
    return f'<text{styled} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def _time(value: float) -> str:
    if value == 0 or value >= 1:
        return f"{value:,g} s"
    return f"{value * 1e3:g} ms" if value >= 1e-3 else f"{value * 1e6:g} µs"
