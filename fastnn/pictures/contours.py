"""Contours: where a function of two numbers has a value, as lines (marching squares)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from fastnn.pictures.marks import Line, Point, Surface, Weight

#: An edge of the grid: the lower left of its ends, and whether it goes to the right.
Edge = tuple[int, int, bool]


def contour(
    surface: Surface,
    level: float,
    name: str = "",
    colour: str = "grey",
    weight: Weight = "plain",
) -> Line:
    """Return where the function of a surface has the value ``level``, with gaps between its parts.

    The numbers of a surface are those in the middle of its shades; between four of them the
    function is taken as linear along their sides (W. E. Lorensen and H. E. Cline 1987, in a plane).

    >>> surface = Surface((0, 2), (0, 2), ((0, 1), (0, 1)), 0, 1)
    >>> [(p.x, p.y) for p in contour(surface, 0.25).points]
    [(0.75, 0.5), (0.75, 1.5)]
    """
    points: list[Point] = []
    for part in _joined(_pieces(surface.values, level)):
        if points:
            points.append(Point(points[-1].x, math.nan))
        points += (_place(surface, edge, level) for edge in part)
    return Line(name, tuple(points), colour, weight, dots=False)


def _pieces(values: Sequence[Sequence[float]], level: float) -> Iterator[tuple[Edge, Edge]]:
    """The pieces of the contour within each four neighbours, from one side to another."""
    for i in range(len(values) - 1):
        low, high = values[i], values[i + 1]
        for j in range(len(low) - 1):
            corners = low[j], low[j + 1], high[j + 1], high[j]
            above = [v >= level for v in corners]
            if all(above) or not any(above) or not all(map(math.isfinite, corners)):
                continue
            sides: tuple[Edge, ...] = (
                (i, j, True), (i, j + 1, False), (i + 1, j, True), (i, j, False),
            )  # fmt: skip
            cut = [side for k, side in enumerate(sides) if above[k] != above[(k + 1) % 4]]
            if len(cut) == 4 and (sum(corners) / 4 >= level) != above[0]:
                cut = cut[1:] + cut[:1]  # a saddle whose middle does not join the first corner
            yield from zip(cut[::2], cut[1::2], strict=True)


def _joined(pieces: Iterator[tuple[Edge, Edge]]) -> Iterator[list[Edge]]:
    """The pieces as long lines, those with ends first, then the closed ones."""
    others: dict[Edge, list[Edge]] = {}
    for a, b in pieces:
        others.setdefault(a, []).append(b)
        others.setdefault(b, []).append(a)
    for start in sorted(others, key=lambda edge: len(others[edge])):
        if not others[start]:
            continue
        line = [start]
        while others[line[-1]]:
            here, there = line[-1], others[line[-1]].pop()
            others[there].remove(here)
            line.append(there)
        yield line


def _place(surface: Surface, edge: Edge, level: float) -> Point:
    """The place on an edge where the function has the value."""
    i, j, right = edge
    values, (x0, x1), (y0, y1) = surface.values, surface.x, surface.y
    a = values[i][j]
    b = values[i][j + 1] if right else values[i + 1][j]
    t = (level - a) / (b - a)
    across, up = (t, 0.0) if right else (0.0, t)
    return Point(
        x0 + (x1 - x0) * (j + 0.5 + across) / len(values[0]),
        y0 + (y1 - y0) * (i + 0.5 + up) / len(values),
    )
