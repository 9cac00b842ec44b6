"""Charts as SVG text. Colours are classes, so that the page's style sheet can change them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.report.charts import Bar, BarChart, Line, LineChart

WIDTH, HEIGHT = 620, 400
LEFT, RIGHT, TOP, BOTTOM = 58, 136, 14, 46
LABEL = 13.5  # pixels between two labels
ROW, NAME = 25, 150  # of a bar chart


def line_chart(chart: LineChart) -> str:
    """Return lines on two logarithmic axes, each with its name at its end."""
    points = [p for line in chart.lines for p in line.points]
    x = _scale([p.x for p in points], LEFT, WIDTH - RIGHT, 0.02)
    y = _scale([p.y for p in points], HEIGHT - BOTTOM, TOP, 0.04)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="chart" '
        f'aria-label="{escape(chart.title)}: {escape(chart.y_name)} over {escape(chart.x_name)}">'
    ]
    for value in decades([p.y for p in points]):
        at = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" {_y(at)}/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 8}" y="{at + 4:.1f}">'
                     f"{short(value)}</text>")  # fmt: skip
    for value in sorted({p.x for p in points}):
        parts.append(f'<text class="tick" text-anchor="middle" x="{x(value):.1f}" '
                     f'y="{HEIGHT - BOTTOM + 18}">{short(value)}</text>')  # fmt: skip
    parts.append(f'<text class="axis" x="{LEFT}" y="{HEIGHT - 8}">{escape(chart.x_name)}</text>')
    last = max(p.x for p in points)
    ends = label_places(
        [(y(line.points[-1].y), line.name) for line in chart.lines if line.points[-1].x == last]
    )
    # What matters most is drawn last, above the others.
    order = {"floor": 0, "peer": 1, "own": 2}
    for line in sorted(chart.lines, key=lambda line: order[line.kind]):
        parts.append(_line(line, x, y, ends.get(line.name)))
    return "\n".join([*parts, "</svg>"])


def _line(line: Line, x: Scale, y: Scale, label_y: float | None) -> str:
    places = [(x(p.x), y(p.y)) for p in line.points]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    circles = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.2" '
        f'data-tip="{escape(line.name)}|{escape(p.text)}"><title>{escape(line.name)}, '
        f"{escape(p.text)}</title></circle>"
        for (a, b), p in zip(places, line.points, strict=True)
    )
    return (
        f'<g class="series {line.kind} c-{line.key}"><polyline points="{path}"/>{circles}'
        f"{_name(line, *places[-1], label_y)}</g>"
    )


def _name(line: Line, end_x: float, end_y: float, label_y: float | None) -> str:
    """The name at the right edge; beside its last point if the line ends before."""
    if label_y is None:
        place = f'x="{end_x + 8:.1f}" y="{end_y + 4:.1f}"'
        return f'<text class="label early" {place}>{escape(line.name)}</text>'
    edge = WIDTH - RIGHT + 12
    return (
        f'<path class="leader" d="M{end_x + 5:.1f},{end_y:.1f} L{edge - 2},{label_y:.1f}"/>'
        f'<text class="label" x="{edge}" y="{label_y + 4:.1f}">{escape(line.name)}</text>'
    )


class Scale:
    """From values to pixels, logarithmic."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self._low, self._span = math.log(low), math.log(high) - math.log(low) or 1.0
        self._start, self._stop = start, stop

    def __call__(self, value: float) -> float:
        share = (math.log(value) - self._low) / self._span
        return self._start + share * (self._stop - self._start)


def _scale(values: Sequence[float], start: float, stop: float, margin: float) -> Scale:
    low, high = min(values), max(values)
    room = (high / low) ** margin if high > low else 2.0
    return Scale(low / room, high * room, start, stop)


def decades(values: Sequence[float]) -> list[float]:
    """Return the powers of ten within the values; 1, 2 and 5 times them if there are few.

    >>> decades([20, 30_000]), decades([12, 80])
    ([100.0, 1000.0, 10000.0], [20.0, 50.0])
    """
    low, high = min(values), max(values)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0,), (1.0, 2.0, 5.0)):
        found = [s * 10.0**e for e in exponents for s in steps if low <= s * 10.0**e <= high]
        if len(found) >= 3:
            return found
    return found


def short(value: float) -> str:
    """Return a number for an axis.

    >>> short(16), short(4096), short(10_000), short(2e6), short(0.5)
    ('16', '4096', '10k', '2M', '0.5')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def label_places(wanted: Sequence[tuple[float, str]]) -> dict[str, float]:
    """Return where labels go: as near as can be to where they should, none over another.

    >>> label_places([(100.0, "a"), (101.0, "b"), (300.0, "c")])
    {'a': 93.75, 'b': 107.25, 'c': 300.0}
    >>> label_places([(0.0, "a"), (5.0, "b")])  # not above the chart
    {'a': 14.0, 'b': 27.5}
    """
    groups: list[tuple[list[str], float]] = []  # names from the top, their middle
    for at, name in sorted(wanted):
        names, middle = [name], at
        while groups and groups[-1][1] + LABEL * (len(groups[-1][0]) + len(names)) / 2 > middle:
            above, there = groups.pop()
            n, k = len(above), len(names)
            names, middle = [*above, *names], (there * n + middle * k) / (n + k)
        groups.append((names, middle))
    found: dict[str, float] = {}
    lowest = TOP - LABEL
    for names, middle in groups:
        top = middle - LABEL * (len(names) - 1) / 2
        for i, name in enumerate(names):
            lowest = max(top + LABEL * i, lowest + LABEL)
            found[name] = lowest
    return found


def bar_chart(chart: BarChart) -> str:
    """Return horizontal bars from zero, the value at the end of each."""
    height = ROW * len(chart.bars) + 8
    largest = max(max((b.value, *b.marks)) for b in chart.bars)
    room = WIDTH - NAME - 90
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" class="chart" '
             f'aria-label="{escape(chart.title)}">']  # fmt: skip
    for i, bar in enumerate(chart.bars):
        parts.append(_bar(bar, ROW * i + 4, room / largest))
    return "\n".join([*parts, "</svg>"])


def _bar(bar: Bar, top: float, per_unit: float) -> str:
    width = max(1.5, bar.value * per_unit)
    middle = top + ROW / 2
    marks = "".join(
        f'<circle class="mark" cx="{NAME + m * per_unit:.1f}" cy="{middle:.1f}" r="2.6"/>'
        for m in bar.marks
    )
    end = NAME + max([width, *(m * per_unit + 3 for m in bar.marks)])
    return (
        f'<g class="bar {bar.kind} c-{bar.key}">'
        f'<text class="name" text-anchor="end" x="{NAME - 10}" y="{middle + 4:.1f}">'
        f"{escape(bar.name)}</text>"
        f'<rect x="{NAME}" y="{top + 4:.1f}" width="{width:.1f}" height="{ROW - 8}" rx="2" '
        f'data-tip="{escape(bar.name)}|{escape(bar.text)}">'
        f"<title>{escape(bar.name)}: {escape(bar.text)}</title></rect>{marks}"
        f'<text class="value" x="{end + 8:.1f}" y="{middle + 4:.1f}">{escape(bar.text)}</text></g>'
    )


def _y(at: float) -> str:
    return f'y1="{at:.1f}" y2="{at:.1f}"'
