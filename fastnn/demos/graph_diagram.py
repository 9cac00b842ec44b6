"""Where the values of a computation graph are drawn: results to the right of what they are made of.

A value has the column after its last argument, an input the one before its first use. From the
right to the left, arguments come beside what they are used for, as near as they can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastnn.backend.graph import Graph, Value
from fastnn.pictures.arrows import curve
from fastnn.pictures.marks import Diagram, Edge, Node
from fastnn.pictures.scales import label_places

MARGIN, BETWEEN, DOWN, HIGH = 20.0, 100.0, 84.0, 64.0
#: What is tried, in pixels: the best passes few other values, and is not bent much for that.
BENDS = (0.0, *(s * b for b in (20, 35, 50, 70, 100, 130, 165, 200, 250, 300) for s in (1.0, -1.0)))


def columns_of(graph: Graph) -> list[int]:
    """Return the column of every value, from 0 at the left.

    >>> from fastnn.demos.own_expression import expression_graph
    >>> columns_of(expression_graph("3*(a+b*c)"))  # 3, a, b, c, u = b c, v = a + u, J = 3 v
    [2, 1, 0, 0, 1, 2, 3]
    """
    depth = [0] * len(graph.values)
    for i, v in enumerate(graph.values):
        if v.args:
            depth[i] = 1 + max(depth[a] for a in v.args)
    found = list(depth)
    for i, v in enumerate(graph.values):
        users = [depth[j] for j, w in enumerate(graph.values) if i in w.args]
        if not v.args and users:
            found[i] = min(users) - 1
    return found


def heights_of(graph: Graph, columns: Sequence[int]) -> list[float]:
    """Return the height of the middle of every value, from 0 at the top.

    >>> from fastnn.demos.own_expression import expression_graph
    >>> graph = expression_graph("a+b")
    >>> heights_of(graph, columns_of(graph))
    [0.0, 84.0, 42.0]
    """
    heights = dict.fromkeys(graph.outputs, 0.0)
    for column in range(max(columns) - 1, -1, -1):
        wanted = []
        for i in (i for i, c in enumerate(columns) if c == column):
            beside = [
                heights[j] + DOWN * (place - (len(w.args) - 1) / 2)
                for j, w in enumerate(graph.values)
                for place, a in enumerate(w.args)
                if a == i
            ]
            wanted.append((sum(beside) / len(beside), str(i)))
        places = label_places(wanted, -math.inf, DOWN)
        heights.update({int(i): at for i, at in places.items()})
    top = min(heights.values())
    return [heights[i] - top for i in range(len(graph.values))]


def with_own_constants(graph: Graph) -> Graph:
    """Return the same graph with a constant of its own for each use, which can stand beside it.

    >>> from fastnn.demos.own_expression import expression_graph
    >>> [v.op for v in with_own_constants(expression_graph("2*a + 2*b")).values].count("constant")
    2
    """
    values: list[Value] = []
    place: dict[int, int] = {}
    for i, v in enumerate(graph.values):
        if v.op == "constant":
            continue
        args = []
        for a in v.args:
            if graph.values[a].op == "constant":
                values.append(graph.values[a])
                args.append(len(values) - 1)
            else:
                args.append(place[a])
        values.append(replace(v, args=tuple(args)))
        place[i] = len(values) - 1
    return Graph(graph.inputs, tuple(values), tuple(place[o] for o in graph.outputs))


def graph_nodes(
    graph: Graph, texts: Sequence[tuple[str, ...]], colours: Sequence[str]
) -> list[Node]:
    """Return a box for every value, with its texts; a circle for a constant.

    >>> from fastnn.demos.own_expression import expression_graph
    >>> nodes = graph_nodes(expression_graph("a+b"), [("a",), ("b",), ("J",)], ["grey"] * 3)
    >>> [node.y for node in nodes]
    [52.0, 136.0, 94.0]
    """
    columns = columns_of(graph)
    heights = heights_of(graph, columns)
    widths = [max(48.0, 20 + 8.6 * len(t[0]), 18 + 6.6 * max(map(len, t))) for t in texts]
    lefts, x = [], MARGIN
    for column in range(max(columns) + 1):
        widest = max(w for w, c in zip(widths, columns, strict=True) if c == column)
        lefts.append(x + widest / 2)
        x += widest + BETWEEN
    nodes = []
    for i, v in enumerate(graph.values):
        constant = v.op == "constant"
        place = lefts[columns[i]], MARGIN + HIGH / 2 + heights[i]
        size = (40.0, 40.0) if constant else (widths[i], HIGH)
        shape = "circle" if constant else "box"
        nodes.append(Node(*place, texts[i], shape, colours[i], *size))  # type: ignore[arg-type]
    return nodes


def graph_edges(graph: Graph, nodes: Sequence[Node], texts: Sequence[Sequence[str]]) -> list[Edge]:
    """Return an arrow from every argument, ``texts[i][k]`` on that to argument k of value i."""
    edges = []
    for i, v in enumerate(graph.values):
        for k, a in enumerate(v.args):
            others = [node for j, node in enumerate(nodes) if j not in (i, a)]
            bend = min(BENDS, key=lambda b: _passed(nodes[a], nodes[i], b, others))
            twice = 14.0 * k if v.args[0] == v.args[-1] and k else 0.0  # such as max(a, a)
            edges.append(Edge(a, i, texts[i][k], "orange", bend=bend + twice))
    return edges


def _passed(start: Node, end: Node, bend: float, others: Sequence[Node]) -> float:
    """How many other nodes an arrow lies over; a part of one for a bend, by the arrow's length."""
    places = curve(Edge(0, 1, bend=bend), start, end).at(np.linspace(0.0, 1.0, 60))
    over = sum(
        bool((np.abs(places - (n.x, n.y)) < (n.width / 2 + 4, n.height / 2 + 4)).all(axis=1).any())
        for n in others
    )
    return over + 1.5 * abs(bend) / math.hypot(end.x - start.x, end.y - start.y)


def whole_diagram(title: str, nodes: Sequence[Node], edges: Sequence[Edge], note: str) -> Diagram:
    """Return nodes and edges as a diagram, moved and made large enough for every arrow.

    >>> nodes = [Node(30, 30, ()), Node(130, 30, ())]
    >>> shown = whole_diagram("a to b", nodes, [Edge(0, 1, bend=-50.0)], "")
    >>> shown.nodes[0].y > 50, shown.width
    (True, 184)
    """
    curves = [curve(e, nodes[e.start], nodes[e.end]).at(np.linspace(0.0, 1.0, 60)) for e in edges]
    middles = np.array([(n.x, n.y) for n in nodes])
    halves = np.array([(n.width / 2, n.height / 2) for n in nodes])
    drawn = np.concatenate([middles - halves, middles + halves, *curves])
    # What is beyond the boxes are arrows, with their texts.
    low, high = drawn.min(axis=0) - MARGIN, drawn.max(axis=0) + MARGIN
    width, height = (round(float(v)) for v in high - low)
    moved = tuple(replace(n, x=n.x - float(low[0]), y=n.y - float(low[1])) for n in nodes)
    return Diagram(title, moved, tuple(edges), note, width, height)
