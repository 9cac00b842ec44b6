"""What the notes show, shown by the library's own layers."""

import math

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.derivative import derivative
from fastnn.backend.graph import trace
from fastnn.backend.kernel import Kernel
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.step import Data

XP = CpuBackend()


def test_n1_forward_by_hand() -> None:
    # two inputs (1, 2); relu(1*1 + 1*2 - 1, -1*1 - 1*2) = (2, 0); 3*2 + 5*0 + 0.5 = 6.5
    net = network([2, 2, 1])
    p = Parameters(net, XP, np.float64)
    p.W[0][:], p.b[0][:] = [[1, 1], [-1, -1]], [[-1], [0]]
    p.W[1][:], p.b[1][:] = [[3, 5]], [[0.5]]
    assert EvaluationPlan(XP, net, p).predict(np.array([[1.0, 2.0]])).tolist() == [[6.5]]


def test_n7_logistic_regression_is_the_network_without_a_hidden_layer(make, rng) -> None:
    net = network([4, 1], loss_function="binary_crossentropy")
    data, p = make.data(net, 30), make.parameters(net)
    plan = make.plan(net, data, "gradient_descent", 30, parameters=p)
    w, b = p.W[0][0].tolist(), p.b[0].item()
    X, y = data.X.T.tolist(), data.Y[:, 0].tolist()
    for _ in range(20):  # the textbook loop beside the plan
        J, dw, db = reference.logistic_regression_gradient(X, y, w, b)
        (found,) = plan.run_epoch(np.arange(30), np.array([0.3]))
        assert found == pytest.approx(J, rel=1e-12)
        w = [wi - 0.3 * di for wi, di in zip(w, dw, strict=True)]
        b -= 0.3 * db
    np.testing.assert_allclose(p.W[0][0], w, rtol=1e-12)
    assert p.b[0].item() == pytest.approx(b, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "output"), [("binary_crossentropy", "sigmoid"), ("squared_error", "sigmoid")]
)
def test_n12_the_two_forms_of_the_output_delta(make, loss, output) -> None:
    net = network([3, 2], loss_function=loss, output_activation=output)
    p = make.parameters(net)
    data = Data(make.data(net, 8).X, np.tile([[0.0, 1.0]], (8, 1)))
    A = EvaluationPlan(XP, net, p).predict(data.X)
    delta = A - data.Y  # cross-entropy: dZ = A - Y
    if loss == "squared_error":  # squared error: dZ = (A - Y) g'(Z)
        delta = delta * A * (1 - A)
    plan = GradientPlan(XP, net, p, data)
    plan.cost_and_gradient()
    np.testing.assert_allclose(plan.dW[0], delta.T @ data.X / 8, rtol=1e-12)  # N14
    np.testing.assert_allclose(plan.db[0][:, 0], delta.sum(axis=0) / 8, rtol=1e-12)


def test_n12_cross_entropy_learns_from_a_confident_mistake_and_squared_error_does_not() -> None:
    slopes = {}
    for loss in ("binary_crossentropy", "squared_error"):
        net = network([1, 1], loss_function=loss, output_activation="sigmoid")
        p = Parameters(net, XP, np.float64)
        p.b[0][:] = 10.0  # a = 0.99995, and the target is 0
        plan = GradientPlan(XP, net, p, Data(np.zeros((1, 1)), np.zeros((1, 1))))
        plan.cost_and_gradient()
        slopes[loss] = plan.db[0].item()
    assert slopes["binary_crossentropy"] == pytest.approx(1.0, abs=1e-4)
    assert slopes["squared_error"] < 1e-4


def test_n15_the_computation_graph_is_printed_and_differentiated() -> None:
    J = Kernel("J", lambda a, b, c: 3 * (a + b * c))
    assert str(J).splitlines()[1:] == [
        "    t1 = b * c",
        "    t2 = a + t1",
        "    t3 = 3 * t2",
        "    return t3",
    ]
    found = [float(J.derivative(name)(5.0, 3.0, 2.0)) for name in "abc"]
    assert (float(J(5.0, 3.0, 2.0)), *found) == reference.computation_graph(5.0, 3.0, 2.0)


def test_n16_the_limit_definition() -> None:
    f = trace(lambda z: np.tanh(z * z))
    slope, z = float(derivative(f).evaluate(0.7)[0]), 0.7
    errors = []
    for h in (1e-1, 1e-2, 1e-3):
        numeric = (f.evaluate(z + h)[0] - f.evaluate(z - h)[0]) / (2 * h)
        errors.append(abs(numeric - slope))
    # the error of the two-sided difference falls with h squared
    assert errors[1] / errors[0] == pytest.approx(1e-2, rel=0.2)
    assert errors[2] / errors[1] == pytest.approx(1e-2, rel=0.2)


@pytest.mark.parametrize(("factor", "L"), [(1.5, 10), (0.5, 10), (1.5, 50), (0.5, 50), (1.0, 50)])
def test_n20_signals_and_gradients_explode_or_vanish(factor: float, L: int) -> None:
    # W[l] = 1.5 I or 0.5 I: after L layers the input is multiplied by 1.5^L or 0.5^L,
    # and so is what comes back.
    net = network([2] * (L + 1), activation="identity")
    p = Parameters(net, XP, np.float64)
    for W in p.W:
        W[:] = factor * np.eye(2)
    X = np.array([[1.0, -2.0]])
    A = EvaluationPlan(XP, net, p).predict(X)
    np.testing.assert_allclose(A, X * factor**L, rtol=1e-12)
    # With the target 0, dJ/dA[L] = A[L]; the gradient of the first bias has passed L - 1 layers.
    plan = GradientPlan(XP, net, p, Data(X, np.zeros((1, 2))))
    plan.cost_and_gradient()
    np.testing.assert_allclose(plan.db[0], A.T * factor ** (L - 1), rtol=1e-12)


@pytest.mark.parametrize(
    ("activation", "initializer", "low", "high"),
    [
        ("tanh", "normal(scale=0.05)", 0.0, 1e-3),  # vanishes
        ("relu", "he_normal", 0.3, 3.0),  # keeps its size
        ("selu", "lecun_normal", 0.3, 3.0),
        ("identity", "glorot_normal", 0.3, 3.0),
        ("relu", "normal(scale=1)", 1e3, math.inf),  # explodes
    ],
)
def test_n21_to_n23_the_right_variance_keeps_the_signal(activation, initializer, low, high) -> None:
    net = network([100] * 11, activation=activation)
    p = Parameters(net, XP, np.float64)
    initialize(net, p, XP, initializer=initializer, seed=0)
    X = np.random.default_rng(0).standard_normal((200, 100))
    size = np.sqrt((EvaluationPlan(XP, net, p).predict(X) ** 2).mean())
    assert low <= size <= high


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
def test_n24_from_zero_all_hidden_units_stay_equal(make, activation, optimizer) -> None:
    net = network([3, 5, 1], activation=activation, loss_function="binary_crossentropy")
    data = make.data(net, 20)
    p = Parameters(net, XP, np.float64)
    initialize(net, p, XP, initializer="zero")
    plan = make.plan(net, data, optimizer, 20, parameters=p)
    for _ in range(30):
        plan.run_epoch(np.arange(20), np.array([0.5]))
    W1, b1, W2 = p.W[0], p.b[0], p.W[1]
    np.testing.assert_allclose(W1, np.tile(W1[:1], (5, 1)), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(b1, np.tile(b1[:1], (5, 1)), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(W2, np.tile(W2[:, :1], (1, 5)), rtol=1e-9, atol=1e-12)
    assert abs(p.b[1]).max() > 0.0, "it does learn: the bias of the output"
    initialize(net, p, XP, initializer="glorot_uniform")
    plan.run_epoch(np.arange(20), np.array([0.5]))
    assert np.ptp(p.W[0], axis=0).min() > 1e-3, "drawn at random they differ"


def test_n24_relu_from_zero_does_not_move_at_all(make) -> None:
    net = network([3, 5, 1], loss_function="binary_crossentropy")
    p = Parameters(net, XP, np.float64)
    plan = make.plan(net, make.data(net, 20), batch_size=20, parameters=p)
    for _ in range(10):
        plan.run_epoch(np.arange(20), np.array([0.5]))
    assert not any(W.any() for W in p.W)


def test_n25_full_batch_gradient_descent_goes_down_every_step_until_it_converges(make) -> None:
    net = network([2, 1])
    data = make.data(net, 40)
    p = make.parameters(net)
    plan = make.plan(net, data, batch_size=40, parameters=p)
    costs = [plan.run_epoch(np.arange(40), np.array([0.2]))[0] for _ in range(400)]
    assert (np.diff(costs) <= 1e-15).all()
    # the least-squares solution, by the normal equations
    X1 = np.hstack([data.X, np.ones((40, 1))])
    expected = np.linalg.lstsq(X1, data.Y, rcond=None)[0].ravel()
    np.testing.assert_allclose([*p.W[0].ravel(), *p.b[0].ravel()], expected, rtol=1e-9)
