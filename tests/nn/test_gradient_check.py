"""Back-propagation against the limit definition (N16), over every combination that makes sense."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.gradient_check import gradient_check, numeric_derivative
from fastnn.nn.initializers import INITIALIZERS
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize

XP = CpuBackend()
PENALTIES = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.3), (0.5, 0.3)]
OUTPUTS = [
    (row.name, output)
    for row in LOSSES
    for output in ([None] if row.from_logits else [n for n in ACTIVATIONS.names if n != "softmax"])
]


def targets(make, net, n: int = 6):
    data = make.data(net, n)
    return data.X, data.Y


@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_every_loss_on_every_output_it_takes(make, loss, output) -> None:
    net = network([3, 4, 2], activation="tanh", output_activation=output, loss_function=loss)
    for weights in (None, np.array([[0.5], [1.0], [2.0], [0.0], [1.5], [3.0]])):
        check = gradient_check(net, *targets(make, net), weights=weights)
        assert check.relative_error <= 1e-6, check


@pytest.mark.parametrize("loss", ["mse(factor=2)", "binary_crossentropy(factor=0.25)"])
@pytest.mark.parametrize("directions", [None, 3])
def test_a_loss_times_a_factor_and_layers_without_bias(make, loss, directions) -> None:
    net = network(
        [3, 4, 4, 2], activation="tanh", loss_function=loss, use_bias=[True, False, False]
    )
    check = gradient_check(net, *targets(make, net), directions=directions)
    assert check.relative_error <= 1e-6, check
    if directions is None:
        assert list(check.errors) == ["W[1]", "W[2]", "W[3]", "b[1]"]


@pytest.mark.parametrize("loss", LOSSES.names)
@pytest.mark.parametrize("g", ACTIVATIONS.names)
def test_activation_loss_penalty_initializer(make, g: str, loss: str) -> None:
    """Along the gradient, turned a little: a mistake in any parameter shows."""
    net = network([3, 4, 3, 2], activation=g, loss_function=loss)
    data, rng = make.data(net, 6), np.random.default_rng(0)
    p = Parameters(net, XP, np.float64)
    plans = [GradientPlan(XP, net, p, data, l2=l2, l1=l1) for l2, l1 in PENALTIES]
    biases = rng.uniform(-0.5, 0.5, p.layout.size - p.layout.n_weights)
    for row, plan in itertools.product(INITIALIZERS, plans):
        initialize(net, p, XP, initializer=row.name, seed=1)
        p.theta[p.layout.n_weights :] = biases
        p.theta *= 0.5  # tanh's Xavier gain of 4 makes exponentials overflow
        _, gradient = plan.cost_and_gradient()
        g_unit = gradient / np.linalg.norm(gradient)
        turn = rng.standard_normal(g_unit.shape)
        d = g_unit + 0.5 * turn / np.linalg.norm(turn)
        analytic = gradient @ d
        numeric = numeric_derivative(plan, p.theta, d, 1e-6)
        error = abs(analytic - numeric) / (abs(analytic) + abs(numeric))
        assert error <= 1e-6, (row.name, plan, analytic, numeric)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(("l2", "l1"), PENALTIES)
@pytest.mark.parametrize("g", ACTIVATIONS.names)
def test_every_parameter_of_every_activation_and_penalty(make, g, l2, l1, dropout) -> None:
    net = network([3, 4, 2], activation=g, dropout=dropout)
    check = gradient_check(net, *targets(make, net), l2=l2, l1=l1)
    assert check.relative_error <= 1e-6, check
    assert set(check.errors) == {"W[1]", "W[2]", "b[1]", "b[2]"}
    assert check.errors[check.worst] == check.relative_error


@pytest.mark.parametrize("row", list(INITIALIZERS), ids=lambda row: row.name)
def test_every_initializer(make, row) -> None:
    net = network([4, 6, 3], activation="tanh", loss_function="categorical_crossentropy")
    X, Y = targets(make, net)
    check = gradient_check(net, X, Y, initializer=row.name, l2=0.1)
    assert check.relative_error <= 1e-6, check


def test_own_activation_and_loss(make) -> None:
    net = network(
        [3, 5, 2],
        activation=lambda z: np.where(z > 0, np.log1p(abs(z)), np.sin(z)),
        loss_function=lambda a, y: np.sqrt(1 + (a - y) ** 2) - 1,
    )
    assert gradient_check(net, *targets(make, net)).relative_error <= 1e-6


def test_label_smoothing_and_weights_per_output(make) -> None:
    for loss in ("binary_crossentropy", "categorical_crossentropy"):
        net = network([3, 4, 2], loss_function=f"{loss}(label_smoothing=0.2)")
        X, Y = targets(make, net)
        w = np.linspace(0, 2, 12).reshape(6, 2)[:, : 1 if "categorical" in loss else 2]
        assert gradient_check(net, X, Y, weights=w).relative_error <= 1e-6


def test_directions_find_what_all_parameters_find(make) -> None:
    net = network([20, 30, 5], activation="gelu")
    check = gradient_check(net, *targets(make, net), directions=4)
    assert list(check.errors) == [f"direction {i}" for i in range(4)]
    assert check.relative_error <= 1e-6


@pytest.mark.parametrize("directions", [None, 5])
def test_a_wrong_derivative_is_found(make, directions) -> None:
    wrong = replace(activation("tanh"), derivative=lambda a: 1 - a)
    net = network([3, 4, 2], activation=wrong)
    check = gradient_check(net, *targets(make, net), directions=directions)
    assert check.relative_error > 1e-3
    if directions is None:
        assert check.worst in ("W[1]", "b[1]")
        assert check.errors["W[2]"] <= 1e-6


def test_the_cost_by_hand() -> None:
    # W = 2, b = 1, x = 3: a = 7, J = (7 - 5)^2 / 2 + l2/2 * 4 + l1 * 2 = 2 + 2 + 1
    net = network([1, 1])
    theta = np.zeros(32)
    theta[0], theta[16] = 2.0, 1.0
    check = gradient_check(net, [[3.0]], [[5.0]], parameters=theta, l2=1.0, l1=0.5)
    assert check.cost == pytest.approx(5.0, abs=1e-15)
    assert check.relative_error <= 1e-8


def test_the_parameters_are_left_as_they_were(make) -> None:
    net = network([3, 4, 2])
    p = make.parameters(net)
    plan, start = GradientPlan(XP, net, p, make.data(net, 5)), p.theta.copy()
    numeric_derivative(plan, p.theta, np.ones_like(p.theta), 1e-3)
    np.testing.assert_array_equal(p.theta, start)


@pytest.mark.parametrize(
    ("X", "Y", "options", "said"),
    [
        (np.zeros((4, 2)), np.zeros((4, 1)), {}, r"X has shape \(4, 2\)"),
        (np.zeros((4, 3)), np.zeros((4, 2)), {}, r"Y has shape \(4, 2\)"),
        (
            np.zeros((4, 3)),
            np.full((4, 1), 3),
            {},
            "Y has values that are not a class index, 0 to 2",
        ),
        (np.zeros((4, 3)), np.full((4, 1), 0.5), {}, "not a class index"),
        (np.zeros((4, 3)), np.zeros((4, 1)), {"weights": np.ones((4, 2))}, "weights has shape"),
        (np.zeros((4, 3)), np.zeros((4, 1)), {"l2": -1.0}, r"l2=-1.0 is outside \[0, inf\)"),
        (np.zeros((4, 3)), np.zeros((4, 1)), {"l1": math.nan}, "l1=nan"),
    ],
)
def test_what_does_not_fit_is_refused(X, Y, options, said) -> None:
    net = network([3, 3], loss_function="categorical_crossentropy")
    with pytest.raises(ArgumentError, match=said):
        gradient_check(net, X, Y, **options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"directions": 0}, "directions must be a whole number above 0"),
        ({"directions": True}, "directions must be"),
        ({"h": 0}, r"h=0 is outside \(0, inf\)"),
        ({"h": "x"}, "h must be a number"),
        ({"X": [["a"]]}, "X must be numbers"),
        ({"X": [[1.0], [1.0, 2.0]]}, "X must be numbers in rows of equal lengths"),
        ({"X": [[np.nan]]}, "X has values that are not finite"),
        ({"Y": [[np.inf]]}, "Y has values that are not finite"),
        ({"weights": [["w"]]}, "weights must be numbers"),
        ({"parameters": np.zeros(2)}, r"parameters has shape \(2,\), needs \(32,\)"),
        ({"parameters": np.zeros(32), "initializer": "zero"}, "initializer has no effect"),
    ],
)
def test_arguments_that_cannot_work(given, said):
    with pytest.raises(ArgumentError, match=said):
        gradient_check(network([1, 1]), **{"X": [[1.0]], "Y": [[2.0]], **given})
