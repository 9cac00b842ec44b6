"""Texts of arrows lie on their arrows, and meet neither each other nor anything else."""

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from fastnn import demos
from fastnn.pictures.arrows import Curve, curve, text_places
from fastnn.pictures.figure import panel_svg
from fastnn.pictures.marks import Diagram, Edge, Node

#: Expressions whose values are used once, more than once, or far away; some branch.
EXPRESSIONS = {
    "3*(a+b*c)": "a=5,b=3,c=2",
    "maximum(a*b, abs(c)) + minimum(a, c)*b": "a=2,b=-1.5,c=3",
    "relu(w1*x1+w2*x2+b)": "w1=0.5,x1=2,w2=-0.3,x2=1,b=0.1",
    "-(y*log(sigmoid(w*x+b)) + (1-y)*log(1-sigmoid(w*x+b)))": "y=1,w=0.5,x=2,b=-0.3",
    "(a+b)*(b+c)*(c+a)/(a*b*c)": "a=1.2345,b=2.3456,c=3.4567",
    "(a-b)**2 + (a+b)**2 + a*b": "a=1000,b=0.001",
    "sin(a)+sin(b)+sin(c)+cos(a)+cos(b)": "a=1,b=2,c=3",
    "a*a + max(a, a)": "a=2",
    "exp(a)*exp(b)*exp(c)*exp(d)*(a+b)*(c+d)": "a=0.1,b=0.2,c=0.3,d=0.4",
}
Box = tuple[float, float, float, float]


def text_boxes(panel: Diagram) -> list[Box]:
    """Left, top, right and bottom of the text of every arrow, as it is drawn."""
    found = []
    for group in ElementTree.fromstring(panel_svg(panel)).iter("g"):
        if group.attrib["class"].startswith("arrow") and (text := group.find("text")) is not None:
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            half = 3.35 * len(text.text or "")  # DejaVu Sans at 12 pixels: 6.7 on average
            found.append((x - half, y - 10, x + half, y + 2))
    return found


def node_boxes(panel: Diagram) -> list[Box]:
    return [
        (n.x - n.width / 2, n.y - n.height / 2, n.x + n.width / 2, n.y + n.height / 2)
        for n in panel.nodes
        if n.shape != "none"
    ]


def meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def diagrams(name: str) -> list[Diagram]:
    expression = {"expression": name, "at": EXPRESSIONS[name]} if name in EXPRESSIONS else {}
    demo = demos.computation_graph if expression else getattr(demos, name)
    return [p for p in demo(**expression).figure.panels if isinstance(p, Diagram)]


@pytest.mark.parametrize("name", [*EXPRESSIONS, "forward", "delta", "logistic_regression"])
def test_no_text_of_an_arrow_meets_another_text_or_a_node(name: str) -> None:
    for panel in diagrams(name):
        texts = text_boxes(panel)
        assert len(texts) == sum(1 for edge in panel.edges if edge.text)
        assert not [pair for pair in combinations(texts, 2) if meet(*pair)]
        assert not [(t, n) for t in texts for n in node_boxes(panel) if meet(t, n)]
        for left, top, right, bottom in texts:
            assert 0 <= left < right <= panel.width
            assert 0 <= top < bottom <= panel.height


@pytest.mark.parametrize("name", list(EXPRESSIONS))
def test_every_arrow_of_a_graph_is_within_its_picture(name: str) -> None:
    [panel] = diagrams(name)
    for path in ElementTree.fromstring(panel_svg(panel)).iter("path"):
        numbers = [float(v) for v in re.findall(r"-?[\d.]+", path.attrib["d"])]
        a, control, b = zip(numbers[::2], numbers[1::2], strict=True)
        places = Curve(a, control, b).at(np.linspace(0, 1, 50))
        assert (places > 0).all()
        assert (places < (panel.width, panel.height)).all()


def test_no_arrow_of_the_deltas_runs_through_the_text_of_another() -> None:
    """Each arrow on its own text, and on no other."""
    for panel in diagrams("delta"):
        texts, edges = text_boxes(panel), [e for e in panel.edges if e.text]
        for k, edge in enumerate(edges):
            line = curve(edge, panel.nodes[edge.start], panel.nodes[edge.end])
            places = line.at(np.linspace(0, 1, 300)).tolist()
            for j, box in enumerate(texts):
                within = any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in places)
                assert within == (j == k), (edge.text, edges[j].text)


def test_a_text_lies_on_its_arrow_where_it_should_if_nothing_is_there() -> None:
    """From rim to rim 20 to 180 along x: at 0.25 of it, 60, and 30 below in a bent one's middle."""
    nodes = [Node(0, 0, (), width=40), Node(200, 0, (), width=40)]
    straight, bent = Edge(0, 1, "x", at=0.25), Edge(0, 1, "x", bend=30.0)
    for edge, expected in ((straight, (60.0, 0.0)), (bent, (100.0, 30.0))):
        line = curve(edge, *nodes)
        assert text_places(nodes, [edge], [line])[0] == pytest.approx(expected, abs=7.0)
    middle = curve(bent, *nodes).at(np.array([0.5]))[0]
    assert middle[1] == pytest.approx((0.5 * 60 + 0.5 * curve(bent, *nodes).start[1]), abs=0.1)


def test_two_arrows_that_cross_have_their_texts_apart_from_the_crossing() -> None:
    nodes = [Node(0, 0, ()), Node(200, 200, ()), Node(200, 0, ()), Node(0, 200, ())]
    edges = [Edge(0, 1, "down"), Edge(3, 2, "up")]
    [first, second] = text_boxes(Diagram("", tuple(nodes), tuple(edges)))
    assert not meet(first, second)
    for left, top, right, bottom in (first, second):
        assert not (left < 100 < right and top < 100 < bottom)


def test_where_there_is_no_room_every_text_is_still_drawn() -> None:
    nodes = (Node(0, 0, ()), Node(60, 0, ()))
    edges = tuple(Edge(0, 1, "a long text") for _ in range(4))
    assert len(text_boxes(Diagram("", nodes, edges))) == 4
