"""The curve of the size of a line of text."""

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.pictures.sparkline import HEIGHT, MARGIN, WIDTH, sparkline_svg


def points(svg: str) -> list[list[tuple[float, float]]]:
    """The points of each piece of the curve."""
    path = ET.fromstring(svg).find("path")
    assert path is not None
    pieces = [piece for piece in path.attrib["d"].split("M") if piece]
    number = re.compile(r"([\d.]+) ([\d.]+)")
    return [[(float(x), float(y)) for x, y in number.findall(piece)] for piece in pieces]


def test_lowest_and_highest_reach_the_margins() -> None:
    # three values: at 3, 80 and 157 of 160; the highest at 3, the lowest at 25 of 28
    assert points(sparkline_svg([2.0, 1.0, 1.5])) == [[(3, 3), (80, 25), (157, 14)]]


def test_what_is_no_number_is_a_gap() -> None:
    found = points(sparkline_svg([1.0, None, math.nan, 3.0, 2.0, math.inf]))
    assert [len(piece) for piece in found] == [1, 2]


@pytest.mark.parametrize("values", [[], [None], [math.nan, math.inf, None]])
def test_nothing_to_draw_is_an_empty_text(values: list[float | None]) -> None:
    assert sparkline_svg(values) == ""


def test_many_values_are_means_of_stretches() -> None:
    svg = sparkline_svg([0.0, 2.0] * 5000 + [5.0] * 2)
    assert len(svg) < 3000
    assert sum(map(len, points(svg))) == WIDTH - 2 * MARGIN


def test_it_takes_the_colour_of_the_text_around_it() -> None:
    svg = sparkline_svg([1.0, 2.0])
    assert 'stroke="currentColor"' in svg
    assert ET.fromstring(svg).attrib["aria-label"] == "a curve of 2 values"


@given(st.lists(st.none() | st.floats(), max_size=400))
def test_it_stays_in_its_place_whatever_the_values(values: list[float | None]) -> None:
    svg = sparkline_svg(values)
    for piece in points(svg) if svg else []:
        for x, y in piece:
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
