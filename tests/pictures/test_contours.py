"""Contours lie where the function has the value, and are as long as they can be."""

import math
from itertools import pairwise

import numpy as np
import pytest

from fastnn.pictures.contours import contour
from fastnn.pictures.marks import Line, Point

ENDS = (-2.0, 2.0)
X, Y = np.meshgrid(np.linspace(*ENDS, 81), np.linspace(*ENDS, 81))


def _parts(line: Line) -> list[list[Point]]:
    """The points between gaps."""
    parts: list[list[Point]] = [[]]
    for p in line.points:
        if math.isnan(p.y):
            parts.append([])
        else:
            parts[-1].append(p)
    return parts


@pytest.mark.parametrize("radius", [0.3, 1.0, 1.7])
def test_a_circle_is_one_closed_line(radius: float) -> None:
    [part] = _parts(contour(np.hypot(X, Y), ENDS, ENDS, radius))
    assert part[0] == part[-1]
    assert [math.hypot(p.x, p.y) for p in part] == pytest.approx([radius] * len(part), abs=2e-3)
    length = sum(math.dist((p.x, p.y), (q.x, q.y)) for p, q in pairwise(part))
    assert length == pytest.approx(2 * math.pi * radius, rel=0.01)


def test_a_plane_has_a_straight_line_from_edge_to_edge() -> None:
    [part] = _parts(contour(2 * X + Y, ENDS, ENDS, 0.5))
    assert [2 * p.x + p.y for p in part] == pytest.approx([0.5] * len(part))
    assert {part[0].y, part[-1].y} == {-2.0, 2.0}


def test_a_saddle_has_two_lines_that_do_not_meet() -> None:
    for level, sign in ((0.3, 1), (-0.3, -1)):
        parts = _parts(contour(X * Y, ENDS, ENDS, level))
        assert len(parts) == 2
        for part in parts:
            assert all(p.x * p.y * sign > 0 for p in part)
            assert len({p.x > 0 for p in part}) == 1


@pytest.mark.parametrize(("level", "ones_join"), [(0.4, True), (0.6, False)])
def test_the_middle_decides_a_saddle_of_four_numbers(level: float, ones_join: bool) -> None:
    """Ones at (0, 0) and (2, 2), zeros at the other corners, and so 0.5 in the middle."""
    parts = _parts(contour([[1.0, 0.0], [0.0, 1.0]], (0, 2), (0, 2), level))
    assert len(parts) == 2
    for p, q in parts:  # where the ones join, each line cuts off a zero
        assert ((p.x + q.x - 2) * (p.y + q.y - 2) < 0) == ones_join


def test_nothing_to_draw_and_gaps() -> None:
    assert contour(X, ENDS, ENDS, 9.0).points == ()
    values = X.copy()
    values[30:50] = np.nan
    parts = _parts(contour(values, ENDS, ENDS, 0.01))
    assert len(parts) == 2
    assert all(p.x == pytest.approx(0.01) for part in parts for p in part)
