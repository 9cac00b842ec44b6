"""The nodes and edges of a network, layer by layer, with a number on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fastnn.demos.small_pass import Numbers
from fastnn.pictures.marks import Edge, Node

#: A weight of this size or more has the widest line.
WIDEST = 2.0


@dataclass(frozen=True)
class Grid:
    """Where the layers of a network are: the left of each, the top, and pixels between units."""

    lefts: tuple[float, ...] = (60.0, 320.0, 580.0)
    top: float = 80.0
    down: float = 112.0

    def places(self, sizes: Sequence[int]) -> list[list[tuple[float, float]]]:
        """Return the middle of every unit, by layer; smaller layers are centred.

        >>> Grid((0, 100), 0, 50).places([1, 3])
        [[(0, 50.0)], [(100, 0.0), (100, 50.0), (100, 100.0)]]
        """
        highest = max(sizes)
        return [
            [(left, self.top + self.down * (i + (highest - n) / 2)) for i in range(n)]
            for left, n in zip(self.lefts, sizes, strict=True)
        ]

    def headings(self, *texts: str) -> list[Node]:
        """Return a text above each layer; with more of them, between the layers too.

        >>> [node.x for node in Grid((0, 100)).headings("x", "W[1]", "A[1]")]
        [0, 50.0, 100]
        """
        if len(texts) == len(self.lefts):
            places = list(self.lefts)
        else:
            between = [(a + b) / 2 for a, b in pairwise(self.lefts)]
            places = [x for pair in zip(self.lefts, between, strict=False) for x in pair]
            places.append(self.lefts[-1])
        return [
            Node(x, 12.0, (text,), "none", width=0, height=0)
            for x, text in zip(places, texts, strict=True)
        ]


def weight_edges(W: Numbers, first: int, then: int) -> list[Edge]:
    """Return an edge from each unit of a layer to each of the next, with its weight on it.

    ``W`` is (n, k); ``first`` and ``then`` are the places of the two layers' first nodes. Positive
    weights are blue, negative ones orange, and the larger, the wider. The numbers lie near the
    unit that they lead to, where the edges have come apart.

    >>> import numpy as np
    >>> [edge.text for edge in weight_edges(np.array([[0.5, -1.0]]), 0, 2)]
    ['0.5', '-1']
    """
    n, k = W.shape
    return [
        Edge(
            first + j,
            then + i,
            f"{W[i, j]:g}",
            "blue" if W[i, j] > 0 else "orange" if W[i, j] < 0 else "grey",
            0.8 + 2.2 * min(abs(float(W[i, j])) / WIDEST, 1.0),
            at=0.78,
        )
        for i in range(n)
        for j in range(k)
    ]


def unit(place: tuple[float, float], *texts: str, colour: str = "grey", size: float = 74) -> Node:
    """Return the node of a unit: its name, its value, and what led to it.

    >>> unit((10, 20), "x1", "0.5").texts
    ('x1', '0.5')
    """
    return Node(*place, texts, colour=colour, width=size, height=size)
