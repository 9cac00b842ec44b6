"""``y = alpha x + beta y`` in one pass over memory, by BLAS, where NumPy takes three.

Most of an optimiser's update is of this form: a moment that takes up some of the gradient, a
parameter that moves against its slope. On 32,768 float32 numbers the three passes took 9.1 us and
this one 3.3. A factor of 0 leaves its array out, wrong numbers in it or not.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn.backend.expression import OPERATIONS
from fastnn.backend.graph import Graph
from fastnn.backend.host.blas import find_blas
from fastnn.backend.program import Array, same_elements

_ONE = np.array(1.0)


@dataclass(frozen=True)
class Axpby:
    """A value of a graph as ``sign alpha x + beta y``, over the memory of y.

    All are numbers of values; ``beta`` is None for 1; ``scaled``: the products that it contains.
    """

    sign: float
    alpha: int
    x: int
    beta: int | None
    y: int
    scaled: tuple[int, ...]

    @property
    def operands(self) -> tuple[int, ...]:
        """The numbers of the values that it reads."""
        return (self.alpha, self.x, *(() if self.beta is None else (self.beta,)), self.y)

    def prepared(self, alpha: Array, x: Array, *rest: Array) -> Callable[[], None]:
        """Return the call over arrays: alpha, x, [beta,] y."""
        y, beta = rest[-1], rest[0] if len(rest) > 1 else _ONE
        function, sign, n = _function(y.dtype.char), self.sign, y.size
        at_x, at_y = x.ctypes.data, y.ctypes.data

        def call(kept: object = (x, y)) -> None:  # alive, since it has their addresses
            function(n, sign * alpha.item(), at_x, 1, beta.item(), at_y, 1)

        return call


@lru_cache
def _function(dtype: str) -> Any:
    """BLAS's function for float32 ("f") or float64 ("d"), None if there is none."""
    blas = find_blas()
    name, number = {"f": ("float", ctypes.c_float), "d": ("double", ctypes.c_double)}[dtype]
    place = blas.axpby[name] if blas is not None else 0
    if blas is None or not place:
        return None
    size = ctypes.c_int64 if blas.size == "i64" else ctypes.c_int32
    pointer = ctypes.c_void_p
    return ctypes.CFUNCTYPE(None, size, number, pointer, size, number, pointer, size)(place)


def sums_in_place(
    graph: Graph, arguments: Mapping[str, Array], outs: Sequence[Array]
) -> dict[int, Axpby]:
    """Return which values of a graph are an `Axpby`, given the arrays that it is for.

    >>> from fastnn.backend.graph import trace
    >>> graph = trace(lambda V, g, beta, rest: beta * V + rest * g)
    >>> V, g, beta, rest = np.ones(3), np.ones(3), np.array([0.9]), np.array([0.1])
    >>> found = sums_in_place(graph, {"V": V, "g": g, "beta": beta, "rest": rest}, [V])
    >>> [[graph.values[k].name for k in sum_.operands] for sum_ in found.values()]
    [['rest', 'g', 'beta', 'V']]
    """
    if _function(outs[0].dtype.char) is None:
        return {}
    finder = _Finder(graph, arguments, outs)
    for i in graph.outputs:
        finder.look_at(i)
    return finder.found


class _Finder:
    """Looks at the outputs of a graph. Used once, then thrown away."""

    def __init__(self, graph: Graph, arguments: Mapping[str, Array], outs: Sequence[Array]) -> None:
        self.graph, self.arguments, self.outs = graph, arguments, outs
        self.found: dict[int, Axpby] = {}
        self.users: list[list[int]] = [[] for _ in graph.values]
        self.shapes: list[tuple[int, ...]] = []
        for i, v in enumerate(graph.values):
            for a in v.args:
                self.users[a].append(i)
            shapes = [self.shapes[a] for a in v.args]
            given = arguments[v.name].shape if v.op == "input" else np.broadcast_shapes(*shapes)
            self.shapes.append(given)

    def look_at(self, i: int) -> None:
        v = self.graph.values[i]
        out = self.outs[self.graph.outputs.index(i)]
        if v.op not in ("add", "subtract") or not out.flags.c_contiguous:
            return
        left, right = v.args
        # The second of a difference has the sign; of a sum, either may be the one in its place.
        for y, x in ((left, right), (right, left))[: 1 if v.op == "subtract" else 2]:
            found = self._axpby(y, x, out, -1.0 if v.op == "subtract" else 1.0)
            if found is not None and self._is_free(i, found, out):
                self.found[i] = found
                return

    def _axpby(self, y: int, x: int, out: Array, sign: float) -> Axpby | None:
        scaled_y, scaled_x = self._scaled(y, out), self._scaled(x, out)
        if scaled_x is None:
            return None
        beta, place = (None, y) if scaled_y is None else scaled_y
        target = self.graph.values[place]
        if target.op != "input" or not same_elements(self.arguments[target.name], out):
            return None
        products = (x,) if scaled_y is None else (x, y)
        return Axpby(sign, *scaled_x, beta, place, products)

    def _scaled(self, k: int, out: Array) -> tuple[int, int] | None:
        """Return (factor, array) if value k is an array times a number, and used here only."""
        v = self.graph.values[k]
        if v.op != "multiply" or len(self.users[k]) != 1 or k in self.graph.outputs:
            return None
        for factor, array in (v.args, v.args[::-1]):
            if self._is_number(factor) and self._is_array(array, out):
                return factor, array
        return None

    def _is_number(self, k: int) -> bool:
        v = self.graph.values[k]
        return v.op == "constant" or (v.op == "input" and self.arguments[v.name].size == 1)

    def _is_array(self, k: int, out: Array) -> bool:
        """Whether value k is an array like ``out`` that is not overwritten by another output."""
        v = self.graph.values[k]
        if v.op != "input":
            boolean = v.op in OPERATIONS and OPERATIONS[v.op].boolean
            return self.shapes[k] == out.shape and v.op != "constant" and not boolean
        a = self.arguments[v.name]
        alike = a.shape == out.shape and a.dtype == out.dtype and bool(a.flags.c_contiguous)
        return alike and not any(same_elements(a, o) for o in self.outs if o is not out)

    def _is_free(self, i: int, found: Axpby, out: Array) -> bool:
        """Whether nobody needs what was in the memory of ``out`` once value i is there."""
        for k, v in enumerate(self.graph.values):
            if v.op == "input" and same_elements(self.arguments[v.name], out):
                others = (u for u in self.users[k] if u not in found.scaled)
                if k in self.graph.outputs or any(u > i for u in others):
                    return False
        return True
