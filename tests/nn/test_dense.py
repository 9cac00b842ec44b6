"""The layer kernels on plain arrays: by hand, against PyTorch, and against the loop twin."""

from dataclasses import replace

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.engine import compiled_status
from fastnn.backend.kernel import Kernel
from fastnn.nn.activations import activation
from fastnn.nn.dense import (
    HiddenKernels,
    LayerArrays,
    gradients,
    hidden_backward,
    hidden_forward,
    linear,
)
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.gradient_check import gradient_check
from fastnn.nn.network import network
from fastnn.nn.softmax import ColumnScratch, OverColumns, divide, softmax_backward

XP = CpuBackend()
SPECS = [*reference.ACTIVATIONS, "softmax", "leaky_relu(slope=0.3)"]


def arrays(n: int, m: int, kernels: HiddenKernels, U=None) -> LayerArrays:
    A = np.full((n, m), np.nan)
    return LayerArrays(
        Z=np.full((n, m), np.nan) if kernels.keeps_logits else A,
        A=A,
        dZ=np.full((n, m), np.nan),
        U=U,
        dropped=None if U is None else np.full((n, m), np.nan),
        scratch=ColumnScratch(np.empty((1, m)), np.empty((1, m)), np.empty((n, m))),
    )


def test_forward_and_backward_by_hand() -> None:
    # Z = (1*3 + 2*1 + 1, -1*3 + 1*1 + 0) = (6, -2); relu: (6, 0)
    W, b, X = (
        np.array([[1.0, 2.0], [-1.0, 1.0]]),
        np.array([[1.0], [0.0]]),
        np.array([[3.0], [1.0]]),
    )
    kernels = HiddenKernels(activation("relu"), 0.0)
    x = arrays(2, 1, kernels)
    assert hidden_forward(XP, W, b, X, kernels, x).tolist() == [[6.0], [0.0]]
    # W_next = (5, 7), dZ_next = 2: dA = (10, 14), dZ = (10, 0)
    dZ = hidden_backward(XP, np.array([[5.0, 7.0]]), np.array([[2.0]]), kernels, x)
    assert dZ.tolist() == [[10.0], [0.0]]
    dW, db = gradients(XP, dZ, X)
    assert dW.tolist() == [[30.0, 10.0], [0.0, 0.0]]
    assert db.tolist() == [[10.0], [0.0]]


def test_linear_is_pytorchs(rng) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    W, b, X = rng.standard_normal((3, 4)), rng.standard_normal((3, 1)), rng.standard_normal((4, 6))
    expected = torch.nn.functional.linear(*map(torch.tensor, (X.T.copy(), W, b[:, 0]))).numpy().T
    np.testing.assert_allclose(linear(XP, W, b, X), expected, rtol=1e-12)
    out = np.empty((3, 6))
    assert linear(XP, W, b, X, Z=out) is out


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("spec", SPECS)
def test_a_hidden_layer_is_the_loop_twins(spec, dropout, rng) -> None:
    n, k, m, K = 4, 3, 5, 2
    g = activation(spec)
    kernels = HiddenKernels(g, dropout)
    U = rng.random((n, m)).astype(np.float32) if dropout else None
    x = arrays(n, m, kernels, U)
    W, b, X = rng.standard_normal((n, k)), rng.standard_normal((n, 1)), rng.standard_normal((k, m))
    W2, b2, Y = rng.standard_normal((K, n)), np.zeros((K, 1)), rng.standard_normal((K, m))
    net = reference.Network([(g.name, g.options), "identity"], "squared_error")
    lists = [W.tolist(), W2.tolist()], [b.tolist(), b2.tolist()]
    drop = [None, None if U is None else reference.dropout_mask(U.tolist(), dropout)]
    Z, A = reference.forward(net, *lists, X.tolist(), drop)
    output = hidden_forward(XP, W, b, X, kernels, x)
    np.testing.assert_allclose(output, A[1], rtol=1e-12, atol=1e-13)
    dZ, dW, db = reference.backward(net, lists[0], Z, A, Y.tolist(), masks=drop)
    found = hidden_backward(XP, W2, (W2 @ output + b2 - Y), kernels, x)
    np.testing.assert_allclose(found, dZ[0], rtol=1e-11, atol=1e-12)
    parts = gradients(XP, found / m, X)
    np.testing.assert_allclose(parts[0], dW[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(parts[1], db[0], rtol=1e-11, atol=1e-12)


def test_dropout_keeps_the_mean_and_scales_what_stays() -> None:
    kernels, n = HiddenKernels(activation("identity"), 0.25), 40_000
    U = np.random.default_rng(0).random((1, n)).astype(np.float32)
    x = arrays(1, n, kernels, U)
    output = hidden_forward(XP, np.array([[3.0]]), np.array([[0.0]]), np.ones((1, n)), kernels, x)
    assert set(output.ravel().tolist()) == {0.0, 4.0}
    assert output.mean() == pytest.approx(3.0, abs=0.05)
    dZ = hidden_backward(XP, np.array([[1.0]]), np.ones((1, n)), kernels, x)
    np.testing.assert_array_equal(dZ, np.where(U >= 0.25, 1 / 0.75, 0.0))


def test_a_uniform_number_on_the_edge_stays() -> None:
    U = np.array([[0.5, np.nextafter(np.float32(0.5), np.float32(0))]], np.float32)
    kernels = HiddenKernels(activation("identity"), 0.5)
    x = arrays(1, 2, kernels, U)
    found = hidden_forward(XP, np.array([[1.0]]), np.zeros((1, 1)), np.ones((1, 2)), kernels, x)
    assert found.tolist() == [[2.0, 0.0]]


def test_the_kernels_print_as_formulas() -> None:
    kernels = HiddenKernels(activation("tanh"), 0.0)
    assert str(kernels.forward) == "tanh(z, b):\n    t1 = z + b\n    t2 = tanh(t1)\n    return t2"
    assert not kernels.keeps_logits
    assert HiddenKernels(activation("gelu"), 0.0).keeps_logits


def sharper(Z: np.ndarray) -> np.ndarray:
    """Softmax of 2 z: another activation that mixes the rows of a column."""
    E = np.exp(2 * Z)
    return E / E.sum(axis=0)


_powers = Kernel("powers", lambda z, top: np.exp(2 * (z - top)))
_twice = Kernel("twice", lambda dz: 2 * dz)


def _forward(xp, A, scratch):
    xp.apply(_powers, A, xp.max(A, axis=0, out=scratch.top), out=A)
    return xp.apply(divide, A, xp.sum(A, axis=0, out=scratch.total), out=A)


def _backward(xp, dA, A, scratch):
    softmax_backward(xp, dA, A, product=scratch.product, total=scratch.total, dZ=dA)
    return xp.apply(_twice, dA, out=dA)


SHARPER = replace(
    activation("identity"), name="sharper", over_columns=OverColumns(_forward, _backward)
)


@pytest.mark.parametrize("norm", [None, "before", "after"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_any_activation_may_mix_the_rows_of_a_column(make, norm, dropout) -> None:
    """Its row says how, and nothing else asks: cost and gradient are right on either engine."""
    net = network([3, 5, 4, 2], activation=[SHARPER, "tanh"], dropout=dropout,
                  batch_normalization=[norm, None])  # fmt: skip
    p, data = make.parameters(net), make.data(net, 9)
    assert gradient_check(net, data.X, data.Y, seed=3).relative_error < 1e-6
    J, gradient = GradientPlan(XP, net, p, data).cost_and_gradient()
    if norm is None and not dropout:
        A = np.tanh(p.W[1] @ sharper(p.W[0] @ data.X.T + p.b[0]) + p.b[1])
        errors = p.W[2] @ A + p.b[2] - data.Y.T
        assert pytest.approx((errors**2).sum(axis=0).mean() / 2, rel=1e-12) == J
    if not compiled_status():
        compiled = GradientPlan(CpuBackend("compiled"), net, p, data).cost_and_gradient()
        assert compiled[0] == pytest.approx(J, rel=1e-12)
        np.testing.assert_allclose(compiled[1], gradient, rtol=1e-10, atol=1e-13)
