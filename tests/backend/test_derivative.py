"""Every rule of the chain rule against central differences and PyTorch's autograd."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.derivative import RULES, derivative, sensitivities
from fastnn.backend.expression import OPERATIONS, erf
from fastnn.backend.graph import Graph, trace
from fastnn.errors import ArgumentError

POINTS = np.array([-1.7, -0.6, -0.2, 0.3, 0.9, 2.1])
POSITIVE = np.array([0.1, 0.4, 0.8, 1.3, 2.0, 5.0])

# One example of every differentiable operation, and where to look at it.
EXAMPLES = {
    "negative": (lambda x: -x, POINTS),
    "absolute": (lambda x: abs(x), POINTS),
    "square": (lambda x: np.square(x), POINTS),
    "sqrt": (lambda x: np.sqrt(x), POSITIVE),
    "exp": (lambda x: np.exp(x), POINTS),
    "expm1": (lambda x: np.expm1(x), POINTS),
    "log": (lambda x: np.log(x), POSITIVE),
    "log1p": (lambda x: np.log1p(x), POSITIVE),
    "tanh": (lambda x: np.tanh(x), POINTS),
    "sin": (lambda x: np.sin(x), POINTS),
    "cos": (lambda x: np.cos(x), POINTS),
    "erf": (lambda x: erf(x), POINTS),
    "add": (lambda x, y: x + y, POINTS),
    "subtract": (lambda x, y: x - y, POINTS),
    "multiply": (lambda x, y: x * y, POINTS),
    "divide": (lambda x, y: x / y, POINTS),
    "power": (lambda x, y: x**y, POSITIVE),
    "maximum": (lambda x, y: np.maximum(x, y), POINTS),
    "minimum": (lambda x, y: np.minimum(x, y), POINTS),
    "where": (lambda x, y: np.where(x > 0.1, np.sin(x) * y, x * np.cos(y)), POINTS),
}


def test_every_operation_has_a_rule() -> None:
    assert set(RULES) == set(OPERATIONS)
    steps = {row.name for row in OPERATIONS.values() if row.boolean} | {"sign"}
    assert set(EXAMPLES) == set(OPERATIONS) - steps


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_against_central_differences(name: str) -> None:
    function, x = EXAMPLES[name]
    graph = trace(function)
    arguments = [x, POSITIVE[::-1] * 0.7 + 0.05][: len(graph.inputs)]
    h = 1e-6
    for wrt in range(len(arguments)):
        up, down = [a.copy() for a in arguments], [a.copy() for a in arguments]
        up[wrt] += h
        down[wrt] -= h
        numeric = (graph.evaluate(*up)[0] - graph.evaluate(*down)[0]) / (2 * h)
        found = np.broadcast_to(derivative(graph, wrt).evaluate(*arguments)[0], x.shape)
        np.testing.assert_allclose(found, numeric, rtol=1e-8, atol=1e-8)


def run_by_torch(torch, graph: Graph, *tensors):
    """Evaluate a graph with PyTorch's functions; they have NumPy's names, but for two."""
    results = []
    for v in graph.values:
        if v.op == "input":
            results.append(tensors[graph.inputs.index(v.name)])
        elif v.op == "constant":
            results.append(torch.tensor(v.value, dtype=torch.float64))
        else:
            function = getattr(torch, {"equal": "eq", "power": "pow"}.get(v.op, v.op))
            args = [results[a] for a in v.args]
            if v.op == "where":
                args[0] = args[0] != 0
            results.append(function(*args))
    return results[graph.outputs[0]]


@settings(max_examples=100)
@given(data=st.data())
def test_random_expressions_against_autograd(expressions, data) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    tree = data.draw(expressions.trees(2))
    x, y = np.array([0.3137, -1.234, 2.7183]), np.array([-0.5772, 1.6181, 0.9159])
    graph = trace(lambda x, y: expressions.interpret(tree, x, y))
    tensors = [torch.tensor(v, requires_grad=True) for v in (x, y)]
    total = (run_by_torch(torch, graph, *tensors) + 0 * sum(tensors)).sum()
    slopes = torch.autograd.grad(total, tensors)
    if at_a_kink(graph, x, y):
        return
    for wrt, slope in enumerate(slopes):
        found = np.broadcast_to(derivative(graph, wrt).evaluate(x, y)[0], x.shape)
        np.testing.assert_allclose(found, slope.numpy(), rtol=1e-9, atol=1e-9)


def at_a_kink(graph: Graph, x: np.ndarray, y: np.ndarray, h: float = 1e-7) -> bool:
    """Whether the slope jumps within h: the libraries may take different sides there."""
    here = graph.evaluate(x, y)[0]
    return any(
        np.max(abs(graph.evaluate(x + d, y + e)[0] - 2 * here + graph.evaluate(x - d, y - e)[0]))
        > 1e-9
        for d, e in ((h, 0.0), (0.0, h), (h, h))
    )


def test_the_notes_example() -> None:  # N15: J = 3 (a + b c) at (5, 3, 2)
    J = trace(lambda a, b, c: 3 * (a + b * c))
    assert J.evaluate(5.0, 3.0, 2.0) == (33.0,)
    assert str(derivative(J, "a")) == "return 3"
    assert str(derivative(J, "b")) == "t1 = 3 * c\nreturn t1"
    assert str(derivative(J, "c")) == "t1 = 3 * b\nreturn t1"


@pytest.mark.parametrize(
    ("function", "at_zero"),
    [
        (lambda z: np.maximum(z, 0.0), 0.0),  # N4: ReLU has slope 0 at 0
        (lambda z: np.maximum(0.0, z), 1.0),
        (lambda z: np.minimum(z, 0.0), 0.0),
        (lambda z: abs(z), 0.0),
        (lambda z: np.sign(z), 0.0),
        (lambda z: np.where(z > 0, z, 0.1 * z), 0.1),
        (lambda z: np.where(z >= 0, z, 0.1 * z), 1.0),
        (lambda z: z**3, 0.0),
        (lambda z: (z > 0) * z, 0.0),
        (lambda z: 7.0, 0.0),
    ],
)
def test_the_slope_at_a_kink_is_that_of_the_branch_taken(function, at_zero) -> None:
    assert float(derivative(function).evaluate(0.0)[0]) == pytest.approx(at_zero)


def test_a_second_derivative() -> None:
    second = derivative(derivative(lambda z: np.tanh(z)))
    a = math.tanh(0.4)
    assert float(second.evaluate(0.4)[0]) == pytest.approx(-2 * a * (1 - a * a), rel=1e-14)


def test_a_derivative_is_a_simple_graph() -> None:
    # 1 - tanh^2, with tanh computed once
    assert [v.op for v in derivative(lambda z: np.tanh(z)).values].count("tanh") == 1
    assert len(derivative(lambda z: 3 * z + 1).values) == 1


@pytest.mark.parametrize("wrt", ["c", 2, -1])
def test_an_unknown_input_is_refused(wrt) -> None:
    with pytest.raises(ArgumentError, match=r"wrt=.* is not an input of the expression: a, b"):
        derivative(lambda a, b: a + b, wrt)


def test_several_outputs_are_refused() -> None:
    with pytest.raises(ArgumentError, match="the derivative is of one output, found 2"):
        derivative(lambda a: (a, 2 * a))
    assert isinstance(derivative(lambda a: a), Graph)


def test_the_sensitivity_of_every_value() -> None:
    """J = (x y)^2 + x at (2, 3): u = 6, v = 36; dJ/du = 2u, dJ/dx = 2u y + 1, dJ/dy = 2u x."""
    graph = trace(lambda x, y: (x * y) ** 2 + x)
    found = dict(
        zip(
            (v.name or v.op for v in graph.values),
            (float(d) for d in sensitivities(graph).evaluate(2.0, 3.0)),
            strict=True,
        )
    )
    assert found == {"x": 37.0, "y": 24.0, "multiply": 12.0, "square": 1.0, "add": 1.0}


@pytest.mark.parametrize("name", EXAMPLES)
def test_sensitivities_of_the_inputs_are_the_derivatives(name: str) -> None:
    function, x = EXAMPLES[name]
    graph = trace(function)
    arguments = [x, POSITIVE[::-1]][: len(graph.inputs)]
    every = sensitivities(graph).evaluate(*arguments)
    for i, v in enumerate(graph.values):
        if v.op == "input":
            expected = derivative(graph, v.name).evaluate(*arguments)[0]
            np.testing.assert_array_equal(np.broadcast_to(every[i], x.shape), expected + 0 * x)


def test_sensitivities_are_of_one_output() -> None:
    with pytest.raises(ArgumentError, match="of one output, found 2"):
        sensitivities(trace(lambda x: (x, x * x)))
