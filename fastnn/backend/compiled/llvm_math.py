"""Exponentials and logarithms written out in arithmetic, for compiled loops.

A call of the C library costs twenty times as much as the loop around it and stops vectorisation.
So each function is an expression itself: range reduction, then a polynomial, within a few units
in the last place of the exact value (`tests/backend/test_llvm_math.py` measures how many). Two
things that nobody asks of a training step are left out: an exponential below about 2e-38
(float64: 4e-308) becomes 0, and zeros lose their sign.

Four operations exist here only: ``rint``, ``pow2`` (2^k of a whole number), ``mantissa`` and
``exponent`` (x = m 2^e, m in [sqrt(1/2), sqrt(2))).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn.backend.erf import _ERFC, _ERFC_FLOAT32, erf_expression
from fastnn.backend.expression import Symbol, apply
from fastnn.backend.graph import Graph, build

_LN2_HIGH = {"float": 0.693359375, "double": 0.6931471803691238}
_LN2_LOW = {"float": -2.12194440e-4, "double": 1.9082149292705877e-10}
_EXP_TERMS = {"float": 7, "double": 13}
_LOG_TERMS = {"float": 5, "double": 11}
# Within them 2^(k - 1) is a normal number.
_EXP_LIMITS = {"float": (-86.9, 88.72283), "double": (-708.0, 709.782712893384)}
_TANH_LIMIT = {"float": 9.5, "double": 20.0}
# The smallest normal number, and a power of two that makes normal ones of all below it.
_TINY = {"float": 2.0**-126, "double": 2.0**-1022}
_LIFT = {"float": 32, "double": 64}
#: integer type, bits of the mantissa, bias of the exponent
BITS = {"float": ("i32", 23, 127), "double": ("i64", 52, 1023)}


def _expm1_reduced(x: Any, t: str) -> tuple[Any, Any]:
    """Return (e^r - 1, 2^k / 2) with x = k ln 2 + r: Taylor's series, below 1 ulp off."""
    k = apply("rint", x * (1 / math.log(2)))
    r = (x - k * _LN2_HIGH[t]) - k * _LN2_LOW[t]
    n = _EXP_TERMS[t]
    p: Any = 1.0 / math.factorial(n)
    for i in range(n - 1, 0, -1):
        p = p * r + 1.0 / math.factorial(i)
    return p * r, apply("pow2", k - 1.0)


def _exp(x: Any, t: str) -> Any:
    low, high = _EXP_LIMITS[t]
    p, half = _expm1_reduced(np.minimum(np.maximum(x, low), high), t)
    value = (p + 1.0) * 2.0 * half
    return np.where(x > high, math.inf, np.where(x < low, 0.0, value))


def _expm1(x: Any, t: str) -> Any:
    low, high = _EXP_LIMITS[t]
    p, half = _expm1_reduced(np.minimum(np.maximum(x, low), high), t)
    value = 2.0 * (p * half + (half - 0.5))
    return np.where(x > high, math.inf, value)


def _tanh(x: Any, t: str) -> Any:
    e = _expm1(2.0 * np.minimum(abs(x), _TANH_LIMIT[t]), t)
    a = e / (e + 2.0)
    return np.where(x < 0, -a, a)


def _log(x: Any, t: str) -> Any:
    """log(x) of all numbers; those below the normal ones are lifted first."""
    small = x < _TINY[t]
    lifted = np.where(small, x * 2.0 ** _LIFT[t], x)
    return _log_normal(lifted, t, np.where(small, float(_LIFT[t]), 0.0))


def _log_normal(x: Any, t: str, lift: Any = 0.0) -> Any:
    """log(2^e m) = e ln 2 + log m, m near 1; log m = 2 artanh((m - 1) / (m + 1))."""
    m, e = apply("mantissa", x), apply("exponent", x) - lift
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    n = _LOG_TERMS[t]
    p: Any = 1.0 / (2 * n + 1)
    for i in range(n - 1, -1, -1):
        p = p * s2 + 1.0 / (2 * i + 1)
    value = e * _LN2_HIGH[t] + (e * _LN2_LOW[t] + 2.0 * s * p)
    value = np.where(x > 0, value, np.where(x == 0, -math.inf, math.nan))
    return np.where(x < math.inf, value, x)  # infinity and NaN stay


def _log1p(x: Any, t: str) -> Any:
    """log(u) of u = 1 + x as rounded, and what the rounding lost: (x - (u - 1)) / u."""
    u = 1.0 + x
    value = _log_normal(u, t)
    near = np.where(u < math.inf, value - ((u - 1.0) - x) / u, u)
    return np.where(abs(x) < 1e-20, x, np.where(u > 0, near, value))


_EXPANSIONS: dict[str, Callable[[Any, str], Any]] = {
    "exp": _exp,
    "expm1": _expm1,
    "tanh": _tanh,
    "log": _log,
    "log1p": _log1p,
}


@lru_cache(maxsize=256)  # the short last batch has the kernels of the others
def expand(graph: Graph, t: str) -> Graph:
    """Return ``graph`` with transcendental functions written out for LLVM type ``t``."""
    coefficients = _ERFC_FLOAT32 if t == "float" else _ERFC
    for ops in ({"erf"}, set(_EXPANSIONS)):
        if not any(v.op in ops for v in graph.values):
            continue
        nodes: list[Symbol] = []
        for v in graph.values:
            args = tuple(nodes[a] for a in v.args)
            if v.op in ops:
                new = (
                    erf_expression(args[0], coefficients)
                    if v.op == "erf"
                    else _EXPANSIONS[v.op](args[0], t)
                )
                nodes.append(new)
            else:
                nodes.append(Symbol(v.op, args, v.value, v.name))
        graph = build(graph.inputs, [nodes[o] for o in graph.outputs])
    return graph
