"""An expression that a user types, as a graph: read with care, nothing in it is run."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np

from fastnn.backend.expression import OPERATIONS, Symbol, apply, symbol
from fastnn.backend.graph import Graph, build
from fastnn.errors import ArgumentError, arg, shown
from fastnn.registry import did_you_mean

#: A picture of more steps, or a text of more letters, cannot be read.
MOST_VALUES, MOST_LETTERS = 40, 300

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "negative",
}
#: What may be called, by name: how many arguments, and what it does to Symbols.
FUNCTIONS: dict[str, tuple[int, Callable[..., Symbol]]] = {
    **{
        name: (OPERATIONS[name].arity, lambda *args, op=name: apply(op, *args))
        for name in (
            *("exp", "log", "expm1", "log1p", "sqrt", "square", "tanh", "sin", "cos", "erf"),
            *("maximum", "minimum"),
        )
    },
    "abs": (1, lambda z: apply("absolute", z)),
    "max": (2, lambda x, y: apply("maximum", x, y)),
    "min": (2, lambda x, y: apply("minimum", x, y)),
    "sigmoid": (1, lambda z: 1 / (1 + apply("exp", -z))),
    "relu": (1, lambda z: apply("maximum", z, 0.0)),
}


def expression_graph(text: object) -> Graph:
    """Return the graph of an expression of names, numbers, ``+ - * / **`` and functions.

    The inputs are its names, in the order of the alphabet.

    >>> print(expression_graph("3*(a+b*c)"))
    t1 = b * c
    t2 = a + t1
    t3 = 3 * t2
    return t3

    Raises ArgumentError, naming ``expression``, for anything else, such as a branch.
    """
    if not isinstance(text, str) or not text.strip():
        raise _refused(f"must be a text such as '3*(a+b*c)', found {shown(text)}")
    if len(text) > MOST_LETTERS:
        raise _refused(f"has {len(text)} characters; at most {MOST_LETTERS} can be drawn")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for 1if a else b, which is refused below
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error) or "it is too deep"
        raise _refused(f"cannot be read: {shown(text)} ({reason})") from error
    result = symbol(_symbol(tree.body))
    names: set[str] = set()
    _collect(result, names)
    graph = build(sorted(names), [result])
    if graph.values[graph.outputs[0]].op in ("input", "constant"):
        raise _refused(f"{shown(text)} has nothing to compute: write one such as '3*(a+b*c)'")
    if len(graph.values) > MOST_VALUES:
        raise _refused(f"takes {len(graph.values)} steps; at most {MOST_VALUES} can be drawn")
    return graph


def _refused(what: str) -> ArgumentError:
    return ArgumentError(f"{arg('expression')} {what}")


def _symbol(node: ast.AST) -> Symbol:
    """The Symbol of a part of the expression; everything that is not listed here is refused."""
    match node:
        case ast.Constant(value=bool()):
            raise _refused(f"has {node.value!r}, which is no number")
        case ast.Constant(value=int() | float()):
            try:
                return symbol(float(node.value))  # type: ignore[arg-type]
            except OverflowError:
                raise _refused("has a number that is too large") from None
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise _refused(f"uses the function {name} as a number: write {name}(...)")
            return Symbol("input", name=name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return apply(_OPERATORS[type(op)], _symbol(left), _symbol(right))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _symbol(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return apply("negative", _symbol(operand))
        case ast.Call(keywords=[], args=args):
            return _call(node, args)
        case ast.IfExp() | ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            raise _refused(
                f"branches at {_source(node)}: a derivative needs one formula for all numbers; "
                "write maximum(x, y), minimum(x, y), abs(x) or relu(x)"
            )
        case ast.BinOp(op=ast.BitXor()):
            raise _refused(f"has {_source(node)}: write ** for a power")
    raise _refused(f"has {_source(node)}; it can have names, numbers, + - * / ** and functions")


def _call(node: ast.Call, args: list[ast.expr]) -> Symbol:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "math"), attr=name):
            pass
        case _:
            raise _refused(f"calls {_source(node.func)}, which is no function that is known")
    if name not in FUNCTIONS:
        raise _refused(
            f"calls the unknown function {name}{did_you_mean(name, FUNCTIONS)} "
            f"(known: {', '.join(FUNCTIONS)})"
        )
    arity, function = FUNCTIONS[name]
    if len(args) != arity:
        raise _refused(f"calls {name} with {len(args)} arguments; it takes {arity}")
    return function(*map(_symbol, args))


def _source(node: ast.AST) -> str:
    return shown(ast.unparse(node))


def _collect(node: Symbol, names: set[str]) -> None:
    if node.op == "input":
        names.add(node.name)
    for a in node.args:
        _collect(a, names)


def numbers_at(graph: Graph, at: object, default: str) -> dict[str, float]:
    """Return a number for each input of a graph, from ``"a=5,b=3"`` or a mapping.

    More names than the expression has are an error, but in the default.

    >>> numbers_at(expression_graph("a*b"), "a=5,b=3", "")
    {'a': 5.0, 'b': 3.0}

    Raises ArgumentError, naming ``at``.
    """
    given = dict(at) if isinstance(at, Mapping) else dict(map(_pair, str(at).split(",")))
    extra = [name for name in given if name not in graph.inputs]
    if extra and at != default:
        raise ArgumentError(
            f"{arg('at')} has a number for {extra[0]!r}, which the expression does not have "
            f"(it has {', '.join(graph.inputs)})"
        )
    missing = [name for name in graph.inputs if name not in given]
    if missing:
        example = ",".join(f"{name}={k}" for k, name in enumerate(graph.inputs, start=1))
        raise ArgumentError(
            f"{arg('at')} has no number for {', '.join(missing)}: give one for each name, such as "
            f"{arg('at', example)}"
        )
    found = {}
    for name in graph.inputs:
        try:
            found[name] = float(given[name])
        except (TypeError, ValueError):
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise ArgumentError(
                f"{arg('at')}: {name} must be a finite number, found {shown(given[name])}"
            )
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier():
        raise ArgumentError(f"{arg('at')} must be of the form a=5,b=3, found {shown(text)}")
    return name, value


def names_and_texts(graph: Graph) -> list[tuple[str, str]]:
    """Return for every value of a graph its name and how it is made.

    What lies between is called u, v, w and so on, as in the notes, and the result J.

    >>> names_and_texts(expression_graph("3*(a+b*c)"))[-3:]
    [('u', 'b * c'), ('v', 'a + u'), ('J', '3 * v')]
    """
    free = (n for n in _letters() if n not in graph.inputs)
    result = next(n for n in ("J", "f", "result") if n not in graph.inputs)
    names: list[tuple[str, str]] = []
    for i, v in enumerate(graph.values):
        if v.op == "input":
            names.append((v.name, ""))
        elif v.op == "constant":
            names.append((f"{v.value:g}", ""))
        else:
            name = result if i in graph.outputs else next(free)
            names.append((name, operation_text(v.op, [names[a][0] for a in v.args])))
    return names


def _letters() -> Any:
    yield from "uvwpqrstghk"
    yield from (f"u{i}" for i in count(1))


def operation_text(op: str, args: list[str]) -> str:
    """Return an operation on named values as it is written.

    >>> operation_text("add", ["a", "u"]), operation_text("square", ["u"])
    ('a + u', 'u ** 2')
    """
    sign = OPERATIONS[op].symbol
    if sign:
        return f" {sign} ".join(args)
    if op == "square":
        return f"{args[0]} ** 2"
    if op == "negative":
        return f"-{args[0]}"
    return f"{op.replace('absolute', 'abs')}({', '.join(args)})"


def every_value(graph: Graph, at: Mapping[str, float]) -> list[float]:
    """Return the number of every value of a graph.

    >>> every_value(expression_graph("3*(a+b*c)"), {"a": 5.0, "b": 3.0, "c": 2.0})
    [3.0, 5.0, 3.0, 2.0, 6.0, 11.0, 33.0]

    Raises ArgumentError, naming the operation, where one of them is no finite number.
    """
    whole = Graph(graph.inputs, graph.values, tuple(range(len(graph.values))))
    with np.errstate(all="ignore"):
        values = [float(v) for v in whole.evaluate(*(np.float64(at[n]) for n in graph.inputs))]
    for i, v in enumerate(graph.values):
        if not math.isfinite(values[i]):
            if v.op == "constant":
                raise _refused("has a number that is too large")
            numbers = [f"{values[a]:g}" for a in v.args]
            what = operation_text(v.op, numbers)
            why = "divides by 0" if v.op == "divide" and not values[v.args[1]] else "is no number"
            where = ", ".join(f"{name} = {x:g}" for name, x in at.items())
            raise _refused(f"{why}: {what}, at {where}; choose other numbers")
    return values
