"""The output layer: the delta A - Y of the notes, the terms of the cost, weights, predictions."""

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.nn.activations import activation
from fastnn.nn.losses import loss
from fastnn.nn.output import OutputArrays, output_gradient, output_kernels, predictions

XP = CpuBackend()
K, M = 3, 5


def run(cost, g, Z, Y, w=None) -> OutputArrays:
    """Run the output layer by hand on the logits Z (K, m)."""
    m = Z.shape[1]
    x = OutputArrays(
        Z=Z,
        Y=Y,
        dZ=np.full_like(Z, np.nan),
        cost=np.full_like(Z, np.nan),
        scale=np.array([[1 / m]]),
        w=w,
        classes=np.arange(len(Z), dtype=float).reshape(-1, 1),
        top=np.empty((1, m)),
        total=np.empty((1, m)),
    )
    output_gradient(XP, output_kernels(loss(cost), activation(g), len(Z), w is not None), x)
    return x


def test_sigmoid_and_binary_crossentropy_leave_a_minus_y(rng) -> None:  # N12
    Z, Y = rng.standard_normal((K, M)), rng.integers(0, 2, (K, M)).astype(float)
    x = run("binary_crossentropy", "sigmoid", Z, Y)
    A = np.array([[reference.sigmoid(z) for z in row] for row in Z.tolist()])
    np.testing.assert_allclose(x.dZ, (A - Y) / M, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(  # N8, N9
        x.cost.sum(), -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum() / M, rtol=1e-13
    )


def test_softmax_and_crossentropy_leave_a_minus_y(rng) -> None:  # N12
    Z, classes = rng.standard_normal((K, M)), np.array([[0.0, 2.0, 1.0, 1.0, 0.0]])
    x = run("categorical_crossentropy", "softmax", Z, classes)
    A = np.array([reference.softmax(z) for z in Z.T.tolist()]).T
    Y = np.array([[1, 0, 0, 0, 1], [0, 0, 1, 1, 0], [0, 1, 0, 0, 0]])
    np.testing.assert_allclose(x.dZ, (A - Y) / M, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(x.cost, -Y * np.log(A) / M, rtol=1e-12, atol=1e-16)  # N10


@pytest.mark.parametrize("g", ["sigmoid", "tanh", "identity", "gelu"])
def test_the_squared_error_keeps_the_slope_of_the_activation(g, rng) -> None:  # N12
    Z, Y = rng.standard_normal((K, M)), rng.standard_normal((K, M))
    x = run("squared_error", g, Z, Y)
    for k in range(K):
        for j in range(M):
            (a,) = reference.activate(g, [Z[k, j]])
            (dz,) = reference.activate_backward(g, [Z[k, j]], [a - Y[k, j]])
            assert x.dZ[k, j] * M == pytest.approx(dz, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_softmax_crossentropy_is_pytorchs(smoothing, rng) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    Z, classes = rng.standard_normal((K, M)) * 20, rng.integers(0, K, (1, M))
    tensor = torch.tensor(Z.T.copy(), requires_grad=True)
    J = torch.nn.functional.cross_entropy(
        tensor, torch.tensor(classes[0]), label_smoothing=smoothing
    )
    J.backward()
    spec = f"categorical_crossentropy(label_smoothing={smoothing})"
    x = run(spec, "softmax", Z, classes.astype(float))
    assert x.cost.sum() == pytest.approx(J.item(), rel=1e-13)
    np.testing.assert_allclose(x.dZ, tensor.grad.numpy().T, rtol=1e-12, atol=1e-16)


def test_extreme_logits_stay_finite() -> None:
    Z = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    x = run("categorical_crossentropy", "softmax", Z, np.array([[0.0, 0.0]]))
    assert x.cost.sum() == 1000.0  # right for nothing, wrong by 2000, over two examples
    assert x.dZ.tolist() == [[0.0, -0.5], [0.0, 0.5]]


@pytest.mark.parametrize(
    ("cost", "g"),
    [
        ("binary_crossentropy", "sigmoid"),
        ("categorical_crossentropy", "softmax"),
        ("huber", "tanh"),
        ("poisson", "exponential"),
    ],
)
@pytest.mark.parametrize("rows", [1, K])  # K, a weight for each output: not for softmax
def test_weights_multiply_both_the_cost_and_the_delta(cost, g, rows, rng) -> None:
    rows = 1 if g == "softmax" else rows
    Z = rng.standard_normal((K, M))
    Y = rng.integers(0, 2, (1 if g == "softmax" else K, M)).astype(float)
    w = rng.uniform(0, 3, (rows, M))
    plain, weighted = run(cost, g, Z, Y), run(cost, g, Z, Y, w)
    np.testing.assert_allclose(weighted.dZ, plain.dZ * w, rtol=1e-13, atol=1e-17)
    np.testing.assert_allclose(weighted.cost, plain.cost * w, rtol=1e-13, atol=1e-17)
    np.testing.assert_array_equal(run(cost, g, Z, Y, np.ones((rows, M))).dZ, plain.dZ)


def test_the_layer_as_a_whole_is_the_loop_twins(rng) -> None:
    Z, Y, w = rng.standard_normal((K, M)), rng.standard_normal((K, M)), rng.uniform(0, 2, (1, M))
    net = reference.Network(["softplus"], ("quantile", {"quantile": 0.8}))
    W, b, X = [np.eye(K).tolist()], [[[0.0]] * K], Z.tolist()
    Zs, As = reference.forward(net, W, b, X)
    x = run("quantile(quantile=0.8)", "softplus", Z, Y, w)
    J = reference.cost(net, W, Zs, As, Y.tolist(), w.tolist())
    assert x.cost.sum() == pytest.approx(J, rel=1e-13)
    dZ, _, _ = reference.backward(net, W, Zs, As, Y.tolist(), w.tolist())
    np.testing.assert_allclose(x.dZ * M, dZ[0], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("g", ["sigmoid", "identity", "exponential", "softmax"])
def test_predictions_are_the_activation_of_the_logits(g, rng) -> None:
    Z = rng.standard_normal((K, M))
    cost = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}
    kernels = output_kernels(loss(cost.get(g, "squared_error")), activation(g), K, False)
    expected = np.array([reference.activate(g, z) for z in Z.T.tolist()]).T
    np.testing.assert_allclose(predictions(XP, kernels, Z.copy()), expected, rtol=1e-13)
    out = np.empty((K, M))
    assert predictions(XP, kernels, Z, A=out) is out
    assert kernels.columns == (g == "softmax")
