"""Elementwise kernels: plain NumPy expressions of scalars, traced into a graph.

A kernel is an ordinary function such as ``lambda z: np.tanh(z)``. Called with arrays it is NumPy.
Called with the symbols of this module it leaves a *graph*: the list of operations that it stands
for. From that one graph come the NumPy program (`numpy_executor`), the CUDA C++ text
(`cuda_source`), the derivative (`derivative`) and a readable print: the computation graph of the
notes (N15), alive.

>>> graph = trace(lambda a, b, c: 3 * (a + b * c))
>>> print(graph)
t1 = b * c
t2 = a + t1
t3 = 3 * t2
return t3
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.errors import ArgumentError
from fastnn.registry import did_you_mean

ScalarFunction = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """One row: the operation's name, NumPy function, number of arguments, print form."""

    name: str
    function: Callable[..., Any]
    arity: int
    symbol: str = ""  # how it prints between two arguments; empty: as a call
    boolean: bool = False  # the result is a truth value


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


OPERATIONS: dict[str, Operation] = {
    row.name: row
    for row in (
        Operation("negative", np.negative, 1),
        Operation("absolute", np.absolute, 1),
        Operation("sign", np.sign, 1),
        Operation("square", np.square, 1),
        Operation("sqrt", np.sqrt, 1),
        Operation("exp", np.exp, 1),
        Operation("expm1", np.expm1, 1),
        Operation("log", np.log, 1),
        Operation("log1p", np.log1p, 1),
        Operation("tanh", np.tanh, 1),
        Operation("sin", np.sin, 1),
        Operation("cos", np.cos, 1),
        Operation("erf", _erf, 1),
        Operation("add", np.add, 2, "+"),
        Operation("subtract", np.subtract, 2, "-"),
        Operation("multiply", np.multiply, 2, "*"),
        Operation("divide", np.divide, 2, "/"),
        Operation("power", np.power, 2, "**"),
        Operation("maximum", np.maximum, 2),
        Operation("minimum", np.minimum, 2),
        Operation("greater", np.greater, 2, ">", boolean=True),
        Operation("greater_equal", np.greater_equal, 2, ">=", boolean=True),
        Operation("less", np.less, 2, "<", boolean=True),
        Operation("less_equal", np.less_equal, 2, "<=", boolean=True),
        Operation("equal", np.equal, 2, "==", boolean=True),
        Operation("not_equal", np.not_equal, 2, "!=", boolean=True),
        Operation("logical_and", np.logical_and, 2, boolean=True),
        Operation("logical_or", np.logical_or, 2, boolean=True),
        Operation("logical_not", np.logical_not, 1, boolean=True),
        Operation("where", np.where, 3),
    )
}
#: NumPy's ufuncs by their own name ('true_divide' is the name of np.divide on old releases).
_UFUNC_NAMES = {row.function.__name__: row.name for row in OPERATIONS.values()} | {
    "true_divide": "divide",
    "fabs": "absolute",
}


class Symbol:
    """A scalar that is not known yet. Arithmetic and NumPy's functions on it build a graph."""

    __slots__ = ("args", "name", "op", "value")
    __hash__ = object.__hash__

    def __init__(
        self, op: str, args: tuple[Symbol, ...] = (), value: float = 0.0, name: str = ""
    ) -> None:
        self.op, self.args, self.value, self.name = op, args, value, name

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Symbol:
        name = _UFUNC_NAMES.get(ufunc.__name__)
        if name is None or method != "__call__" or options:
            known = ", ".join(f"np.{n}" for n in OPERATIONS if n != "erf")
            raise ArgumentError(
                f"a kernel expression cannot use np.{ufunc.__name__}"
                f"{'.' + method if method != '__call__' else ''}"
                f"{' with ' + ', '.join(options) if options else ''}"
                f"{did_you_mean(ufunc.__name__, OPERATIONS)} (known: {known}, fastnn.erf)"
            )
        return apply(name, *args)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Symbol:
        if function is np.where and len(args) == 3 and not options:
            return apply("where", *args)
        if function is np.clip and len(args) == 3 and not options:
            return apply("minimum", apply("maximum", args[0], args[1]), args[2])
        raise ArgumentError(
            f"a kernel expression cannot use np.{function.__name__}: only elementwise functions"
        )

    def __bool__(self) -> bool:
        raise ArgumentError(
            "a kernel expression cannot branch on its argument (if, and, or, not, min, max): "
            "write np.where(condition, a, b), np.maximum(a, b) or np.minimum(a, b)"
        )

    def __float__(self) -> float:
        raise ArgumentError(
            "a kernel expression cannot turn its argument into a number (math.exp, float): "
            "use NumPy's functions, such as np.exp(z)"
        )

    def __add__(self, other: Any) -> Symbol:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return apply("subtract", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return apply("divide", other, self)

    def __pow__(self, other: Any) -> Symbol:
        return apply("power", self, other)

    def __rpow__(self, other: Any) -> Symbol:
        return apply("power", other, self)

    def __neg__(self) -> Symbol:
        return apply("negative", self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return apply("absolute", self)

    def __and__(self, other: Any) -> Symbol:
        return apply("logical_and", self, other)

    def __rand__(self, other: Any) -> Symbol:
        return apply("logical_and", other, self)

    def __or__(self, other: Any) -> Symbol:
        return apply("logical_or", self, other)

    def __ror__(self, other: Any) -> Symbol:
        return apply("logical_or", other, self)

    def __invert__(self) -> Symbol:
        return apply("logical_not", self)

    def __gt__(self, other: Any) -> Symbol:
        return apply("greater", self, other)

    def __ge__(self, other: Any) -> Symbol:
        return apply("greater_equal", self, other)

    def __lt__(self, other: Any) -> Symbol:
        return apply("less", self, other)

    def __le__(self, other: Any) -> Symbol:
        return apply("less_equal", self, other)

    def __eq__(self, other: Any) -> Symbol:  # type: ignore[override]
        return apply("equal", self, other)

    def __ne__(self, other: Any) -> Symbol:  # type: ignore[override]
        return apply("not_equal", self, other)


def symbol(value: Any) -> Symbol:
    """Return ``value`` as a Symbol; numbers become constants, anything else is refused."""
    if isinstance(value, Symbol):
        return value
    is_scalar = isinstance(value, np.ndarray) and value.ndim == 0  # np.where of numbers
    if is_scalar or isinstance(value, (bool, int, float, np.number, np.bool_)):
        return Symbol("constant", value=float(value))
    raise ArgumentError(
        f"a kernel expression mixes its arguments with {type(value).__name__}: "
        "only numbers can be combined with them"
    )


def apply(op: str, *args: Any) -> Symbol:
    """Return the Symbol of operation ``op`` on ``args`` (Symbols or numbers)."""
    return Symbol(op, tuple(symbol(a) for a in args))


def erf(x: Any) -> Any:
    """Return the error function ``2/sqrt(pi) * integral_0^x exp(-t^2) dt``, which NumPy lacks.

    Works in kernel expressions, on numbers and on arrays of any shape (float64 result).

    >>> round(float(erf(1.0)), 6)
    0.842701
    """
    return apply("erf", x) if isinstance(x, Symbol) else _erf(x)


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
            "write a function of them around it, such as lambda z: np.tanh(z)"
        ) from None
    try:
        results = function(*(Symbol("input", name=n) for n in names))
    except TypeError as error:  # an operator such as // that Symbol does not have
        raise ArgumentError(f"not a kernel expression: {error}") from error
    if not isinstance(results, tuple):
        results = (results,)
    return build(names, [symbol(r) for r in results])


def build(inputs: Sequence[str], outputs: Sequence[Symbol]) -> Graph:
    """Return the simplified graph of ``outputs`` over the inputs named ``inputs``."""
    values: list[Value] = []
    known: dict[Value, int] = {}
    done: dict[int, int] = {}

    def add(value: Value) -> int:
        if value not in known:
            known[value] = len(values)
            values.append(value)
        return known[value]

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
            "turn them into numbers first, as in np.where(condition, 1.0, 0.0)"
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
