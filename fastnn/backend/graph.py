"""The graph of a kernel: what its expression computes, one value after the other.

From this one graph come NumPy calls (`numpy.elementwise`), compiled loops
(`compiled.elementwise_text`), CUDA C++ text (`cuda.elementwise_text`), the derivative
(`derivative`) and a readable print: the computation graph of the notes (N15), alive.

>>> print(trace(lambda a, b, c: 3 * (a + b * c)))
t1 = b * c
t2 = a + t1
t3 = 3 * t2
return t3
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backend.expression import OPERATIONS, ScalarFunction, Symbol, erf, symbol
from fastnn.errors import ArgumentError


@dataclass(frozen=True)
class Value:
    """One line of a graph: an input, a constant, or an operation on earlier values."""

    op: str
    args: tuple[int, ...] = ()
    value: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Graph:
    """What an expression computes: values in order, each from earlier ones; some are returned.

    >>> graph = trace(lambda x, y: (x * y, x - y))
    >>> graph.inputs, graph.evaluate(3.0, 2.0)
    (('x', 'y'), (np.float64(6.0), np.float64(1.0)))
    >>> Graph.from_json(graph.to_json()) == graph
    True
    """

    inputs: tuple[str, ...]
    values: tuple[Value, ...]
    outputs: tuple[int, ...]

    def evaluate(self, *arguments: Any) -> tuple[Any, ...]:
        """Return the outputs for numbers, arrays or Symbols, one NumPy call per operation."""
        results: list[Any] = []
        for v in self.values:
            if v.op == "input":
                results.append(arguments[self.inputs.index(v.name)])
            elif v.op == "constant":
                results.append(v.value)
            else:
                operation = erf if v.op == "erf" else OPERATIONS[v.op].function
                results.append(operation(*(results[a] for a in v.args)))
        return tuple(results[o] for o in self.outputs)

    def __str__(self) -> str:
        text: dict[int, str] = {}
        lines: list[str] = []
        for i, v in enumerate(self.values):
            if v.op == "input":
                text[i] = v.name
            elif v.op == "constant":
                text[i] = f"{v.value:.17g}" if v.value >= 0 else f"({v.value:.17g})"
            else:
                text[i] = f"t{len(lines) + 1}"
                args = [text[a] for a in v.args]
                row = OPERATIONS[v.op]
                call = f" {row.symbol} ".join(args) if row.symbol else f"{v.op}({', '.join(args)})"
                lines.append(f"{text[i]} = {call}")
        return "\n".join([*lines, f"return {', '.join(text[o] for o in self.outputs)}"])

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain lists: the form in which a model file keeps an expression."""
        rows = [
            [v.op, v.name] if v.op == "input"
            else [v.op, v.value] if v.op == "constant"
            else [v.op, *v.args]
            for v in self.values
        ]  # fmt: skip
        return {"inputs": list(self.inputs), "values": rows, "outputs": list(self.outputs)}

    @staticmethod
    def from_json(data: Any) -> Graph:
        """Return the graph of `to_json`; every operation and index is checked (ArgumentError)."""
        try:
            inputs = tuple(data["inputs"])
            if not all(type(name) is str for name in inputs) or len(set(inputs)) < len(inputs):
                raise ValueError(f"inputs {inputs} are not different names")
            values: list[Value] = []
            for op, *rest in data["values"]:
                if op == "input" and len(rest) == 1 and rest[0] in inputs:
                    values.append(Value("input", name=rest[0]))
                elif op == "constant" and len(rest) == 1 and type(rest[0]) in (int, float):
                    values.append(Value("constant", value=float(rest[0])))
                elif op in OPERATIONS and len(rest) == OPERATIONS[op].arity:
                    if not all(type(a) is int and 0 <= a < len(values) for a in rest):
                        raise ValueError(f"arguments {rest} of {op} are not earlier values")
                    refuse_truth(op, [values[a].op for a in rest])
                    values.append(Value(op, tuple(rest)))
                else:
                    raise ValueError(f"unknown operation {op!r} with arguments {rest}")
            outputs = tuple(data["outputs"])
            if not outputs or not all(type(o) is int and 0 <= o < len(values) for o in outputs):
                raise ValueError(f"outputs {outputs} are not values")
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise ArgumentError(f"not an expression graph: {error}") from error
        return Graph(inputs, tuple(values), outputs)


def parameter_names(function: ScalarFunction) -> tuple[str, ...]:
    """Return the names of the positional arguments of ``function``.

    >>> parameter_names(lambda z, y, slope=0.1: z)
    ('z', 'y')
    """
    return tuple(
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    )


def trace(function: ScalarFunction) -> Graph:
    """Run ``function`` on Symbols and return the simplified graph of what it computes.

    Equal subexpressions are computed once, constants are folded, and ``x * 1``, ``x + 0`` and
    the like vanish. Raises ArgumentError if the function branches on an argument or uses
    something that is not elementwise.

    >>> print(trace(lambda z: 1 / (1 + np.exp(-z))))
    t1 = negative(z)
    t2 = exp(t1)
    t3 = 1 + t2
    t4 = 1 / t3
    return t4
    """
    try:
        names = parameter_names(function)
    except ValueError:  # a ufunc or another function in C
        raise ArgumentError(
            f"the arguments of {function!r} are not known: "
            "write a function of them around it, such as lambda z: np.tanh(z)",
            argument="function",
        ) from None
    try:
        results = function(*(Symbol("input", name=n) for n in names))
    except TypeError as error:  # an operator such as // that Symbol does not have
        raise ArgumentError(f"not a kernel expression: {error}", argument="function") from error
    if not isinstance(results, tuple):
        results = (results,)
    return build(names, [symbol(r) for r in results])


def build(inputs: Sequence[str], outputs: Sequence[Symbol]) -> Graph:
    """Return the simplified graph of ``outputs`` over the inputs named ``inputs``."""
    values: list[Value] = []
    known: dict[tuple[object, ...], int] = {}
    done: dict[int, int] = {}

    def add(value: Value) -> int:
        key = (value.op, value.args, value.name, str(value.value))  # -0.0 is not 0.0, nan is nan
        if key not in known:
            known[key] = len(values)
            values.append(value)
        return known[key]

    def visit(node: Symbol) -> int:
        if id(node) not in done:
            args = tuple(visit(a) for a in node.args)
            done[id(node)] = _simplify(node, args, values, add)
        return done[id(node)]

    kept = tuple(visit(o) for o in outputs)
    return _drop_unused(Graph(tuple(inputs), tuple(values), kept))


def refuse_truth(op: str, args: Sequence[str]) -> None:
    """Raise ArgumentError for ``op`` of truth values where NumPy, too, refuses it."""
    if op in ("negative", "sign", "subtract") and all(_is_truth(a) for a in args):
        raise ArgumentError(
            f"a kernel expression cannot take {op} of truth values: "
            "turn them into numbers first, as in np.where(condition, 1.0, 0.0)",
            argument="function",
        )


def _is_truth(op: str) -> bool:
    return op in OPERATIONS and OPERATIONS[op].boolean


def _simplify(
    node: Symbol, args: tuple[int, ...], values: list[Value], add: Callable[[Value], int]
) -> int:
    """Add the value of ``node``, in its simplest form; return its index."""
    if node.op in ("input", "constant"):
        return add(Value(node.op, value=node.value, name=node.name))
    refuse_truth(node.op, [values[a].op for a in args])
    constants = [values[a].value if values[a].op == "constant" else None for a in args]
    if all(c is not None for c in constants):
        with np.errstate(all="ignore"):
            folded = float(OPERATIONS[node.op].function(*constants))
        return add(Value("constant", value=folded))
    match node.op, constants:
        case ("add", [0.0, _]) | ("multiply", [1.0, _]):
            return args[1]
        case ("add" | "subtract", [_, 0.0]) | ("multiply" | "divide" | "power", [_, 1.0]):
            return args[0]
        case ("multiply", [0.0, _] | [_, 0.0]) | ("divide", [0.0, _]):
            return add(Value("constant", value=0.0))
        case ("subtract", [0.0, _]) | ("multiply", [-1.0, _]) if not _is_truth(values[args[1]].op):
            return _negate(args[1], values, add)
        case ("multiply", [_, -1.0]) if not _is_truth(values[args[0]].op):
            return _negate(args[0], values, add)
        case ("negative", _):
            return _negate(args[0], values, add)
        case ("power", [_, 2.0]):
            return add(Value("square", (args[0],)))
        case ("power", [_, 0.5]):
            return add(Value("sqrt", (args[0],)))
        case ("where", _):
            if args[1] == args[2]:
                return args[1]
            if constants[0] is not None:
                return args[1] if constants[0] else args[2]
        case ("multiply", _) if args[0] == args[1]:
            return add(Value("square", (args[0],)))
        case ("multiply", _):
            return _multiply(args, values, add)
    return add(Value(node.op, args))


def _multiply(args: tuple[int, ...], values: list[Value], add: Callable[[Value], int]) -> int:
    """``d * where(c, 1, 0)`` is ``where(c, d, 0)``: what a derivative with a kink becomes."""
    for d, w in (args, args[::-1]):
        branches = [values[a] for a in values[w].args[1:]] if values[w].op == "where" else []
        if branches and all(v.op == "constant" and v.value in (0.0, 1.0) for v in branches):
            zero = add(Value("constant", value=0.0))
            chosen = tuple(d if v.value == 1.0 else zero for v in branches)
            return add(Value("where", (values[w].args[0], *chosen)))
    return add(Value("multiply", args))


def _negate(index: int, values: list[Value], add: Callable[[Value], int]) -> int:
    inner = values[index]
    return inner.args[0] if inner.op == "negative" else add(Value("negative", (index,)))


def _drop_unused(graph: Graph) -> Graph:
    used = set(graph.outputs)
    for i in range(len(graph.values) - 1, -1, -1):
        if i in used:
            used.update(graph.values[i].args)
    order = sorted(used)
    place = {old: new for new, old in enumerate(order)}
    values = tuple(
        Value(v.op, tuple(place[a] for a in v.args), v.value, v.name)
        for v in (graph.values[i] for i in order)
    )
    return Graph(graph.inputs, values, tuple(place[o] for o in graph.outputs))
