"""Every activation against the loop twin, PyTorch and the derivative that the compiler finds."""

import json
import math

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.derivative import derivative
from fastnn.backend.graph import trace
from fastnn.backend.kernel import Kernel
from fastnn.errors import ArgumentError
from fastnn.nn.activations import ACTIVATIONS, activation, custom_activation
from fastnn.nn.softmax import softmax_backward, softmax_forward

XP = CpuBackend()
Z = np.concatenate([np.linspace(-8, 8, 101), [-40.0, -0.001, 0.0, 0.001, 40.0]])
ELEMENTWISE = [name for name in ACTIVATIONS.names if name != "softmax"]
VARIANTS = [*ELEMENTWISE, "leaky_relu(slope=0.3)", "leaky_relu(slope=0)", "elu(alpha=0.4)"]


def run(function, *args: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):  # of the branch of a where that is not taken
        return XP.apply(Kernel("k", function), *args)


def slope(g, z: np.ndarray) -> np.ndarray:
    """g'(z) in the way that a layer gets it: from the output or from the logit."""
    found = run(g.derivative, run(g.forward, z) if g.from_output else z)
    return np.broadcast_to(found, z.shape)


def twin(g) -> object:
    return (g.name, g.options)


def test_the_table_has_the_activations_of_the_loop_twin() -> None:
    assert set(ELEMENTWISE) == set(reference.ACTIVATIONS)


@pytest.mark.parametrize("spec", VARIANTS)
def test_forward_and_derivative_are_those_of_the_loop_twin(spec: str) -> None:
    g, z = activation(spec), Z[abs(Z) < 30] if "exp" in spec else Z
    expected = [reference.activate(twin(g), [v])[0] for v in z]
    np.testing.assert_allclose(run(g.forward, z), expected, rtol=1e-13, atol=1e-13)
    slopes = [reference.activate_backward(twin(g), [v], [1.0])[0] for v in z]
    np.testing.assert_allclose(slope(g, z), slopes, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("spec", VARIANTS)
def test_the_derivative_by_hand_is_the_derived_one(spec: str) -> None:
    g, z = activation(spec), np.linspace(-4, 4, 81)  # 0 is one of them
    derived = np.broadcast_to(
        run(lambda z: derivative(trace(g.forward)).evaluate(z)[0], z), z.shape
    )
    # Those are written with |z| or min(z, 0), of which the derivative at 0 is a convention.
    guarded = ("sigmoid", "softplus", "silu", "mish", "elu", "selu")
    at = (z != 0) if g.name in guarded else (z == z)
    np.testing.assert_allclose(slope(g, z)[at], derived[at], rtol=1e-13, atol=1e-14)


TORCH = {
    "identity": lambda f, z: z,
    "sigmoid": lambda f, z: f.sigmoid(z),
    "tanh": lambda f, z: f.tanh(z),
    "relu": lambda f, z: f.relu(z),
    "leaky_relu(slope=0.3)": lambda f, z: f.leaky_relu(z, 0.3),
    "elu(alpha=0.4)": lambda f, z: f.elu(z, 0.4),
    "selu": lambda f, z: f.selu(z),
    "gelu": lambda f, z: f.gelu(z),
    "silu": lambda f, z: f.silu(z),
    "mish": lambda f, z: f.mish(z),
    "softplus": lambda f, z: f.softplus(z, threshold=1000),
    "exponential": lambda f, z: z.exp(),
}


@pytest.mark.parametrize("spec", TORCH)
def test_forward_and_derivative_are_pytorchs(spec: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    g, z = activation(spec), np.linspace(-9, 9, 100)
    tensor = torch.tensor(z, requires_grad=True)
    a = TORCH[spec](torch.nn.functional, tensor)
    (expected,) = torch.autograd.grad(a.sum(), tensor)
    np.testing.assert_allclose(run(g.forward, z), a.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(slope(g, z), expected.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spec", [v for v in VARIANTS if v != "exponential"])
def test_nothing_overflows(spec: str, dtype) -> None:
    g, z = activation(spec), np.array([-1e18, -1e4, -100, 100, 1e4], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        a = XP.apply(Kernel("g", g.forward), z)
        found = XP.apply(Kernel("d", lambda t: g.derivative(t) + 0 * t), a if g.from_output else z)
    assert np.isfinite(a).all()
    assert np.isfinite(found).all()
    assert a.dtype == found.dtype == dtype
    np.testing.assert_allclose(found, [slope_at_infinity(g, v) for v in z], atol=1e-6)


def slope_at_infinity(g, z: float) -> float:
    left = {"identity": 1.0, "leaky_relu": g.options.get("slope", 0.0)}.get(g.name, 0.0)
    right = {"sigmoid": 0.0, "tanh": 0.0, "selu": 1.0507009873554805}.get(g.name, 1.0)
    return right if z > 0 else left


@pytest.mark.parametrize(
    ("spec", "z", "a", "slope_there"),
    [
        ("sigmoid", 0.0, 0.5, 0.25),  # N2
        ("tanh", math.atanh(0.5), 0.5, 0.75),  # N3
        ("relu", 0.0, 0.0, 0.0),  # N4
        ("relu", 3.0, 3.0, 1.0),
        ("leaky_relu", -2.0, -0.02, 0.01),  # N5
        ("leaky_relu", 0.0, 0.0, 0.01),
        ("elu", math.log(0.5), -0.5, 0.5),
        ("softplus", 0.0, math.log(2), 0.5),
        ("silu", 0.0, 0.0, 0.5),
        ("gelu", 0.0, 0.0, 0.5),
        ("mish", 0.0, 0.0, 0.6),
        ("exponential", math.log(3), 3.0, 3.0),
    ],
)
def test_worked_by_hand(spec, z, a, slope_there) -> None:
    g, at = activation(spec), np.array([z])
    assert run(g.forward, at).item() == pytest.approx(a, abs=1e-15)
    assert slope(g, at).item() == pytest.approx(slope_there, abs=1e-15)


def test_selu_keeps_mean_zero_and_variance_one() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    a = run(activation("selu").forward, nodes)
    weights = weights / weights.sum()
    assert weights @ a == pytest.approx(0.0, abs=2e-3)
    assert weights @ a**2 == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(
    ("alias", "name"),
    [("linear", "identity"), ("logistic", "sigmoid"), ("swish", "silu"), ("exp", "exponential")],
)
def test_aliases(alias: str, name: str) -> None:
    assert activation(alias).name == name


@pytest.mark.parametrize(
    ("name", "gain", "initializer"),
    [
        ("sigmoid", 1.0, "glorot_uniform"),
        ("tanh", 4.0, "glorot_uniform"),
        ("relu", math.sqrt(2), "he_normal"),
        ("leaky_relu", math.sqrt(2), "he_normal"),
        ("elu", math.sqrt(2), "he_normal"),
        ("gelu", math.sqrt(2), "he_normal"),
        ("silu", math.sqrt(2), "he_normal"),
        ("mish", math.sqrt(2), "he_normal"),
        ("softplus", math.sqrt(2), "he_normal"),
        ("selu", 1.0, "lecun_normal"),
        ("softmax", 1.0, "glorot_uniform"),
    ],
)
def test_the_initialisation_that_suits_it(name, gain, initializer) -> None:  # N23
    g = activation(name)
    assert (g.gain, g.initializer) == (gain, initializer)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("rellu", "unknown activation 'rellu'; did you mean 'relu'"),
        ("relu(slope=1)", "activation 'relu' has no option 'slope'; it belongs to leaky_relu"),
        ("leaky_relu(slope=2)", r"slope=2.0 is outside \[0, 1\]"),
        ("elu(alpha=0)", r"alpha=0.0 is outside \(0, inf\)"),
        (3, "activation must be a name"),
        ({"name": "custom", "expression": {}}, "not an expression graph"),
        (
            lambda z, y: z,
            "an activation is a function of one argument with one result, found 2 arg",
        ),
        (lambda z: (z, z), "found 1 arguments and 2 results"),
        (lambda z: z if z > 0 else 0, "cannot branch"),
    ],
)
def test_what_is_no_activation_is_refused(spec, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        activation(spec)


def test_an_own_activation_is_differentiated_and_kept() -> None:
    own = activation(lambda z: np.where(z > 0, np.log1p(z), z / (1 - z)))
    z = np.array([-3.0, -0.5, 0.5, 3.0])
    np.testing.assert_allclose(run(own.forward, z), [-0.75, -1 / 3, math.log(1.5), math.log(4)])
    np.testing.assert_allclose(slope(own, z), [1 / 16, 1 / 2.25, 1 / 1.5, 1 / 4])
    again = activation(json.loads(json.dumps(own.to_json())))
    np.testing.assert_array_equal(run(again.forward, z), run(own.forward, z))
    np.testing.assert_array_equal(slope(again, z), slope(own, z))
    assert custom_activation(own.expression).expression == own.expression


@pytest.mark.parametrize("spec", [*VARIANTS, "softmax"])
def test_an_activation_survives_json(spec: str) -> None:
    g = activation(spec)
    assert activation(json.loads(json.dumps(g.to_json()))).to_json() == g.to_json()
    assert activation(g) is g


# ---------------------------------------------------------------- softmax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_is_the_loop_twins(dtype, rng) -> None:
    Z = (rng.standard_normal((5, 7)) * 10).astype(dtype)
    A = softmax_forward(XP, Z)
    expected = np.array([reference.softmax(z) for z in Z.T.tolist()]).T
    np.testing.assert_allclose(A, expected, rtol=1e-5 if dtype == np.float32 else 1e-13)
    assert A.dtype == dtype


def test_softmax_does_not_overflow_and_does_not_feel_a_shift() -> None:
    Z = np.array([[1000.0, -1000.0, 0.0], [999.0, -1001.0, 800.0]])
    A = softmax_forward(XP, Z)
    e = math.exp(-1)
    np.testing.assert_allclose(A[:, :2], [[1 / (1 + e)] * 2, [e / (1 + e)] * 2], rtol=1e-14)
    assert A[:, 2].tolist() == [0.0, 1.0]


def test_softmax_backward_is_autograds(rng) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    Z, dA = rng.standard_normal((2, 4, 6))
    tensor = torch.tensor(Z, requires_grad=True)
    torch.softmax(tensor, 0).backward(torch.tensor(dA))
    dZ = softmax_backward(XP, dA, softmax_forward(XP, Z))
    np.testing.assert_allclose(dZ, tensor.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_softmax_writes_where_it_is_told(rng) -> None:
    Z, dA = rng.standard_normal((2, 3, 4))
    A, top, total, product = np.empty((3, 4)), np.empty((1, 4)), np.empty((1, 4)), np.empty((3, 4))
    assert softmax_forward(XP, Z, top=top, total=total, A=A) is A
    np.testing.assert_array_equal(top[0], Z.max(axis=0))
    expected = softmax_backward(XP, dA, A)
    assert softmax_backward(XP, dA, A, product=product, total=total, dZ=dA) is dA  # in place
    np.testing.assert_array_equal(dA, expected)
