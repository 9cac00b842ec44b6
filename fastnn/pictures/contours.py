"""Contours: where a function of two numbers has a value, as lines (marching squares)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import Line, Point, Weight

Range = tuple[float, float]

#: An edge of the grid: the lower left of its ends, and whether it goes to the right.
Edge = tuple[int, int, bool]


def contour(
    values: npt.ArrayLike,
    x: Range,
    y: Range,
    level: float,
    name: str = "",
    colour: str = "grey",
    weight: Weight = "plain",
) -> Line:
    """Return where a function has the value ``level``, as a line with gaps between its parts.

    ``values`` (n, k) are the function's on a grid from edge to edge: row 0 at ``y[0]``, column 0 at
    ``x[0]``. Between four of them it is taken as linear along their sides (W. E. Lorensen and
    H. E. Cline 1987, in a plane).

    >>> [(p.x, p.y) for p in contour([[0, 1], [0, 1]], (0, 2), (0, 2), 0.25).points]
    [(0.5, 0.0), (0.5, 2.0)]
    """
    grid = np.asarray(values, np.float64)
    points: list[Point] = []
    for part in _joined(_pieces(grid, level)):
        if points:
            points.append(Point(points[-1].x, math.nan))
        points += (_place(grid, x, y, edge, level) for edge in part)
    return Line(name, tuple(points), colour, weight, dots=False)


def _pieces(values: npt.NDArray[np.float64], level: float) -> Iterator[tuple[Edge, Edge]]:
    """The pieces of the contour within each four neighbours, from one side to another."""
    # Of each cell its corners: lower left, lower right, upper right, upper left.
    cells = np.stack([values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]])
    aboves = cells >= level
    cut_cells = aboves.any(axis=0) & ~aboves.all(axis=0) & np.isfinite(cells).all(axis=0)
    for i, j in np.argwhere(cut_cells).tolist():
        above = aboves[:, i, j].tolist()
        sides: tuple[Edge, ...] = (
            (i, j, True), (i, j + 1, False), (i + 1, j, True), (i, j, False),
        )  # fmt: skip
        cut = [side for k, side in enumerate(sides) if above[k] != above[(k + 1) % 4]]
        if len(cut) == 4 and (cells[:, i, j].mean() >= level) != above[0]:
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


def _place(values: npt.NDArray[np.float64], x: Range, y: Range, edge: Edge, level: float) -> Point:
    """The place on an edge where the function has the value."""
    i, j, right = edge
    a = float(values[i, j])
    b = float(values[i, j + 1] if right else values[i + 1, j])
    t = (level - a) / (b - a)
    across, up = (t, 0.0) if right else (0.0, t)
    rows, columns = values.shape
    return Point(
        x[0] + (x[1] - x[0]) * (j + across) / (columns - 1),
        y[0] + (y[1] - y[0]) * (i + up) / (rows - 1),
    )
