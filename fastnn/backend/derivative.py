"""The derivative of a kernel expression: the chain rule over its graph (N15).

Each operation has one row: the sensitivity of its result is handed back to its arguments. A
user's own activation or loss is thereby differentiated on every device; the built-in ones are
written by hand, as functions of the output, and tested against these.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backend.expression import ScalarFunction, Symbol, symbol
from fastnn.backend.graph import Graph, build, trace
from fastnn.errors import ArgumentError, arg

#: op -> (dJ/dresult, result, *args) -> dJ/darg for each argument (None: no derivative).
RULES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "negative": lambda d, r, x: (-d,),
    "absolute": lambda d, r, x: (d * np.sign(x),),
    "sign": lambda d, r, x: (None,),
    "square": lambda d, r, x: (d * 2 * x,),
    "sqrt": lambda d, r, x: (d * 0.5 / r,),
    "exp": lambda d, r, x: (d * r,),
    "expm1": lambda d, r, x: (d * (r + 1),),
    "log": lambda d, r, x: (d / x,),
    "log1p": lambda d, r, x: (d / (1 + x),),
    "tanh": lambda d, r, x: (d * (1 - r * r),),
    "sin": lambda d, r, x: (d * np.cos(x),),
    "cos": lambda d, r, x: (-d * np.sin(x),),
    "erf": lambda d, r, x: (d * (2 / math.sqrt(math.pi)) * np.exp(-x * x),),
    "add": lambda d, r, x, y: (d, d),
    "subtract": lambda d, r, x, y: (d, -d),
    "multiply": lambda d, r, x, y: (d * y, d * x),
    "divide": lambda d, r, x, y: (d / y, -d * r / y),
    "power": lambda d, r, x, y: (d * y * x ** (y - 1), d * r * np.log(x)),
    # At a tie the whole sensitivity goes to the second argument, so that the derivative of
    # maximum(z, 0) at 0 is 0, as for ReLU in the notes (N4).
    "maximum": lambda d, r, x, y: (np.where(x > y, d, 0.0), np.where(x > y, 0.0, d)),
    "minimum": lambda d, r, x, y: (np.where(x < y, d, 0.0), np.where(x < y, 0.0, d)),
    "where": lambda d, r, c, x, y: (None, np.where(c, d, 0.0), np.where(c, 0.0, d)),
    **{
        op: lambda d, r, *args: (None,) * len(args)
        for op in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
                   "logical_and", "logical_or", "logical_not")
    },
}  # fmt: skip


def derivative(expression: Graph | ScalarFunction, wrt: str | int = 0) -> Graph:
    """Return the graph of ``d output / d input`` of a single-output expression.

    ``wrt`` names the input (or gives its place). At a kink the value is that of the branch
    which the expression takes there: ``d maximum(z, 0) / dz`` is 0 at 0.

    >>> J = lambda a, b, c: 3 * (a + b * c)  # N15: dJ/da = 3, dJ/db = 3c, dJ/dc = 3b
    >>> [float(derivative(J, wrt=name).evaluate(5.0, 3.0, 2.0)[0]) for name in "abc"]
    [3.0, 6.0, 9.0]

    Raises ArgumentError for an input that does not exist or an expression of several outputs.
    """
    graph = expression if isinstance(expression, Graph) else trace(expression)
    places = dict(enumerate(graph.inputs))
    name = places.get(wrt) if isinstance(wrt, int) else wrt
    if name not in graph.inputs:
        raise ArgumentError(
            f"{arg('wrt', wrt)} is not an input of the expression: {', '.join(graph.inputs)}"
        )
    place = next((i for i, v in enumerate(graph.values) if v.op == "input" and v.name == name), -1)
    return build(graph.inputs, [_backward(graph).get(place, symbol(0.0))])


def sensitivities(graph: Graph) -> Graph:
    """Return the graph of ``d output / d value`` for every value of a single-output graph.

    In the order of ``graph.values``; 0 for a constant, which does not change, and for a value that
    has no derivative, such as a condition.

    >>> graph = trace(lambda a, b, c: 3 * (a + b * c))  # 3, a, b, c, u = b c, v = a + u, J = 3 v
    >>> [v.name or v.op for v in graph.values]
    ['constant', 'a', 'b', 'c', 'multiply', 'add', 'multiply']
    >>> [float(d) for d in sensitivities(graph).evaluate(5.0, 3.0, 2.0)]
    [0.0, 3.0, 6.0, 9.0, 3.0, 3.0, 1.0]

    Raises ArgumentError for a graph of several outputs.
    """
    found = _backward(graph)
    return build(graph.inputs, [found.get(i, symbol(0.0)) for i in range(len(graph.values))])


def _backward(graph: Graph) -> dict[int, Symbol]:
    """The sensitivities of the output to the values, by their places, from the last to the first.

    A value that the output does not depend on is left out.
    """
    if len(graph.outputs) != 1:
        raise ArgumentError(
            f"the derivative is of one output, found {len(graph.outputs)}: return one of them",
            argument="expression",
        )
    nodes: list[Symbol] = []
    for v in graph.values:
        nodes.append(Symbol(v.op, tuple(nodes[a] for a in v.args), v.value, v.name))
    sensitivity: dict[int, Any] = {graph.outputs[0]: 1.0}
    for i in range(len(nodes) - 1, -1, -1):
        v = graph.values[i]
        if i not in sensitivity or not v.args:
            continue
        needed = RULES[v.op](sensitivity[i], nodes[i], *(nodes[a] for a in v.args))
        for a, d in zip(v.args, needed, strict=True):
            if d is not None and graph.values[a].op != "constant":
                sensitivity[a] = sensitivity[a] + d if a in sensitivity else d
    return {i: symbol(d) for i, d in sensitivity.items()}
