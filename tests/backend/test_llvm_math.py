"""Exponentials, logarithms and erf in arithmetic: how far they are from the exact values.

Measured on the grids below: at most 2.9 units in the last place (ulp) in float32 and 3.3 in
float64. The reference is NumPy in the next wider type, and Python's math for erf.
"""

import math

import numpy as np
import pytest

from fastnn.backend.compiled.llvm_math import expand
from fastnn.backend.expression import erf
from fastnn.backend.graph import trace
from tests.backend.compiled import compute, needs_compiler

NAMES = ("exp", "expm1", "tanh", "log", "log1p")
WIDER = {np.float32: np.float64, np.float64: np.longdouble}
BOUND = 3.5  # ulp
#: below it exp is 0
FLUSHED = {np.float32: 2e-38, np.float64: 4e-308}


def grid(dtype) -> np.ndarray:
    """Numbers of every size and sign by their bits, and closely where functions are delicate."""
    rng = np.random.default_rng(3)
    if dtype is np.float32:
        every = np.arange(0, 2**32, 2003, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        every = rng.integers(0, 2**64, 200_000, dtype=np.uint64).view(np.float64)
    sizes = 10.0 ** rng.uniform(-20, 3, 100_000)
    parts = [np.linspace(-745, 710, 100_001), np.linspace(-3, 3, 100_001), sizes, -sizes]
    parts += [1 + np.linspace(-0.5, 0.5, 100_001), every[np.isfinite(every)]]
    return np.concatenate([p.astype(dtype) for p in parts]).reshape(1, -1)


@pytest.fixture(scope="module")
def computed() -> dict:
    """Each function on the whole grid, in both types."""
    found = {}
    for dtype in WIDER:
        x = grid(dtype)
        functions = [lambda x, n=n: getattr(np, n)(x) for n in NAMES]
        results = compute([*functions, lambda x: erf(x)], [x], dtype)
        found |= {(n, dtype): (x, y) for n, y in zip([*NAMES, "erf"], results, strict=True)}
    return found


@needs_compiler
@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", NAMES)
def test_units_in_the_last_place(name: str, dtype, computed) -> None:
    x, found = computed[name, dtype]
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(WIDER[dtype]))
        rounded = exact.astype(dtype)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(rounded))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(rounded))
    flushed = FLUSHED[dtype] if name == "exp" else np.finfo(dtype).tiny
    normal = np.isfinite(rounded) & (abs(rounded) >= flushed)
    error = abs(found[normal] - exact[normal]) / np.spacing(abs(rounded[normal]))
    assert normal.sum() > 200_000
    assert error.max() <= BOUND, f"{error.max()} ulp at {x[normal][error.argmax()]!r}"
    small = np.isfinite(rounded) & ~normal
    error = abs(found[small] - exact[small])
    assert error.max(initial=0) <= (flushed if name == "exp" else 2 * np.nextafter(dtype(0), 1))


@needs_compiler
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1.5e-15), (np.float32, 5e-7)])
def test_erf(dtype, tolerance, computed) -> None:
    x, found = computed["erf", dtype]
    exact = np.array([math.erf(v) for v in x[0, ::7]])
    assert abs(found[0, ::7] - exact).max() <= tolerance
    assert abs(found).max() <= 1.0


@needs_compiler
@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", [-np.inf, np.inf, np.nan, 0.0, -0.0, 1e30], [0.0, np.inf, np.nan, 1, 1, np.inf]),
        ("expm1", [-np.inf, np.inf, np.nan, 0.0, 1e30], [-1.0, np.inf, np.nan, 0.0, np.inf]),
        ("tanh", [-np.inf, np.inf, np.nan, 0.0, 1e-30], [-1.0, 1.0, np.nan, 0.0, 1e-30]),
        ("log", [0.0, -0.0, -1.0, -np.inf, np.inf, np.nan, 1.0],
         [-np.inf, -np.inf, np.nan, np.nan, np.inf, np.nan, 0.0]),
        ("log1p", [-1.0, -2.0, -np.inf, np.inf, np.nan, 0.0, 1e-30],
         [-np.inf, np.nan, np.nan, np.inf, np.nan, 0.0, 1e-30]),
    ],
)  # fmt: skip
def test_limits(name: str, x: list, expected: list, dtype) -> None:
    function = getattr(np, name)
    (found,) = compute([lambda x: function(x)], [np.array([x], dtype)], dtype)
    np.testing.assert_array_equal(found, np.array([expected], dtype))


@needs_compiler
@pytest.mark.parametrize("dtype", WIDER)
def test_the_logarithm_of_numbers_below_the_normal_ones(dtype) -> None:
    x = np.finfo(dtype).smallest_subnormal * np.array([[1, 2, 3, 12345]], dtype)
    (found,) = compute([lambda x: np.log(x)], [x], dtype)
    exact = math.log(2) * np.log2(np.finfo(dtype).smallest_subnormal.astype(WIDER[dtype]))
    np.testing.assert_allclose(
        found, exact + np.log([[1, 2, 3, 12345]]), rtol=4 * np.finfo(dtype).eps
    )


@needs_compiler
@pytest.mark.parametrize("dtype", WIDER)
def test_around_the_ends_of_the_exponential(dtype) -> None:
    top = {np.float32: 88.72283, np.float64: 709.782712893384}[dtype]
    bottom = {np.float32: -86.9, np.float64: -708.0}[dtype]
    x = np.array([[top - 1e-4, np.nextafter(dtype(top), dtype(np.inf)), bottom + 1e-4]], dtype)
    (found,) = compute([lambda x: np.exp(x)], [x], dtype)
    with np.errstate(over="ignore"):
        exact = np.exp(x.astype(WIDER[dtype])).astype(dtype)
    np.testing.assert_allclose(found[0, [0, 2]], exact[0, [0, 2]], rtol=3 * np.finfo(dtype).eps)
    assert found[0, 1] == np.inf


def test_expanding_leaves_nothing_transcendental() -> None:
    graph = trace(lambda x: (erf(x) + np.exp(x), np.log(np.tanh(x)), np.log1p(np.expm1(x))))
    for t in ("float", "double"):
        left = {v.op for v in expand(graph, t).values} & {"erf", *NAMES}
        assert left == set()
    same = trace(lambda x, y: (x * y + 1, np.sqrt(x)))
    assert expand(same, "float") == same
