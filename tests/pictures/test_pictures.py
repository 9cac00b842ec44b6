"""Pictures are well-formed, show every number where it belongs, and escape what a user wrote."""

import csv
import io
import math
import re
import zlib
from base64 import b64decode
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.errors import MissingExtraError
from fastnn.pictures.figure import figure_svg, panel_svg
from fastnn.pictures.marks import (
    Axis,
    Bar,
    BarChart,
    Chart,
    Diagram,
    Dots,
    Edge,
    Figure,
    HeatMap,
    Line,
    Node,
    Panel,
    Remark,
    Steps,
    Surface,
)
from fastnn.pictures.numbers import figure_csv
from fastnn.pictures.page import page, section, table
from fastnn.pictures.palette import COLOURS, ON_SHADES, SURFACES, file_style, page_style
from fastnn.pictures.plane import thinned
from fastnn.pictures.raster import svg_to_png
from fastnn.pictures.scales import LABEL, Scale, label_places, scale_over, ticks

NASTY = '<b>&"x"|'
PANELS: list[Panel] = [
    Chart(
        NASTY,
        (
            Line.of(NASTY, [1, 2, 3], [1.0, math.nan, 4.0], weight="strong"),
            Dots.of("cats", [1, 3], [2, 3], "orange"),
            Steps("W[1]", (1.0, 2.0, 3.0), (1.0, 2.0), "green"),
            Surface((1, 3), (0, 4), ((0.0, 1.0), (-1.0, math.nan)), -1, 1),
            Remark(2, 2, NASTY),
        ),
        Axis("epoch"),
        Axis(NASTY),
        NASTY,
        equal=True,
    ),
    BarChart("bars", (Bar(NASTY, 2.0, "2"), Bar("b", -1.0, "-1", dots=(0.5,))), missing=(NASTY,)),
    HeatMap("map", (NASTY, "b"), ("c", NASTY), ((1, 2), (3, math.nan)), chosen=((0, 1),)),
    Diagram(
        "net", (Node(50, 50, (NASTY, "1")), Node(200, 50, ("b",), "box")), (Edge(0, 1, NASTY),)
    ),
]


def _tree(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: type(p).__name__)
def test_a_panel_is_well_formed_and_escapes(panel: Panel) -> None:
    text = panel_svg(panel)
    tree = _tree(text)
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-label"]
    assert NASTY in ["".join(t.itertext()) for t in tree.iter("text")]
    assert "nan" not in re.sub(r">nan<|: nan", "", text)  # no coordinate is


def test_a_figure_holds_every_panel_and_names_its_colours_itself() -> None:
    text = figure_svg(Figure("All", PANELS, note="word " * 200))
    # Each panel has one for its title and note, and one for itself.
    assert len([t for t in _tree(text).iter() if t.tag.endswith("svg")]) == 1 + 2 * len(PANELS)
    assert "var(" not in text  # a viewer of SVG need not know variables
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_line_has_a_gap_where_a_number_is_missing() -> None:
    values = [1.0, 2.0, math.nan, 3.0, math.inf, 4.0]
    tree = _tree(panel_svg(Chart("", (Line.of("loss", range(6), values),))))
    assert len(list(tree.iter("polyline"))) == 1  # 1 and 2; each of the others stands alone
    assert len(list(tree.iter("circle"))) == 4


def test_places_by_hand() -> None:
    """60 pixels wide and high, less the margins: x from 58 to 300, y from 154 (0) to 14 (1)."""
    line = Line.of("", [0, 10], [0, 1])
    chart = Chart("", (line,), Axis(limits=(0, 10)), Axis(limits=(0, 1)), width=320, height=200)
    [drawn] = _tree(panel_svg(chart)).iter("polyline")
    assert drawn.attrib["points"] == "58.0,154.0 300.0,14.0"


def test_equal_units_are_equally_long() -> None:
    square = Line.of("", [0, 1, 1], [0, 0, 1])
    [drawn] = _tree(panel_svg(Chart("", (square,), equal=True))).iter("polyline")
    a, b, c = [tuple(map(float, p.split(","))) for p in drawn.attrib["points"].split()]
    assert b[0] - a[0] == pytest.approx(b[1] - c[1], abs=0.2)


def test_a_long_line_keeps_its_extremes() -> None:
    ys = np.sin(np.arange(20_000) / 300.0)
    ys[7_777] = 9.0
    kept = thinned(list(enumerate(ys.tolist())))
    assert len(kept) <= 1_200
    assert (7_777, 9.0) in kept
    assert (kept[0][0], kept[-1][0]) == (0, 19_999)
    assert all(a[0] < b[0] for a, b in pairwise(kept))


def test_labels_keep_their_distance_and_stay_below_the_top() -> None:
    places = label_places([(10.0, "a"), (12.0, "b"), (14.0, "c"), (41.0, "d"), (200.0, "e")], 14)
    ys = sorted(places.values())
    assert all(b - a >= LABEL - 1e-9 for a, b in pairwise(ys))
    assert list(places) == ["a", "b", "c", "d", "e"]
    assert places["e"] == 200.0


def test_names_at_one_height_are_in_the_order_of_the_marks() -> None:
    marks = tuple(Line.of(f"line {k}", [0, 1], [k, 5]) for k in range(9))
    tree = _tree(panel_svg(Chart("", marks)))
    labels = [t for t in tree.iter("text") if t.attrib.get("class") == "label"]
    ys = {"".join(t.itertext()): float(t.attrib["y"]) for t in labels}
    assert sorted(ys, key=ys.__getitem__) == [f"line {k}" for k in range(9)]


@given(
    st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.booleans(),
)  # fmt: skip
def test_ticks_are_few_round_and_within(low: float, span: float, log: bool) -> None:
    low = abs(low) + 1e-6 if log else low
    high = low + span
    found = ticks(low, high, log)
    assert len(found) <= 9
    assert len(found) >= 3 or span < 1e-9 * abs(low)  # too near to each other to be told apart
    assert all(low - 1e-9 * abs(low) - 1e-9 * span <= t <= high + 1e-9 * (abs(high) + span)
               for t in found)  # fmt: skip
    assert found == sorted(set(found))
    if log and high > 10 * low:
        assert all(re.fullmatch(r"[125](\.0+)?e[+-]\d+", f"{t:.5e}") for t in found)


def test_an_arrow_ends_at_the_rim_of_what_it_points_at() -> None:
    """A box of 200 pixels whose middle is 150 away: its rim is 50 pixels from the circle's middle.

    The circle's own rim is 20 from its middle; the head is 7 pixels long.
    """
    nodes = (Node(20, 50, ("x",), width=40), Node(170, 50, ("wide",), "box", width=200))
    tree = _tree(panel_svg(Diagram("", nodes, (Edge(0, 1, "0.5"),))))
    [path] = tree.iter("path")
    assert path.attrib["d"] == "M40.0,50.0 Q55.0,50.0 63.0,50.0"
    [head] = tree.iter("polygon")
    assert head.attrib["points"].split()[0] == "70.0,50.0"
    [gap] = [r for r in tree.iter("rect") if r.attrib["height"] == "14"]
    [text] = [t for t in tree.iter("text") if t.text == "0.5"]
    middle = float(gap.attrib["x"]) + float(gap.attrib["width"]) / 2
    assert middle == pytest.approx(float(text.attrib["x"]), abs=0.1)


def test_what_arrows_say_lies_above_all_arrows() -> None:
    nodes = (Node(0, 0, ()), Node(100, 100, ()), Node(100, 0, ()), Node(0, 100, ()))
    tree = _tree(panel_svg(Diagram("", nodes, (Edge(0, 1, "down"), Edge(2, 3, "up")))))
    order = [e.tag for e in tree.iter() if e.tag in ("path", "text")]
    assert order == ["path", "path", "text", "text"]


def test_dots_beside_a_line_leave_its_name_at_the_edge() -> None:
    marks = (Line.of("fit", [0, 10], [0, 1]), Dots.of("data", [0, 10], [0, 1]))
    labels = [t for t in _tree(panel_svg(Chart("", marks))).iter("text")
              if t.attrib["class"].startswith("label")]  # fmt: skip
    assert [t.attrib["class"] for t in labels] == ["label", "label"]
    ys = sorted(float(t.attrib["y"]) for t in labels)
    assert ys[1] - ys[0] >= LABEL - 0.1


def test_a_scale_is_logarithmic_and_leaves_out_what_has_no_logarithm() -> None:
    scale = Scale(1, 100, 0, 10, log=True)
    assert [round(scale(v), 6) for v in (1, 10, 100)] == [0, 5, 10]
    found = scale_over([0.0, -1.0, 10.0, 1000.0], 0, 1, 0.0, log=True)
    assert (found.low, found.high) == (10.0, 1000.0)


@pytest.mark.parametrize("values", [[], [math.nan], [5.0], [0.0, 0.0]])
@pytest.mark.parametrize("log", [False, True])
def test_nothing_to_show_is_shown_as_empty_axes(values: list[float], log: bool) -> None:
    chart = Chart("", (Line.of("loss", range(len(values)), values),), y=Axis(log=log))
    assert len(list(_tree(panel_svg(chart)).iter("line"))) >= 1  # its grid


def test_shades_are_as_strong_as_the_numbers_are_far_from_the_middle() -> None:
    surface = Surface((0, 1), (0, 1), ((-1.0, 0.0), (0.5, 1.0)), -1, 1)
    [image] = _tree(panel_svg(Chart("", (surface,)))).iter("image")
    data = b64decode(image.attrib["href"].partition(",")[2])
    length = int.from_bytes(data[33:37], "big")
    pixels = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8)
    alpha = pixels.reshape(2, 9)[:, 1:].reshape(2, 2, 4)[..., 3] / 255
    assert alpha == pytest.approx(np.array([[0.3, 0.6], [0.6, 0.0]]), abs=0.003)  # top row first


def test_the_numbers_of_a_figure_are_what_it_shows() -> None:
    text = figure_csv(Figure("All", PANELS))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["y"] for r in rows if r["series"] == "cats"] == ["2.0", "3.0"]
    assert {"panel": "map", "series": "", "x": "b", "y": "c", "value": "3"} in rows
    assert {"panel": "net", "series": NASTY, "x": NASTY, "y": "b", "value": ""} in rows
    surface = [(r["x"], r["y"], r["value"]) for r in rows if r["panel"] == NASTY][-5:-1]
    assert surface[1] == ("2.5", "1.0", "1.0")  # the second of the lower row


def test_pictures_as_png() -> None:
    pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    svg = figure_svg(Figure("All", PANELS))
    data = svg_to_png(svg, zoom=1.0)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == float(_tree(svg).attrib["width"])
    assert svg_to_png(svg, zoom=1.0) == data  # the same picture, the same file


def test_without_the_extra_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(MissingExtraError, match="pip install resvg-py"):
        svg_to_png("<svg/>")


def test_every_colour_can_be_read_as_small_text() -> None:
    """A contrast of 4.5 (WCAG 2.2, 1.4.3) on its paper."""
    for k in (0, 1):
        for name, pair in {**COLOURS, "soft": SURFACES["soft"]}.items():
            for paper in ("paper", "card"):
                assert contrast(pair[k], SURFACES[paper][k]) >= 4.5, (name, paper, k)


def contrast(one: str, other: str) -> float:
    """By its definition (WCAG 2.2, relative luminance and contrast ratio)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("colour", COLOURS)
def test_numbers_on_cells_can_be_read(colour: str, scheme: int) -> None:
    """The cell as it is drawn: its colour, as strong as it says, on its card; the text's colour."""
    shares = tuple(k / 100 for k in range(101))
    names = tuple(map(str, range(101)))
    tree = _tree(panel_svg(HeatMap("", ("row",), names, (shares,), colour=colour)))
    cells = [g for g in tree.iter("g") if g.attrib["class"].startswith("cell")]
    for share, cell in zip(shares, cells, strict=True):
        _, text, own = cell.attrib["class"].split()
        assert own == f"c-{colour}"
        opacity = float(cell[0].attrib["fill-opacity"])
        assert opacity == share
        card, full = SURFACES["card"][scheme], COLOURS[colour][scheme]
        mixed = [
            round(int(card[k : k + 2], 16) * (1 - opacity) + int(full[k : k + 2], 16) * opacity)
            for k in (1, 3, 5)
        ]
        behind = "#" + "".join(f"{c:02x}" for c in mixed)
        assert contrast(ON_SHADES[text.removeprefix("on-")][scheme], behind) >= 4.5, share


def test_the_style_colours_the_texts_of_cells() -> None:
    for name, (light, dark) in ON_SHADES.items():
        rule = f"svg.picture .on-{name} text{{fill:"
        assert f"{rule}{light}}}" in file_style()
        assert f"{rule}var(--{name})}}" in page_style()
        assert f"--{name}:{light};" in page_style()
        assert f"--{name}:{dark};" in page_style().partition("dark){")[2]


def test_shades_on_both_sides_of_zero() -> None:
    """-8 is the furthest from 0: full orange; 4 half of blue, 0 none."""
    chart = HeatMap("", ("a",), ("x", "y", "z"), ((-8.0, 0.0, 4.0),), below="orange")
    cells = [g for g in _tree(panel_svg(chart)).iter("g") if "cell" in g.attrib["class"]]
    assert [c.attrib["class"].split()[-1] for c in cells] == ["c-orange", "c-blue", "c-blue"]
    assert [float(c[0].attrib["fill-opacity"]) for c in cells] == [1.0, 0.0, 0.5]


def test_a_wide_diagram_is_scrolled_on_a_narrow_page() -> None:
    wide = Diagram(NASTY, (Node(500, 50, ("x",)),), width=1000)
    narrow = Diagram("net", (Node(50, 50, ("x",)),), width=450)
    shown = section("All", "", [wide, narrow])
    assert shown.count('class="scroll"') == 1
    assert "min-width:750px" in shown
    assert shown.count("min-width") == 1
    assert "<b>" not in shown


def test_a_page_escapes_and_leaves_out_what_is_empty() -> None:
    text = page(NASTY, ["<h1>x</h1>", section("none", "", []), section("All", NASTY, PANELS)])
    assert "<b>" not in text.replace("<b></b>", "")
    assert "<h2>none" not in text
    assert text.count("<figure") == len(PANELS)
    assert 'scope="row">&lt;b&gt;' in table(["a", "b"], [[NASTY, "1"]])
