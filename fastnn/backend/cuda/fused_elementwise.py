"""Elementwise kernels that follow each other, as one kernel: values stay in registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fastnn.backend.cuda.layout import element_strides, overlap
from fastnn.backend.expression import OPERATIONS, Symbol, symbol
from fastnn.backend.graph import build
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Apply, Array, address

#: The most arrays of one kernel.
MAX_OPERANDS = 32

#: Which element of memory belongs to each place of a (rows, cols) kernel: address, strides, dtype.
View: TypeAlias = tuple[int, tuple[int, int], "np.dtype[Any]"]


def view(array: Array, rows: int, cols: int) -> View:
    """Return what tells whether two arrays are the same elements in the same places.

    >>> import numpy as np
    >>> theta = np.zeros(6)
    >>> view(theta, 1, 6) == view(theta.reshape(1, 6), 1, 6), view(theta, 1, 6)[1:]
    (True, ((0, 1), dtype('float64')))
    """
    return address(array), element_strides(array, rows, cols), array.dtype


def compose(first: Apply, second: Apply) -> Apply | None:
    """Return one `Apply` that does both, or None where two are needed.

    Every element must be computed from the same element of what the first one writes, in the same
    dtype: then the thread that has it goes on with it.

    >>> import numpy as np
    >>> z, a, d = np.ones((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    >>> relu = Apply(Kernel("relu", lambda z: np.maximum(z, 0.0)), (z,), (a,))
    >>> both = compose(relu, Apply(Kernel("halve", lambda a: 0.5 * a), (a,), (d,)))
    >>> print(both.kernel)
    relu_halve(z):
        t1 = maximum(z, 0)
        t2 = 0.5 * t1
        return t1, t2
    """
    shape = tuple(first.outs[0].shape)
    arrays = (*first.args, *first.outs, *second.args, *second.outs)
    if tuple(second.outs[0].shape) != shape or len(shape) > 2 or len(arrays) > MAX_OPERANDS:
        return None
    if len({out.dtype.name for i in (first, second) for out in i.outs}) > 1:
        return None
    if not _same_or_apart(first, second) or _passes_truth(first, second):
        return None
    return _Composition(*(1, 1, *shape)[-2:]).of(first, second)


def _same_or_apart(first: Apply, second: Apply) -> bool:
    """Return whether arrays that share memory, one of them written, are one view of it."""
    rows, cols = (1, 1, *first.outs[0].shape)[-2:]
    pairs = [(w, a) for w in first.outs for a in (*second.args, *second.outs)]
    pairs += [(w, a) for w in second.outs for a in first.args]
    return all(view(w, rows, cols) == view(a, rows, cols) for w, a in pairs if overlap(w, a))


def _passes_truth(first: Apply, second: Apply) -> bool:
    """Return whether a truth value would be handed on: as a number, NumPy would add it."""
    graph = first.kernel.graph
    truths = [
        out
        for out, place in zip(first.outs, graph.outputs, strict=True)
        if graph.values[place].op in OPERATIONS and OPERATIONS[graph.values[place].op].boolean
    ]
    return any(overlap(out, a) for out in truths for a in second.args)


@dataclass
class _Composition:
    rows: int
    cols: int

    def of(self, *steps: Apply) -> Apply:
        known: dict[View, Symbol] = {}  # what a thread has in its registers
        inputs: dict[str, Array] = {}
        results: dict[View, Array] = {}
        for step in steps:
            values: list[Symbol] = []
            for name, array in zip(step.kernel.inputs, step.args, strict=True):
                key = view(array, self.rows, self.cols)
                if key not in known:
                    unique = name
                    while unique in inputs:
                        unique += "_"
                    inputs[unique] = array
                    known[key] = Symbol("input", name=unique)
                values.append(known[key])
            for out, value in zip(step.outs, step.kernel.graph.evaluate(*values), strict=True):
                key = view(out, self.rows, self.cols)
                known[key], results[key] = symbol(value), out
        graph = build(tuple(inputs), [known[key] for key in results])
        name = "_".join(step.kernel.name for step in steps)
        return Apply(Kernel(name, graph), tuple(inputs.values()), tuple(results.values()))
