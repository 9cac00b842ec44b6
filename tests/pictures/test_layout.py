"""Texts are large enough on a phone, in their places, and do not run into each other."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from fastnn.pictures.figure import figure_svg, panel_svg
from fastnn.pictures.marks import (
    Axis,
    Bar,
    BarChart,
    Chart,
    Diagram,
    Dots,
    Figure,
    HeatMap,
    Line,
    Node,
    Panel,
)
from fastnn.pictures.page import panel as panel_html
from tests.pictures.sizes import on_a_phone, smallest


def texts(svg: str) -> list[ElementTree.Element]:
    return [t for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")]


@pytest.mark.parametrize("width", [200, 340, 450, 460, 620, 1000, 2500])
def test_no_letter_is_smaller_than_9_pixels_on_a_phone(width: int) -> None:
    assert smallest() >= 12
    wide = tuple(f"column {k}" for k in range(width // 80))
    panels: list[Panel] = [
        Chart("", (Line.of("a", [0, 1], [0, 1]),), width=width),
        BarChart("", (Bar("a", 1.0, "1"),), width=width),
        Diagram("", (Node(50, 50, ("x",)),), width=width),
        HeatMap("", ("a",), wide, ((1.0,) * len(wide),)),
    ]
    for panel in panels:
        assert on_a_phone(panel) >= 9


def test_the_name_of_the_vertical_axis_is_above_it_and_not_in_the_note() -> None:
    loss = Line.of("", [0, 10], [0, 1])
    chart = Chart("Digits", (loss,), Axis("epoch"), Axis("cost J", limits=(0, 1)), "100 epochs")
    [name] = [t for t in texts(panel_svg(chart)) if t.text == "cost J"]
    [highest] = [t for t in texts(panel_svg(chart)) if t.text == "1"]
    assert float(name.attrib["y"]) <= float(highest.attrib["y"]) - 16
    assert float(name.attrib["y"]) >= 12
    assert [
        t.text for t in texts(figure_svg(Figure("", [chart]))) if "cost J" in (t.text or "")
    ] == ["cost J"]
    assert "100 epochs</figcaption>" in panel_html(chart)


def test_a_title_that_names_the_vertical_axis_is_enough() -> None:
    chart = Chart("Accuracy", (Line.of("", [0, 1], [0, 1]),), y=Axis("accuracy"))
    assert "accuracy" not in [t.text for t in texts(panel_svg(chart))]


def test_the_name_of_dots_on_a_curve_is_at_the_last_of_them() -> None:
    """Of dots from (0, 0) to (1, 8) the last is at the top of the chart, their mean halfway up."""
    xs, ys = [0.0, 0.5, 1.0], [0.0, 4.0, 8.0]
    places = []
    for curve in (True, False):
        dots = Dots("dots", Dots.of("", xs, ys).points, curve=curve)
        chart = Chart("", (dots, Line.of("", xs, ys)), y=Axis(limits=(0, 8)), height=260)
        [name] = [t for t in texts(panel_svg(chart)) if t.text == "dots"]
        places.append(float(name.attrib["y"]))
    assert places == [18.0, 118.0]  # 14 + 4, and (14 + 214) / 2 + 4


def test_marks_are_drawn_in_their_order_if_that_is_wanted() -> None:
    marks = (Line.of("strong", [0, 1], [0, 1], weight="strong"), Line.of("thin", [0, 1], [1, 0]))
    for in_order, expected in ((True, ["strong", "thin"]), (False, ["thin", "strong"])):
        labels = [t.text for t in texts(panel_svg(Chart("", marks, in_order=in_order)))
                  if t.attrib["class"].startswith("label")]  # fmt: skip
        assert labels == expected


def test_a_thin_line_is_below_all_others() -> None:
    marks = (Line.of("dashed", [0, 1], [0, 1], weight="dashed"), Dots.of("dots", [0, 1], [1, 0]),
             Line.of("thin", [0, 1], [1, 0], weight="thin"))  # fmt: skip
    labels = [t.text for t in texts(panel_svg(Chart("", marks)))
              if t.attrib["class"].startswith("label")]  # fmt: skip
    assert labels == ["thin", "dots", "dashed"]


@pytest.mark.parametrize("width", [300, 450, 800])
@pytest.mark.parametrize("xs", [(1e-15, 1.0), (0.0001, 0.0009), (0.0, 1.0), (12345.0, 98765.0)])
def test_the_numbers_of_the_horizontal_axis_have_room(xs: tuple[float, float], width: int) -> None:
    line = Line.of("a name", xs, [0, 1])
    chart = Chart("", (line,), Axis("h", log=xs[1] > 1e9 * xs[0] > 0), width=width)
    ticks = [t for t in texts(panel_svg(chart)) if t.attrib.get("text-anchor") == "middle"]
    assert len(ticks) >= 3
    ends = [(float(t.attrib["x"]), 3.3 * len(t.text or "")) for t in ticks]
    assert all(b - a > half + other for (a, half), (b, other) in pairwise(ends))


def test_given_numbers_of_the_horizontal_axis_are_left_out_where_there_is_no_room() -> None:
    """540 pixels less 58 and 20, from 1 to 1024: 46.2 from one to the next; in 160 pixels 8.2, and
    two numbers of a letter need 13.2, of one and two 16.5, of two and three 23.1.
    """
    given = tuple((2.0**k, str(2**k)) for k in range(11))
    shown = []
    for width in (540, 160):
        chart = Chart("", (Line.of("", [1, 1024], [0, 1]),), width=width,
                      x=Axis(log=True, limits=(1, 1024), ticks=given))  # fmt: skip
        found = texts(panel_svg(chart))
        shown.append([t.text for t in found if t.attrib.get("text-anchor") == "middle"])
    assert shown == [[text for _, text in given], ["1", "4", "32", "256"]]


def test_titles_and_notes_of_a_figure_stay_beside_each_other() -> None:
    """DejaVu Sans: 15 pixels bold are 10 a letter at most on average, 12 are 6.7."""
    chart = Chart("A title of many words " * 4, (), note="a note of even more words " * 12)
    small = HeatMap("A title of many words " * 4, ("a",), ("b",), ((1.0,),), "and a note " * 20)
    tree = ElementTree.fromstring(figure_svg(Figure("All", [small, chart, chart, small])))
    slots = [s for s in tree.iter() if s.tag.endswith("svg") and "viewBox" not in s.attrib]
    assert len(slots) == 4
    for slot in slots:
        lines = [t for t in slot.iter() if t.tag.endswith("text")]
        assert {t.attrib["class"] for t in lines} == {"title", "note"}
        for t in lines:
            letter = 9.0 if t.attrib["class"] == "title" else 6.5
            assert letter * len(t.text or "") <= float(slot.attrib["width"]) + letter
        heights = [float(t.attrib["y"]) for t in lines]
        assert all(b - a >= 16 for a, b in pairwise(heights))
        assert heights[-1] < float(slot.attrib["height"])
