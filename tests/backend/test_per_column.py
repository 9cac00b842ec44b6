"""What depends on the column alone is computed once per column, and means the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.compiled.per_column import hoist_rows
from fastnn.backend.graph import trace
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Apply
from tests.backend.compiled import needs_compiler, run


def operations(graph) -> list[str]:
    return [v.op for v in graph.values if v.args]


def test_the_logarithm_of_a_row_is_taken_once_per_column() -> None:
    graph = trace(lambda z, total, rate: (z - np.log(total)) * (rate / total) + np.exp(z))
    parts = hoist_rows(graph, ["full", "row", "scalar"])
    assert parts is not None
    assert sorted(operations(parts.first)) == ["divide", "log"]
    assert parts.first_inputs == (1, 2)
    assert "log" not in operations(parts.rest)
    assert "divide" not in operations(parts.rest)
    assert parts.rest_inputs == (0,), "the row itself is not needed any more"
    z, total, rate = np.array([0.5, 2.0]), np.array([3.0, 4.0]), 0.1
    made = parts.first.evaluate(total, rate)
    np.testing.assert_allclose(
        parts.rest.evaluate(z, *made)[0], graph.evaluate(z, total, rate)[0], rtol=1e-15
    )


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (lambda z, b: np.tanh(z + b), ["full", "column"]),
        (lambda z, b: np.tanh(z + b), ["full", "row"]),  # nothing to compute from the row alone
        (lambda z, rate: z * np.exp(rate), ["full", "scalar"]),
        (lambda z, x: np.exp(z) + np.exp(x), ["full", "transposed"]),
        (lambda z, x: (z, x), ["full", "row"]),
        (lambda z, x: z + np.where(x > 0, z, 1.0), ["full", "row"]),  # a truth value stays
    ],
)
def test_nothing_is_hoisted_without_need(function, kinds) -> None:
    assert hoist_rows(trace(function), kinds) is None


def test_truth_values_do_not_go_through_memory() -> None:
    # As numbers, two of them would add up to 2.
    graph = trace(lambda z, x, y: z + ((np.exp(x) > 1) + (y > 0)))
    parts = hoist_rows(graph, ["full", "row", "row"])
    assert parts is not None
    assert operations(parts.first) == ["exp"]
    x, y = np.array([-1.0, 1.0]), np.array([1.0, 1.0])
    assert parts.rest.evaluate(0.0, y, *parts.first.evaluate(x))[0].tolist() == [1.0, 1.0]


def test_a_name_of_the_user_is_not_in_the_way() -> None:
    def function(column0, column1, column2):
        return column0 + np.exp(column1) * np.log(column2) - column2

    graph, values = trace(function), (0.5, 2.0, 3.0)
    parts = hoist_rows(graph, ["full", "row", "row"])
    assert parts is not None
    first = parts.first.evaluate(*(values[i] for i in parts.first_inputs))
    rest = parts.rest.evaluate(*(values[i] for i in parts.rest_inputs), *first)
    assert rest[0] == pytest.approx(function(*values), rel=1e-15)


@needs_compiler
@settings(max_examples=40)
@given(data=st.data())
def test_hoisted_kernels_compute_the_same(expressions, data) -> None:
    trees = [data.draw(expressions.trees(3)) for _ in range(data.draw(st.integers(1, 2)))]
    graph = trace(lambda a, b, c: tuple(expressions.interpret(t, a, b, c) for t in trees))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    shapes = data.draw(st.permutations([(4, 9), (1, 9), (1, 9)]))
    args = [rng.standard_normal(s) for s in shapes]
    outs = [np.full((4, 9), np.nan) for _ in graph.outputs]
    run([Apply(Kernel("random", graph), tuple(args), tuple(outs))])
    for found, wanted in zip(outs, graph.evaluate(*args), strict=True):
        np.testing.assert_allclose(found, np.broadcast_to(wanted, (4, 9)), rtol=1e-12, atol=1e-14)
