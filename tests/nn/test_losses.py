"""Every loss against the loop twin, PyTorch and the derivative that the compiler finds."""

import json
import math

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.derivative import derivative
from fastnn.backend.kernel import Kernel
from fastnn.errors import ArgumentError
from fastnn.nn.losses import DEFAULT_LOSSES, LOSSES, custom_loss, loss

XP = CpuBackend()
VARIANTS = [
    "binary_crossentropy",
    "binary_crossentropy(label_smoothing=0.2)",
    "squared_error",
    "absolute_error",
    "huber",
    "huber(delta=0.4)",
    "poisson",
    "quantile",
    "quantile(quantile=0.9)",
    "squared_error(factor=2)",
    "binary_crossentropy(factor=0.25, label_smoothing=0.2)",
    "huber(delta=0.4, factor=3)",
]


def run(function, *args: np.ndarray) -> np.ndarray:
    with np.errstate(under="ignore"):
        return XP.apply(Kernel("k", lambda t, y: function(t, y) + 0 * t), *args)


def points(spec: str) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (or logits) and targets, ties included."""
    t, y = np.meshgrid(np.linspace(-3, 3, 25), [0.0, 1.0] if "binary" in spec else [0.0, 1.0, 2.0])
    return t.ravel(), y.ravel()


def test_the_table_has_the_losses_of_the_loop_twin() -> None:
    assert set(LOSSES.names) == {*reference.LOSSES, "categorical_crossentropy"}
    for row in LOSSES:
        assert reference.link(row.name) == (row.link if row.from_logits else None)


@pytest.mark.parametrize("spec", VARIANTS)
def test_value_and_delta_are_those_of_the_loop_twin(spec: str) -> None:
    cost, (t, y) = loss(spec), points(spec)
    pairs = [
        reference.example_loss((cost.name, cost.options), [b], [a], [a])
        for a, b in zip(t.tolist(), y.tolist(), strict=True)
    ]
    np.testing.assert_allclose(run(cost.value, t, y), [v for (v,), _ in pairs], atol=1e-14)
    np.testing.assert_allclose(run(cost.delta, t, y), [d for _, (d,) in pairs], atol=1e-14)


@pytest.mark.parametrize("spec", VARIANTS)
def test_the_delta_by_hand_is_the_derived_one(spec: str) -> None:
    cost, (t, y) = loss(spec), points(spec)
    t = t + 0.01  # off the ties, where a derivative is a matter of taste
    derived = run(lambda t, y: derivative(cost.value, 0).evaluate(t, y)[0], t, y)
    np.testing.assert_allclose(run(cost.delta, t, y), derived, rtol=1e-13, atol=1e-14)


TORCH = {
    "binary_crossentropy": lambda f, t, y: f.binary_cross_entropy_with_logits(
        t, y, reduction="none"
    ),
    "squared_error": lambda f, t, y: f.mse_loss(t, y, reduction="none") / 2,
    "absolute_error": lambda f, t, y: f.l1_loss(t, y, reduction="none"),
    "huber(delta=0.4)": lambda f, t, y: f.huber_loss(t, y, reduction="none", delta=0.4),
    "poisson": lambda f, t, y: f.poisson_nll_loss(t, y, reduction="none"),
}


@pytest.mark.parametrize("spec", TORCH)
def test_value_and_delta_are_pytorchs(spec: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    cost, (t, y) = loss(spec), points(spec)
    t = t + 0.01
    tensor = torch.tensor(t, requires_grad=True)
    value = TORCH[spec](torch.nn.functional, tensor, torch.tensor(y))
    (delta,) = torch.autograd.grad(value.sum(), tensor)
    np.testing.assert_allclose(
        run(cost.value, t, y), value.detach().numpy(), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(run(cost.delta, t, y), delta.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("spec", "t", "y", "value", "delta"),
    [
        ("binary_crossentropy", 0.0, 1.0, math.log(2), -0.5),  # N8: a = 1/2
        ("binary_crossentropy", math.log(3), 1.0, math.log(4 / 3), -0.25),  # a = 3/4
        ("binary_crossentropy(label_smoothing=0.5)", 0.0, 1.0, math.log(2), -0.25),
        ("squared_error", 3.0, 1.0, 2.0, 2.0),
        ("squared_error(factor=2)", 3.0, 1.0, 4.0, 4.0),  # the mean squared error of one output
        ("binary_crossentropy(factor=0.5)", 0.0, 1.0, math.log(2) / 2, -0.25),
        ("absolute_error", 3.0, 1.0, 2.0, 1.0),
        ("absolute_error", 1.0, 1.0, 0.0, 0.0),
        ("huber", 0.5, 0.0, 0.125, 0.5),
        ("huber", -3.0, 0.0, 2.5, -1.0),
        ("huber(delta=2)", 3.0, 0.0, 4.0, 2.0),
        ("poisson", 0.0, 3.0, 1.0, -2.0),
        ("quantile(quantile=0.9)", 0.0, 1.0, 0.9, -0.9),
        ("quantile(quantile=0.9)", 1.0, 0.0, 0.1, 0.1),
    ],
)
def test_worked_by_hand(spec, t, y, value, delta) -> None:
    cost, at = loss(spec), (np.array([t]), np.array([y]))
    assert run(cost.value, *at).item() == pytest.approx(value, abs=1e-15)
    assert run(cost.delta, *at).item() == pytest.approx(delta, abs=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_extreme_logits_is_exact(dtype) -> None:
    cost = loss("binary_crossentropy")
    z, y = np.array([-1000, 1000, -1000, 1000], dtype), np.array([0, 1, 1, 0], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        assert XP.apply(Kernel("v", cost.value), z, y).tolist() == [0.0, 0.0, 1000.0, 1000.0]
        assert XP.apply(Kernel("d", cost.delta), z, y).tolist() == [0.0, 0.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("mse", "squared_error"),
        ("mean_squared_error", "squared_error"),
        ("mae", "absolute_error"),
        ("multilabel_crossentropy", "binary_crossentropy"),
        ("softmax_crossentropy", "categorical_crossentropy"),
        ("pinball", "quantile"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    assert loss(alias).name == name


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("crossentropy", "unknown loss 'crossentropy'; did you mean '.*crossentropy'"),
        ("huber(quantile=0.5)", "loss 'huber' has no option 'quantile'; it belongs to quantile"),
        ("quantile(quantile=1)", r"quantile=1.0 is outside \(0, 1\)"),
        ("huber(delta=0)", r"delta=0.0 is outside \(0, inf\)"),
        ("binary_crossentropy(label_smoothing=1)", r"outside \[0, 1\)"),
        ("squared_error(label_smoothing=0.1)", "it belongs to binary_crossentropy, categorical"),
        ("mse(factor=0)", r"factor=0.0 is outside \(0, inf\)"),
        ("softmax_crossentropy(factor=2)", "no option 'factor'; it belongs to binary_crossent"),
        (None, "loss must be a name"),
        (lambda a: a, "a loss is a function of two arguments.*found 1 arguments"),
        (lambda a, y: np.sum(a - y), "only elementwise functions"),
    ],
)
def test_what_is_no_loss_is_refused(spec, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        loss(spec)


def test_an_own_loss_is_differentiated_and_kept() -> None:
    own = loss(lambda a, y: (a - y) ** 4 / 4)
    a, y = np.array([0.0, 1.0, 3.0]), np.array([1.0, 1.0, 1.0])
    assert run(own.value, a, y).tolist() == [0.25, 0.0, 4.0]
    np.testing.assert_allclose(run(own.delta, a, y), [-1.0, 0.0, 8.0])
    again = loss(json.loads(json.dumps(own.to_json())))
    np.testing.assert_array_equal(run(again.delta, a, y), run(own.delta, a, y))
    assert custom_loss(own.expression).expression == own.expression


@pytest.mark.parametrize("spec", [*VARIANTS, "categorical_crossentropy(label_smoothing=0.1)"])
def test_a_loss_survives_json(spec: str) -> None:
    cost = loss(spec)
    assert loss(json.loads(json.dumps(cost.to_json()))).to_json() == cost.to_json()
    assert loss(cost) is cost


def test_a_factor_of_one_is_not_there() -> None:
    assert loss("mse(factor=1)").to_json() == {"name": "squared_error"}
    assert str(loss("mse(factor=1)")) == "squared_error"
    assert str(loss("mse(factor=0.5)")) == "squared_error(factor=0.5)"
    plain, one = (Kernel("k", loss(spec).value) for spec in ("mse", "mse(factor=1)"))
    assert str(plain) == str(one)


def test_every_task_has_a_loss_that_knows_it() -> None:
    for task, name in DEFAULT_LOSSES.items():
        assert task in loss(name).tasks
