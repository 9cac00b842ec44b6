"""The computation graph of an expression, with values and sensitivities (N15)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated

import numpy as np

from fastnn.backend.derivative import RULES, sensitivities
from fastnn.backend.graph import Graph
from fastnn.demos.demo import Demonstration
from fastnn.demos.graph_diagram import (
    graph_edges,
    graph_nodes,
    whole_diagram,
    with_own_constants,
)
from fastnn.demos.own_expression import (
    every_value,
    expression_graph,
    names_and_texts,
    numbers_at,
)
from fastnn.errors import ArgumentError, arg
from fastnn.pictures.marks import Figure
from fastnn.reference.derivatives import numeric_gradient

EXPRESSION, AT = "3*(a+b*c)", "a=5,b=3,c=2"
#: So many values are listed in a line of text.
MOST_LISTED = 6


def computation_graph(
    *,
    expression: Annotated[str, "names, numbers, + - * / ** and functions such as exp"] = EXPRESSION,
    at: Annotated[str | Mapping[str, float], "a number for each name"] = AT,
) -> Demonstration:
    """Return the graph of an expression, with dJ/dvalue at every value, by the chain rule.

    From the left to the right values are computed; from the right to the left sensitivities:
    ``dJ/du = sum over the v made of u of dJ/dv dv/du`` (N15), where ``dv/du`` is on the arrow from
    u to v. The graph is what the kernels of fastnn are made from. ``J = 3 (a + b c)``, ``u = b c``,
    ``v = a + u`` is the example of the notes.

    >>> print(computation_graph())
    forward: u = b * c = 6, v = a + u = 11, J = 3 * v = 33
    backward: dJ/dv = 3, dJ/du = 3, dJ/da = 3, dJ/db = 6, dJ/dc = 9
    by the limit, h = 1e-5: dJ/da = 3, dJ/db = 6, dJ/dc = 9; largest difference ...

    Raises ArgumentError for an expression that cannot be read, branches, or has no value there.
    """
    graph = with_own_constants(expression_graph(expression))
    numbers = numbers_at(graph, at, AT)
    values = every_value(graph, numbers)
    slopes = _slopes(graph, numbers)
    named = names_and_texts(graph)
    result = graph.outputs[0]
    J = named[result][0]
    texts: list[tuple[str, ...]] = []
    colours = []
    for i, (v, (name, made_of)) in enumerate(zip(graph.values, named, strict=True)):
        if v.op == "constant":
            texts.append((name,))
        else:
            equation = f"{name} = {made_of}" if made_of else name
            texts.append((equation, f"{values[i]:.5g}", f"d{J}/d{name} = {slopes[i]:.5g}"))
        colours.append("green" if i == result else "grey" if not v.args else "blue")
    nodes = graph_nodes(graph, texts, colours)
    diagram = whole_diagram(
        f"{J} = {expression.strip()}" if len(expression) < 60 else J,
        nodes,
        graph_edges(graph, nodes, _local_slopes(graph, values)),
        "in each box its value and its sensitivity; on each arrow the derivative of the value it "
        "leads to by the value it comes from",
    )
    steps = [
        f"{name} = {made_of} = {values[i]:.5g}"
        for i, (name, made_of) in enumerate(named)
        if made_of
    ]
    backward = [i for i in range(len(values) - 1, -1, -1) if graph.values[i].args and i != result]
    backward += [i for i, v in enumerate(graph.values) if v.op == "input"]
    limits = _limits(graph, numbers)
    inputs = [next(i for i, v in enumerate(graph.values) if v.name == n) for n in limits]
    apart = max(abs(limits[named[i][0]] - slopes[i]) for i in inputs)
    lines: tuple[str, ...] = (
        f"forward: {_listed(steps)}",
        f"backward: {_listed(f'd{J}/d{named[i][0]} = {slopes[i]:.5g}' for i in backward)}",
        f"by the limit, h = 1e-5: {_listed(f'd{J}/d{n} = {d:.5g}' for n, d in limits.items())}; "
        f"largest difference {apart:.0e}",
    )
    if kink := _kink(graph, values, named):
        lines = (*lines, kink)
    note = "" if len(expression) < 60 else f"{J} = {expression.strip()}"
    figure = Figure("A computation graph", [diagram], note, columns=1)
    return Demonstration("computation-graph", lines, figure)


def _slopes(graph: Graph, numbers: Mapping[str, float]) -> list[float]:
    """dJ/dvalue for every value."""
    with np.errstate(all="ignore"):
        found = sensitivities(graph).evaluate(*(np.float64(x) for x in numbers.values()))
    slopes = [float(d) + 0.0 for d in found]  # no negative zero
    for name, slope in zip(names_and_texts(graph), slopes, strict=True):
        if not math.isfinite(slope):
            where = ", ".join(f"{n} = {x:g}" for n, x in numbers.items())
            raise ArgumentError(
                f"{arg('at')}: the sensitivity of {name[0]} is no finite number at {where}; "
                "choose other numbers"
            )
    return slopes


def _kink(graph: Graph, values: list[float], named: list[tuple[str, str]]) -> str:
    """Where a step has no derivative, and what is taken for it; nothing if all have one."""
    for i, v in enumerate(graph.values):
        numbers = [values[a] for a in v.args]
        if v.op in ("maximum", "minimum") and numbers[0] == numbers[1]:
            bend = f"where {named[v.args[0]][0]} = {named[v.args[1]][0]}"
        elif v.op == "absolute" and numbers[0] == 0:
            bend = f"where {named[v.args[0]][0]} = 0"
        else:
            continue
        slopes = [float(d) for d in RULES[v.op](1.0, values[i], *map(np.float64, numbers))]
        free = [graph.values[a].op != "constant" for a in v.args]
        taken = " and ".join(f"{d:g}" for d, varies in zip(slopes, free, strict=True) if varies)
        return (
            f"{named[i][0]} = {named[i][1]} has a kink {bend}: there is no derivative; "
            f"{taken} is taken by convention, and the limit from both sides may differ"
        )
    return ""


def _local_slopes(graph: Graph, values: list[float]) -> list[list[str]]:
    """dv/du for every argument u of every value v, as text; none for a constant."""
    found: list[list[str]] = []
    for i, v in enumerate(graph.values):
        if not v.args:
            found.append([])
            continue
        arguments = [np.float64(values[a]) for a in v.args]
        with np.errstate(all="ignore"):
            slopes = RULES[v.op](1.0, np.float64(values[i]), *arguments)
        constant = [graph.values[a].op == "constant" for a in v.args]
        found.append(
            ["" if c else f"{float(d):.4g}" for c, d in zip(constant, slopes, strict=True)]
        )
    return found


def _limits(graph: Graph, numbers: Mapping[str, float]) -> dict[str, float]:
    """The derivatives by their limit, in plain loops (N16)."""

    def f(x: list[float]) -> float:
        with np.errstate(all="ignore"):
            return float(graph.evaluate(*map(np.float64, x))[0])

    return dict(zip(numbers, numeric_gradient(f, list(numbers.values())), strict=True))


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - MOST_LISTED} more" if len(every) > MOST_LISTED else ""
    return ", ".join(every[:MOST_LISTED]) + more
