"""Elementwise kernels: plain NumPy expressions of scalars, and the symbols that trace them.

A kernel is an ordinary function such as ``lambda z: np.tanh(z)``. Called with arrays it is NumPy.
Called with the symbols of this module it leaves a `graph`: the operations that it stands for.

>>> z = Symbol("input", name="z")
>>> (1 / (1 + np.exp(-z))).op
'divide'
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
                f"{did_you_mean(ufunc.__name__, OPERATIONS)} (known: {known}, fastnn.erf)",
                argument="function",
            )
        return apply(name, *args)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Symbol:
        if function is np.where and len(args) == 3 and not options:
            return apply("where", *args)
        if function is np.clip and len(args) == 3 and not options:
            return apply("minimum", apply("maximum", args[0], args[1]), args[2])
        raise ArgumentError(
            f"a kernel expression cannot use np.{function.__name__}: only elementwise functions",
            argument="function",
        )

    def __bool__(self) -> bool:
        raise ArgumentError(
            "a kernel expression cannot branch on its argument (if, and, or, not, min, max): "
            "write np.where(condition, a, b), np.maximum(a, b) or np.minimum(a, b)",
            argument="function",
        )

    def __float__(self) -> float:
        raise ArgumentError(
            "a kernel expression cannot turn its argument into a number (math.exp, float): "
            "use NumPy's functions, such as np.exp(z)",
            argument="function",
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
        "only numbers can be combined with them",
        argument="function",
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
