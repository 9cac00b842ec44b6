"""Sums of scaled arrays in one pass: where they are found, and that they are the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastnn.backend.graph import trace
from fastnn.backend.host.blas import find_blas
from fastnn.backend.numpy import scaled_sums as module
from fastnn.backend.numpy.elementwise import BLOCK, lower
from fastnn.backend.numpy.scaled_sums import sums_in_place
from fastnn.backend.numpy.scratch import Scratch
from fastnn.nn.optimizers import OPTIMIZERS, optimizer

N = 2 * BLOCK + 17
needs_axpby = pytest.mark.skipif(
    not getattr(find_blas(), "axpby", {}).get("float"), reason="NumPy's BLAS has no saxpby by name"
)


def arrays(dtype: str, *names: str) -> dict[str, np.ndarray]:
    """Long arrays; what is written in capitals is a number."""
    rng = np.random.default_rng(0)
    return {n: rng.uniform(0.5, 1.5, 1 if n.isupper() else N).astype(dtype) for n in names}


#: an expression, where its outputs go, and how many sums are found
CASES: dict[str, tuple[Callable[..., Any], tuple[str, ...], int]] = {
    "moment": (lambda v, g, B, R: B * v + R * g, ("v",), 1),
    "the other way round": (lambda v, g, B, R: R * g + v * B, ("v",), 1),
    "plus": (lambda p, g, R: p + R * g, ("p",), 1),
    "plus, turned": (lambda p, g, R: R * g + p, ("p",), 1),
    "minus": (lambda p, g, R: p - R * g, ("p",), 1),
    "minus, scaled": (lambda p, g, K, R: p * K - R * g, ("p",), 1),
    "of what was computed": (lambda p, g, R: p - R * np.tanh(g), ("p",), 1),
    "of a choice": (lambda p, g, R: p - R * np.where(g > 1.0, g, 0.0), ("p",), 1),
    "with a constant": (lambda p, g: p * 0.5 + 2.0 * g, ("p",), 1),
    "two": (lambda p, v, g, B, R: (p - R * (v * g), B * v + R * g), ("p", "v"), 2),
    "one after the other": (
        lambda p, v, g, B, R: (p - R * (B * v + R * g), B * v + R * g), ("p", "v"), 2,
    ),
    "from the right": (lambda p, g, R: R * g - p, ("p",), 0),
    "elsewhere": (lambda p, g, R: p + R * g, ("o",), 0),
    "needed later": (lambda p, g, R: (p + R * g, p * g), ("p", "o"), 0),
    "a product that is used twice": (lambda p, g, R: p + (R * g) + np.exp(R * g), ("p",), 0),
    "no number": (lambda p, g: p + g * g, ("p",), 0),
    "of itself": (lambda p, R: p + R * p, ("p",), 1),
    "of another output": (lambda p, v, g, R: (p + R * v, v + R * p), ("p", "v"), 0),
    "not a sum": (lambda p, g, R: (p + R * g) * 2.0, ("p",), 0),
}  # fmt: skip


@needs_axpby
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_those_of_the_expression(case: str, dtype: str) -> None:
    function, places, n_found = CASES[case]
    graph = trace(function)
    given = arrays(dtype, *graph.inputs, "o")
    wanted = graph.evaluate(*(given[n].copy() for n in graph.inputs))
    outs = [given[n] for n in places]
    found = sums_in_place(graph, given, outs)
    assert len(found) == n_found
    for call in lower(graph, [given[n] for n in graph.inputs], outs, scratch := Scratch())():
        call()
    assert len(scratch.memory) < 6
    for a, b in zip(outs, wanted, strict=True):
        # A product and a sum may be rounded once instead of twice.
        near = {"float32": 3e-7, "float64": 5e-16}[dtype]
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


@needs_axpby
@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_updates_of_optimizers(name: str) -> None:
    """Most of an update is such sums: as many as it has moments, and the step itself."""
    rule = optimizer(name)
    graph = rule.kernel.graph
    row = rule.coefficients(np.array([3.0]), np.array([0.1]), None)[0]
    n_arrays = len(graph.inputs) - len(row)
    rng = np.random.default_rng(0)
    given = [rng.uniform(0.5, 1.5, N) for _ in range(n_arrays)] + [
        row[k : k + 1] for k in range(len(row))
    ]
    wanted = graph.evaluate(*(a.copy() for a in given))
    outs = [given[0], *given[2:n_arrays]]
    for call in lower(graph, given, outs, Scratch())():
        call()
    for a, b in zip(outs, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)
    if "adam" in name:
        assert len(sums_in_place(graph, dict(zip(graph.inputs, given, strict=True)), outs)) == 3


@needs_axpby
def test_short_arrays_stay_with_numpy() -> None:
    graph = trace(lambda p, g, R: p + R * g)
    p, g, R = np.zeros(BLOCK), np.ones(BLOCK), np.array([0.5])
    assert len(lower(graph, [p, g, R], [p], Scratch())()) == 2
    assert len(lower(graph, [*map(np.ones, (N, N)), R], [np.ones(N)], Scratch())()) == 6


@needs_axpby
def test_arrays_with_gaps_are_left_to_numpy() -> None:
    graph, R = trace(lambda p, g, R: p + R * g), np.array([0.5])
    p, g = np.zeros((300, 400))[:, ::2], np.ones((300, 200))
    for call in lower(graph, [p, g, R], [p], Scratch())():
        call()
    assert (p == 0.5).all()
    assert sums_in_place(graph, {"p": g, "g": p, "R": R}, [g]) == {}


@needs_axpby
def test_a_wrong_number_comes_through() -> None:
    graph = trace(lambda p, g, R: p - R * g)
    p, g, R = np.zeros(N), np.ones(N), np.array([0.5])
    g[5], g[7], p[9] = np.nan, np.inf, np.nan
    for call in lower(graph, [p, g, R], [p], Scratch())():
        call()
    assert np.flatnonzero(~np.isfinite(p)).tolist() == [5, 7, 9]


def test_without_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_function", lambda dtype: None)
    graph = trace(lambda p, g, R: p - R * g)
    p, g, R = np.zeros(N), np.ones(N), np.array([0.5])
    assert sums_in_place(graph, {"p": p, "g": g, "R": R}, [p]) == {}
    for call in lower(graph, [p, g, R], [p], Scratch())():
        call()
    assert (p == -0.5).all()
