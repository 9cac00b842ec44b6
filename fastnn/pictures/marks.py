"""What a picture shows, without saying how it is drawn: lines, dots, bars, cells, nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Weight: TypeAlias = Literal["strong", "plain", "dashed", "dotted", "thin"]


@dataclass(frozen=True)
class Point:
    """A point of a line, and what is said about it when it is pointed at."""

    x: float
    y: float
    text: str = ""


@dataclass(frozen=True)
class Line:
    """A line with its name at its end; where ``y`` is not finite it has a gap.

    ``dots``: the points can be pointed at, if they are few.
    """

    name: str
    points: tuple[Point, ...]
    colour: str = "blue"
    weight: Weight = "plain"
    dots: bool = True

    @staticmethod
    def of(
        name: str,
        xs: Iterable[float],
        ys: Iterable[float],
        colour: str = "blue",
        weight: Weight = "plain",
    ) -> Line:
        """Return the line through the points ``(xs[i], ys[i])``.

        >>> Line.of("loss", [1, 2], [0.5, 0.25]).points[1]
        Point(x=2.0, y=0.25, text='')
        """
        pairs = zip(xs, ys, strict=True)
        return Line(name, tuple(Point(float(x), float(y)) for x, y in pairs), colour, weight)


@dataclass(frozen=True)
class Dots:
    """Points that no line joins; ``size`` is their radius in pixels.

    ``curve``: they follow a curve, so their name is at the last one; else it is at the right edge.
    """

    name: str
    points: tuple[Point, ...]
    colour: str = "blue"
    size: float = 3.0
    curve: bool = False

    @staticmethod
    def of(
        name: str,
        xs: Iterable[float],
        ys: Iterable[float],
        colour: str = "blue",
        size: float = 3.0,
    ) -> Dots:
        """Return the points ``(xs[i], ys[i])``.

        >>> Dots.of("cats", [1], [2]).points
        (Point(x=1.0, y=2.0, text=''),)
        """
        return Dots(name, Line.of(name, xs, ys).points, colour, size)


@dataclass(frozen=True)
class Steps:
    """A histogram: ``heights[i]`` over ``edges[i]`` to ``edges[i + 1]``, filled down to 0."""

    name: str
    edges: tuple[float, ...]
    heights: tuple[float, ...]
    colour: str = "blue"


@dataclass(frozen=True)
class Surface:
    """A function of two numbers as shades: ``values[i][j]`` at row i from the bottom, column j.

    The range ``x``, ``y`` is that of the whole picture; ``low`` has the colour ``below``, ``high``
    the colour ``above``, and halfway between them there is none.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    values: tuple[tuple[float, ...], ...]
    low: float
    high: float
    below: str = "orange"
    above: str = "blue"


@dataclass(frozen=True)
class Remark:
    """A few words at a place in the plane."""

    x: float
    y: float
    text: str
    colour: str = "ink"


Mark: TypeAlias = Line | Dots | Steps | Surface | Remark


@dataclass(frozen=True)
class Axis:
    """An axis: its name, whether it is logarithmic, its ends and its ticks if they are given."""

    name: str = ""
    log: bool = False
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] | None = None


@dataclass(frozen=True)
class Chart:
    """Marks in a plane. ``equal``: a unit of x is as long as a unit of y.

    ``in_order``: marks are drawn in their order; else what matters most is drawn last.
    """

    title: str
    marks: tuple[Mark, ...]
    x: Axis = Axis()
    y: Axis = Axis()
    note: str = ""
    equal: bool = False
    in_order: bool = False
    width: int = 450
    height: int = 320


@dataclass(frozen=True)
class Bar:
    """A bar with its value as text; ``dots`` are the single repeats that the value is of."""

    name: str
    value: float
    text: str
    colour: str = "blue"
    weight: Weight = "plain"
    dots: tuple[float, ...] = ()


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars from zero; ``missing`` says which are not there, and why."""

    title: str
    bars: tuple[Bar, ...]
    note: str = ""
    missing: tuple[str, ...] = ()
    width: int = 450


@dataclass(frozen=True)
class HeatMap:
    """A table of numbers, each on a shade from ``low`` (none) to ``high`` (full).

    With ``below``, the colour of negative numbers, 0 has no shade, and the number that is the
    furthest from it the full one. ``texts`` is what is written in the cells, and ``shades`` what
    they are shaded by: the numbers, if they are not given; a number that is not finite has no
    shade. ``chosen`` are cells (row, column) with a frame.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    note: str = ""
    texts: tuple[tuple[str, ...], ...] | None = None
    shades: tuple[tuple[float, ...], ...] | None = None
    row_name: str = ""
    column_name: str = ""
    colour: str = "blue"
    low: float | None = None
    high: float | None = None
    below: str = ""
    chosen: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Node:
    """A shape with its middle at (x, y) in pixels; the first text is large, the others small."""

    x: float
    y: float
    texts: tuple[str, ...]
    shape: Literal["circle", "box", "none"] = "circle"
    colour: str = "grey"
    width: float = 44.0
    height: float = 44.0
    fill: float = 0.12  # the share of its colour that it is filled with


@dataclass(frozen=True)
class Edge:
    """An arrow from one node to another, by their places in the list; ``bend`` in pixels."""

    start: int
    end: int
    text: str = ""
    colour: str = "grey"
    width: float = 1.4
    dashed: bool = False
    arrow: bool = True
    bend: float = 0.0
    at: float = 0.5  # where along the edge its text is, if it meets nothing there


@dataclass(frozen=True)
class Diagram:
    """Nodes and the arrows between them."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    note: str = ""
    width: int = 620
    height: int = 400


Panel: TypeAlias = Chart | BarChart | HeatMap | Diagram


@dataclass(frozen=True)
class Figure:
    """Panels under one title, ``columns`` of them side by side."""

    title: str
    panels: Sequence[Panel]
    note: str = ""
    columns: int = 2
