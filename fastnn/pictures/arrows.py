"""Where the arrows of a diagram run, and where on them their texts meet nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import Edge, Node

Place = tuple[float, float]
Numbers = npt.NDArray[np.float64]

LETTER, HEIGHT = 6.7, 14.0  # pixels of a letter of an arrow's text, on average, and of the text
#: Places on an arrow that are tried for its text, and into how many pieces an arrow is cut.
TRIED, PIECES = np.linspace(0.1, 0.9, 33), 48
#: What is worse: to lie on another text or a node, on another arrow, or away from where it should.
ON_TEXT, ON_ARROW, AWAY = 1000.0, 10.0, 1.0
#: How often all texts are placed anew, as those that come first know nothing of the others.
ROUNDS = 4


@dataclass(frozen=True)
class Curve:
    """A quadratic curve from the rim of one node to that of another."""

    start: Place
    control: Place
    end: Place

    def at(self, t: Numbers) -> Numbers:
        """Return the places (n, 2) at shares (n,) of the way.

        >>> Curve((0.0, 0.0), (5.0, 0.0), (10.0, 0.0)).at(np.array([0.5])).tolist()
        [[5.0, 0.0]]
        """
        a, c, b = (np.array(p) for p in (self.start, self.control, self.end))
        s = t[:, None]
        return np.asarray((1 - s) ** 2 * a + 2 * s * (1 - s) * c + s**2 * b, np.float64)


def curve(edge: Edge, start: Node, end: Node) -> Curve:
    """Return the curve of an edge between its nodes.

    >>> left, right = Node(0, 0, (), width=20), Node(100, 0, (), width=20)
    >>> curve(Edge(0, 1), left, right)
    Curve(start=(10.0, 0.0), control=(50.0, 0.0), end=(90.0, 0.0))
    """
    if not edge.bend:
        a, b = _rim(start, (end.x, end.y)), _rim(end, (start.x, start.y))
        return Curve(a, ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), b)
    along = end.x - start.x, end.y - start.y
    length = math.hypot(*along) or 1.0
    across = -along[1] / length, along[0] / length
    # A quadratic curve's middle is halfway to its control point.
    control = (
        (start.x + end.x) / 2 + 2 * edge.bend * across[0],
        (start.y + end.y) / 2 + 2 * edge.bend * across[1],
    )
    return Curve(_rim(start, control), control, _rim(end, control))


def _rim(node: Node, towards: Place) -> Place:
    """Where the line from the middle of a node to a place leaves its shape."""
    dx, dy = towards[0] - node.x, towards[1] - node.y
    length = math.hypot(dx, dy) or 1.0
    if node.shape == "circle":
        share = node.width / 2 / length
    else:
        share = min(
            node.width / 2 / abs(dx) if dx else math.inf,
            node.height / 2 / abs(dy) if dy else math.inf,
        )
    return node.x + dx * min(share, 1.0), node.y + dy * min(share, 1.0)


def text_width(text: str) -> float:
    """Return how many pixels the text of an arrow takes, about.

    >>> text_width("0.25") < text_width("-0.25")
    True
    """
    return LETTER * len(text) + 4


def text_places(
    nodes: Sequence[Node], edges: Sequence[Edge], curves: Sequence[Curve]
) -> dict[int, Place]:
    """Return the middle of the text of every edge that has one, by the edge's place in the list.

    A text lies on its own arrow, as near as can be to where it should, so that it meets no other
    text, no node and no other arrow; if that cannot be, as few as possible.

    >>> nodes = [Node(0, 0, ()), Node(200, 200, ()), Node(200, 0, ()), Node(0, 200, ())]
    >>> edges = [Edge(0, 1, "down"), Edge(3, 2, "up")]  # they cross in the middle, 100, 100
    >>> curves = [curve(e, nodes[e.start], nodes[e.end]) for e in edges]
    >>> [round(x) != 100 for x, _ in text_places(nodes, edges, curves).values()]
    [True, True]
    """
    texts = [k for k, edge in enumerate(edges) if edge.text]
    tried = {k: curves[k].at(TRIED) for k in texts}
    halves = {k: np.array([text_width(edges[k].text) / 2, HEIGHT / 2]) for k in texts}
    lines = [c.at(np.linspace(0.0, 1.0, PIECES)) for c in curves]
    fixed = {k: _fixed_costs(edges[k], tried[k], halves[k], nodes, _others(lines, k))
             for k in texts}  # fmt: skip
    chosen = {k: int(fixed[k].argmin()) for k in texts}
    for _ in range(ROUNDS):
        before = dict(chosen)
        for k in texts:
            costs = fixed[k].copy()
            for other in texts:
                if other != k:
                    apart = np.abs(tried[k] - tried[other][chosen[other]])
                    costs += ON_TEXT * (apart < halves[k] + halves[other]).all(axis=1)
            chosen[k] = int(costs.argmin())
        if chosen == before:
            break
    return {k: (float(tried[k][i, 0]), float(tried[k][i, 1])) for k, i in chosen.items()}


def _others(lines: Sequence[Numbers], k: int) -> Numbers:
    """The places of all arrows but the k-th, (n, 2)."""
    others = [line for i, line in enumerate(lines) if i != k]
    return np.concatenate(others) if others else np.empty((0, 2))


def _fixed_costs(
    edge: Edge, tried: Numbers, half: Numbers, nodes: Sequence[Node], others: Numbers
) -> Numbers:
    """How bad each of the places is, whatever the other texts do."""
    costs = AWAY * np.abs(TRIED - edge.at)
    for node in nodes:
        room = half + 3 + np.array([node.width, node.height]) / 2
        costs += ON_TEXT * (np.abs(tried - (node.x, node.y)) < room).all(axis=1)
    apart = np.abs(tried[:, None] - others[None])  # (tried, places of arrows, 2)
    return np.asarray(costs + ON_ARROW * (apart < half + 2).all(axis=2).sum(axis=1), np.float64)
