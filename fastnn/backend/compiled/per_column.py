"""Compute what depends on the column alone once per column, not once per element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.backend.compiled.elementwise_text import truths
from fastnn.backend.expression import Symbol
from fastnn.backend.graph import Graph, build


@dataclass(frozen=True)
class Hoisted:
    """A kernel in two: ``first`` over (1, m), whose results are new inputs of ``rest``.

    ``first_inputs`` and ``rest_inputs`` say which of the kernel's arguments each takes; ``rest``
    takes the results of ``first`` after those.
    """

    first: Graph
    first_inputs: tuple[int, ...]
    rest: Graph
    rest_inputs: tuple[int, ...]


def hoist_rows(graph: Graph, kinds: Sequence[str]) -> Hoisted | None:
    """Split a kernel whose argument i walks through memory as ``kinds[i]``; None: not needed.

    >>> from fastnn.backend.graph import trace
    >>> import numpy as np
    >>> parts = hoist_rows(trace(lambda z, total: z - np.log(total)), ["full", "row"])
    >>> print(parts.first)
    t1 = log(total)
    return t1
    """
    kind = dict(zip(graph.inputs, kinds, strict=True))
    by_row: list[bool] = []  # depends on a (1, m) argument
    by_element: list[bool] = []  # depends on anything larger
    for v in graph.values:
        if v.op == "input":
            by_row.append(kind[v.name] == "row")
            by_element.append(kind[v.name] not in ("row", "scalar"))
        else:
            by_row.append(any(by_row[a] for a in v.args))
            by_element.append(any(by_element[a] for a in v.args))
    # A truth value would be a number on its way through memory: it is made where it is used.
    truth = truths(graph)
    needed = set(graph.outputs)
    for i in range(len(graph.values) - 1, -1, -1):
        if by_element[i] or (truth[i] and i in needed):
            needed.update(graph.values[i].args)
    places = [
        i
        for i, v in enumerate(graph.values)
        if v.args and by_row[i] and not by_element[i] and not truth[i] and i in needed
    ]
    if not places:
        return None
    nodes = _nodes(graph, {})
    first = build(graph.inputs, [nodes[i] for i in places])
    # The space keeps the name apart from those that a user's function can have.
    results = {i: Symbol("input", name=f"column {i}") for i in places}
    names = (*graph.inputs, *(s.name for s in results.values()))
    again = _nodes(graph, results)
    rest = build(names, [again[o] for o in graph.outputs])
    first, first_inputs = _used(first, graph.inputs)
    rest, rest_inputs = _used(rest, graph.inputs, keep=tuple(s.name for s in results.values()))
    return Hoisted(first, first_inputs, rest, rest_inputs)


def _nodes(graph: Graph, replaced: dict[int, Symbol]) -> list[Symbol]:
    nodes: list[Symbol] = []
    for i, v in enumerate(graph.values):
        new = Symbol(v.op, tuple(nodes[a] for a in v.args), v.value, v.name)
        nodes.append(replaced.get(i, new))
    return nodes


def _used(
    graph: Graph, inputs: Sequence[str], keep: tuple[str, ...] = ()
) -> tuple[Graph, tuple[int, ...]]:
    """Return the graph without the inputs that it does not use, and which it uses."""
    names = {v.name for v in graph.values if v.op == "input"}
    places = tuple(i for i, name in enumerate(inputs) if name in names)
    return Graph((*(inputs[i] for i in places), *keep), graph.values, graph.outputs), places
