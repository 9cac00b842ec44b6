"""A chart in a plane as SVG: axes, lines, dots, histograms, surfaces and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise

from fastnn.pictures.marks import Chart, Dots, Line, Mark, Point, Remark, Steps, Surface
from fastnn.pictures.raster import shades
from fastnn.pictures.scales import Scale, label_places, scale_over, short, shows, ticks

TOP, BOTTOM, NAME = 14, 46, 20  # NAME: for the vertical axis' name, where it has one
LETTER, BOLD = 6.6, 7.8  # pixels of a letter of a label, on average
#: Above so many points a line has no dots to point at, and is drawn by its extremes.
DOTTED, DRAWN = 60, 600


def plane(chart: Chart) -> str:
    """Return the chart as the inside of an SVG of ``chart.width`` by ``chart.height``."""
    left, right = _left(chart), _right(chart)
    top = TOP + NAME * bool(_vertical_name(chart))
    x, y = _scales(chart, left, chart.width - right, chart.height - BOTTOM, top)
    parts = list(_axes(chart, x, y))
    named = [m for m in chart.marks if not isinstance(m, Surface | Remark)]
    places = _label_places(named, x, y)
    for mark in chart.marks if chart.in_order else sorted(chart.marks, key=_order):
        label = places.get(id(mark))
        if isinstance(mark, Surface):
            parts.append(_surface(mark, x, y))
        elif isinstance(mark, Steps):
            parts.append(_steps(mark, x, y, label))
        elif isinstance(mark, Dots):
            parts.append(_dots(mark, x, y, label))
        elif isinstance(mark, Line):
            parts.append(_line(mark, x, y, label))
        else:
            parts.append(f'<text class="remark c-{mark.colour}" x="{x(mark.x):.1f}" '
                         f'y="{y(mark.y):.1f}">{escape(mark.text)}</text>')  # fmt: skip
    return "\n".join(parts)


def _order(mark: Mark) -> int:
    if isinstance(mark, Surface):
        return 0
    if isinstance(mark, Steps | Dots):
        return 2
    if isinstance(mark, Line):
        return {"thin": 1, "dotted": 3, "dashed": 3, "plain": 4, "strong": 5}[mark.weight]
    return 6


def _vertical_name(chart: Chart) -> str:
    """The name of the vertical axis; none if the title says it."""
    return "" if chart.y.name.lower() == chart.title.lower() else chart.y.name


def _left(chart: Chart) -> int:
    """The room for the numbers of the vertical axis."""
    words = [text for _, text in chart.y.ticks or ()]
    if not words:
        return 58
    return round(18 + LETTER * max(map(len, words)))


def _right(chart: Chart) -> int:
    """The room for the names at the right edge."""
    named = [m for m in chart.marks if isinstance(m, Line | Dots | Steps) and m.name]
    if not named:
        return 20
    return round(24 + max(len(m.name) * (BOLD if _is_strong(m) else LETTER) for m in named))


def _is_strong(mark: Mark) -> bool:
    return isinstance(mark, Line) and mark.weight == "strong"


def _values(chart: Chart) -> tuple[list[float], list[float]]:
    """Everything that must have a place on either axis."""
    xs: list[float] = []
    ys: list[float] = []
    for mark in chart.marks:
        if isinstance(mark, Line | Dots):
            xs += [p.x for p in mark.points]
            ys += [p.y for p in mark.points]
        elif isinstance(mark, Steps):
            xs += mark.edges
            ys += [*mark.heights, 0.0]
        elif isinstance(mark, Surface):
            xs += mark.x
            ys += mark.y
        else:
            xs.append(mark.x)
            ys.append(mark.y)
    return xs, ys


def _scales(
    chart: Chart, left: float, right: float, bottom: float, top: float
) -> tuple[Scale, Scale]:
    xs, ys = _values(chart)
    filled = any(isinstance(m, Surface) for m in chart.marks)
    margins = (0.0, 0.0) if filled else (0.02, 0.04)
    scales = []
    for axis, values, ends, margin in (
        (chart.x, xs, (left, right), margins[0]),
        (chart.y, ys, (bottom, top), margins[1]),
    ):
        if axis.limits:
            scales.append(Scale(*axis.limits, *ends, axis.log))
        else:
            scales.append(scale_over(values, *ends, margin, axis.log))
    x, y = scales
    if not chart.equal:
        return x, y
    # The axis with more pixels to a unit gets fewer of them.
    per_x = (x.stop - x.start) / (x.high - x.low)
    per_y = (y.start - y.stop) / (y.high - y.low)
    per = min(per_x, per_y)
    return (
        replace(x, stop=x.start + per * (x.high - x.low)),
        replace(y, stop=y.start - per * (y.high - y.low)),
    )


def _axes(chart: Chart, x: Scale, y: Scale) -> Iterator[str]:
    yield f'<rect class="backdrop" width="{chart.width}" height="{chart.height}"/>'
    given = chart.y.ticks or [(v, short(v)) for v in ticks(y.low, y.high, y.log)]
    for value, text in given:
        at = y(value)
        yield f'<line class="grid" x1="{x.start}" x2="{x.stop}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield (f'<text class="tick" text-anchor="end" x="{x.start - 8}" y="{at + 4:.1f}">'
               f"{escape(text)}</text>")  # fmt: skip
    for value, text in _with_room(x, chart.x.ticks or ()):
        yield (f'<text class="tick" text-anchor="middle" x="{x(value):.1f}" '
               f'y="{y.start + 18}">{escape(text)}</text>')  # fmt: skip
    if name := _vertical_name(chart):
        yield f'<text class="axis" x="{x.start}" y="{y.stop - 14:.1f}">{escape(name)}</text>'
    if chart.x.name:
        yield (f'<text class="axis" x="{x.start}" y="{y.start + 38:.1f}">'
               f"{escape(chart.x.name)}</text>")  # fmt: skip


def _with_room(x: Scale, given: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The ticks of the horizontal axis that have room beside each other.

    Of given ones those after which there is some; else as many round ones, at least three.
    """
    if given:
        kept: list[tuple[float, str]] = []
        for tick in given:
            if not kept or _apart(x, kept[-1], tick):
                kept.append(tick)
        return kept
    for most in (7, 6, 5, 4, 3):
        found = [(v, short(v)) for v in ticks(x.low, x.high, x.log, most)]
        if all(_apart(x, a, b) for a, b in pairwise(found)):
            break
    return found


def _apart(x: Scale, one: tuple[float, str], other: tuple[float, str]) -> bool:
    """Whether two ticks' texts have a letter's width between them."""
    return x(other[0]) - x(one[0]) > LETTER * ((len(one[1]) + len(other[1])) / 2 + 1)


def _label_places(marks: Sequence[Mark], x: Scale, y: Scale) -> dict[int, float]:
    """The heights of the names at the right edge, by the mark's identity.

    A line that ends before the last line has its name at its end instead.
    """
    ends = [(m, end) for m in marks if (end := _end(m, x, y)) is not None]
    last = max((end[0] for m, end in ends if _is_curve(m)), default=0.0)
    # Of names at one height the mark that comes first is above.
    wanted = [(end[1], f"{k:06d}") for k, (_, end) in enumerate(ends) if end[0] >= last - 1e-6]
    return {id(ends[int(k)][0]): at for k, at in label_places(wanted, y.stop).items()}


def _is_curve(mark: Mark) -> bool:
    return isinstance(mark, Line) or (isinstance(mark, Dots) and mark.curve)


def _end(mark: Mark, x: Scale, y: Scale) -> tuple[float, float] | None:
    """Where the name of a mark points to: its last point; others have the right edge."""
    if isinstance(mark, Steps):
        return (x.stop, y(max(mark.heights))) if mark.name and mark.heights else None
    if not isinstance(mark, Line | Dots) or not mark.name:
        return None
    shown = [p for p in mark.points if shows(p.x, x.log) and shows(p.y, y.log)]
    if not shown:
        return None
    if not _is_curve(mark):
        middle = sum(y(p.y) for p in shown) / len(shown)
        return x.stop, middle
    return x(shown[-1].x), y(shown[-1].y)


def _line(line: Line, x: Scale, y: Scale, label_y: float | None) -> str:
    runs = _runs(line.points, x, y)
    points = [(p, a, b) for run in runs for p, a, b in run]
    drawn = "".join(
        f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in thinned(run))}"/>'
        for run in ([(a, b) for _, a, b in run] for run in runs)
        if len(run) > 1
    )
    dotted = points if (line.dots and len(points) <= DOTTED) or not drawn else []
    circles = "".join(_circle(line.name, p, a, b, 3.2) for p, a, b in dotted)
    label = _name(line.name, *points[-1][1:], label_y, x) if line.name and points else ""
    return f'<g class="series {line.weight} c-{line.colour}">{drawn}{circles}{label}</g>'


def _runs(points: Sequence[Point], x: Scale, y: Scale) -> list[list[tuple[Point, float, float]]]:
    """The points with their places, in runs between what cannot be shown."""
    found: list[list[tuple[Point, float, float]]] = [[]]
    for p in points:
        if shows(p.x, x.log) and shows(p.y, y.log):
            found[-1].append((p, x(p.x), y(p.y)))
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def thinned(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most some hundred places of a line: of each part of it the lowest and the highest.

    >>> long = [(float(k), float(k % 7)) for k in range(10_000)]
    >>> len(thinned(long)) <= 1200, max(b for _, b in thinned(long)), thinned(long)[0]
    (True, 6.0, (0.0, 0.0))
    """
    if len(places) <= DRAWN:
        return list(places)
    every = -(-len(places) // (DRAWN // 2))
    kept: list[tuple[float, float]] = []
    for start in range(0, len(places), every):
        part = places[start : start + every]
        ends = {0, len(part) - 1} if start in (0, len(places) - len(part)) else set()
        low = min(range(len(part)), key=lambda k: part[k][1])
        high = max(range(len(part)), key=lambda k: part[k][1])
        kept += [part[k] for k in sorted({low, high} | ends)]
    return kept


def _circle(name: str, p: Point, a: float, b: float, size: float) -> str:
    text = escape(p.text or f"{short(p.x)}: {p.y:.4g}")
    said = f"{escape(name)}, {text}" if name else text
    return (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{size:g}" '
            f'data-tip="{escape(name)}|{text}"><title>{said}</title></circle>')  # fmt: skip


def _name(name: str, end_x: float, end_y: float, label_y: float | None, x: Scale) -> str:
    """The name at the right edge; beside its last point if the line ends before."""
    if label_y is None:
        place = f'x="{end_x + 8:.1f}" y="{end_y + 4:.1f}"'
        return f'<text class="label early" {place}>{escape(name)}</text>'
    edge = x.stop + 12
    return (
        f'<path class="leader" d="M{end_x + 5:.1f},{end_y:.1f} L{edge - 2:.1f},{label_y:.1f}"/>'
        f'<text class="label" x="{edge:.1f}" y="{label_y + 4:.1f}">{escape(name)}</text>'
    )


def _edge_name(name: str, label_y: float | None, x: Scale) -> str:
    if label_y is None:
        return ""
    return (f'<text class="label" x="{x.stop + 12:.1f}" y="{label_y + 4:.1f}">'
            f"{escape(name)}</text>")  # fmt: skip


def _dots(dots: Dots, x: Scale, y: Scale, label_y: float | None) -> str:
    places = [place for run in _runs(dots.points, x, y) for place in run]
    circles = "".join(_circle(dots.name, p, a, b, dots.size) for p, a, b in places)
    if dots.curve and dots.name and places:
        label = _name(dots.name, *places[-1][1:], label_y, x)
    else:
        label = _edge_name(dots.name, label_y, x)
    return f'<g class="series dots c-{dots.colour}">{circles}{label}</g>'


def _steps(steps: Steps, x: Scale, y: Scale, label_y: float | None) -> str:
    floor = y(y.low if y.log else 0.0)
    path = [f"M{x(steps.edges[0]):.1f},{floor:.1f}"]
    for low, high, height in zip(steps.edges, steps.edges[1:], steps.heights, strict=False):
        at = y(height) if shows(height, y.log) else floor
        path.append(f"L{x(low):.1f},{at:.1f} L{x(high):.1f},{at:.1f}")
    path.append(f"L{x(steps.edges[-1]):.1f},{floor:.1f}")
    outline = " ".join(path)
    label = _edge_name(steps.name, label_y, x)
    return (f'<g class="series c-{steps.colour}"><path class="area" d="{outline} Z"/>'
            f'<path class="outline" d="{outline}"/>{label}</g>')  # fmt: skip


def _surface(surface: Surface, x: Scale, y: Scale) -> str:
    left, right = x(surface.x[0]), x(surface.x[1])
    bottom, top = y(surface.y[0]), y(surface.y[1])
    return (
        f'<image x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{shades(surface)}"/>'
    )
