"""Costs, gradients and predictions on a GPU: every activation and loss, at sizes that are odd."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.protocols import Backend
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import Network, network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.step import Data

pytestmark = pytest.mark.cuda

# (examples, units of the hidden layer, outputs)
SIZES = [(1, 1, 1), (3, 10, 5), (33, 5, 1), (127, 1, 10), (33, 10, 10), (1, 5, 5)]


def examples(net: Network, m: int, weighted: bool) -> tuple[Any, Any, Any]:
    """X, Y as the loss wants it, and weights or None, float64."""
    rng = np.random.default_rng(m)
    X = rng.standard_normal((m, net.sizes[0]))
    K = net.sizes[-1]
    Y: Any = rng.standard_normal((m, K))
    if net.loss.link == "softmax":
        Y = rng.integers(0, K, (m, 1))
    elif net.loss.from_logits:  # labels of 0 and 1, which counts can be, too
        Y = rng.integers(0, 2, (m, K))
    return X, Y, rng.uniform(0.5, 2.0, (m, 1)) if weighted else None


def results(backend: Backend, net: Network, m: int, dtype: str, weighted: bool) -> Iterator[Any]:
    """Nothing, once the plans are made; then the cost, its gradient and the predictions."""
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, seed=3)
    data = Data(
        *(None if v is None else backend.array(v, dtype) for v in examples(net, m, weighted))
    )
    plan = GradientPlan(backend, net, p, data, l2=0.1, l1=0.01, seed=5)
    yield None
    J, gradient = plan.cost_and_gradient()
    yield J
    yield backend.host(gradient)
    yield EvaluationPlan(backend, net, p, 50).predict(data.X)


def compare(dtype: str, cases: Iterable[tuple[int, tuple[int, ...], bool]], **chosen: Any) -> None:
    """The device's numbers are those of NumPy in float64, up to the rounding of the dtype.

    Cases: the number of examples, the sizes of the network, whether the examples are weighted. All
    are made ready before the first runs, so that the emulated GPU compiles their kernels together.
    """
    ready = []
    for m, sizes, weighted in cases:
        net = network(sizes, **chosen)
        found = results(get_backend("cuda"), net, m, dtype, weighted)
        wanted = results(CpuBackend(), net, m, "float64", weighted)
        assert next(found) is next(wanted) is None
        ready.append((found, wanted))
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for found, wanted in ready:
        for there, here in zip(found, wanted, strict=True):
            scale = max(1.0, np.abs(here).max())
            np.testing.assert_allclose(there, here, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS.names)
def test_every_activation(name: str, dtype: str) -> None:
    cases = ((m, (3, units, outputs), False) for m, units, outputs in SIZES)
    compare(dtype, cases, activation=name, loss_function="squared_error")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES.names)
def test_every_loss(name: str, dtype: str, weighted: bool) -> None:
    softmax = LOSSES[name].link == "softmax"
    cases = (
        (m, (3, units, outputs), weighted)
        for m, units, outputs in SIZES
        if outputs > 1 or not softmax  # one class is refused
    )
    compare(dtype, cases, activation="tanh", loss_function=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_and_label_smoothing(dtype: str) -> None:
    smooth = "categorical_crossentropy(label_smoothing=0.1)"
    hidden = {"activation": ["gelu", "softmax"], "dropout": 0.4}
    cases = ((m, (3, units, 7, outputs + 1), False) for m, units, outputs in SIZES)
    compare(dtype, cases, loss_function=smooth, **hidden)


def test_activations_and_losses_of_ones_own() -> None:
    def bent(z: Any) -> Any:
        return z / (1 + abs(z))

    def log_cosh(a: Any, y: Any) -> Any:
        return np.log(np.exp(a - y) + np.exp(y - a))

    compare("float64", [(33, (3, 5, 2), True)], activation=bent, loss_function=log_cosh)
