"""Networks with data, made for a test, on the CPU in float64 unless said otherwise."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data


def make_parameters(net: Network, seed: int = 0, dtype: Any = np.float64) -> Parameters:
    """Parameters with weights as the activations want them and biases that are not zero."""
    parameters = Parameters(net, CpuBackend(), dtype)
    initialize(net, parameters, CpuBackend(), seed=seed)
    rng = np.random.default_rng(seed)
    for b in parameters.b:
        b[:] = rng.uniform(-0.5, 0.5, b.shape)
    return parameters


def make_data(
    net: Network, n: int, seed: int = 0, weights: int = 0, dtype: Any = np.float64
) -> Data:
    """N examples that suit the network's loss; ``weights``: the columns of w, 0 for none."""
    rng = np.random.default_rng([seed, n])
    X = rng.standard_normal((n, net.sizes[0]))
    K = net.sizes[-1]
    match net.loss.name:
        case "categorical_crossentropy":
            Y: Any = rng.integers(0, K, (n, 1))
        case "binary_crossentropy":
            Y = rng.integers(0, 2, (n, K))
        case "poisson":
            Y = rng.poisson(2.0, (n, K))
        case _:
            Y = rng.standard_normal((n, K))
    w = rng.uniform(0.2, 3.0, (n, weights)).astype(dtype) if weights else None
    return Data(X.astype(dtype), Y.astype(dtype), w)


def make_plan(
    net: Network,
    data: Data,
    optimizer_spec: Any = "gradient_descent",
    batch_size: int = 1000,
    *,
    parameters: Parameters | None = None,
    **options: Any,
) -> TrainingPlan:
    parameters = make_parameters(net) if parameters is None else parameters
    rule = optimizer(optimizer_spec)
    return TrainingPlan(CpuBackend(), net, parameters, rule, data, batch_size, **options)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """``make.network``, ``make.parameters``, ``make.data`` and ``make.plan``."""
    functions: dict[str, Callable[..., Any]] = {
        "network": network,
        "parameters": make_parameters,
        "data": make_data,
        "plan": make_plan,
    }
    return SimpleNamespace(**functions)
