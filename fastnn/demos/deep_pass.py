"""What becomes of activations and errors on their way through many layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.step import Data
from fastnn.preparation.examples import read_source
from fastnn.preparation.setup import set_up
from fastnn.recipe.recipe import Recipe

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeepPass:
    """A forward and a backward pass, layer by layer; all float64, of layers 0 or 1 to L.

    ``variances`` (L + 1,): of the activations A[0] to A[L - 1], and of Z[L]; ``errors`` (L,) and
    ``gradients`` (L,): root mean squares of dZ[1] to dZ[L] (1/m in them) and of dW[1] to dW[L].
    """

    variances: Numbers
    errors: Numbers
    gradients: Numbers


def deep_pass(
    net: Network, weights: Sequence[Numbers] | None, X: Numbers, Y: Numbers, **how: Any
) -> DeepPass:
    """Return what arrives where, for rows X (N, n_0) and targets Y (N, K) or classes (N, 1).

    ``weights``: W[1] to W[L], or None to draw them: ``how`` are then `initialize`'s initializer
    and seed. Biases are 0.

    >>> from fastnn.nn.network import network
    >>> net, half = network([1, 1, 1], activation="identity"), [np.array([[0.5]])] * 2
    >>> found = deep_pass(net, half, np.array([[4.0], [-4.0]]), np.zeros((2, 1)))
    >>> found.variances.tolist(), found.errors.tolist()  # dZ[2] = A[2] / 2, dZ[1] = W[2] dZ[2]
    ([16.0, 4.0, 1.0], [0.25, 0.5])
    """
    cpu = CpuBackend("numpy")
    parameters = Parameters(net, cpu, "float64")
    if weights is None:
        initialize(net, parameters, cpu, **how)
    else:
        for into, W in zip(parameters.W, weights, strict=True):
            into[:] = W
    plan = GradientPlan(cpu, net, parameters, Data(X=X, Y=Y))
    plan.cost_and_gradient()
    hidden, output = plan.batch.layers, plan.batch.output
    return DeepPass(
        np.array([a.var() for a in (X, *(layer.A for layer in hidden), output.Z)]),
        np.array([*(_rms(layer.dZ) for layer in hidden), _rms(output.dZ)]),
        np.array([_rms(dW) for dW in plan.dW]),
    )


def some_digits(n: int) -> tuple[Numbers, Numbers]:
    """Return the first training digits: X (n, 64), normalised, and classes (n, 1).

    >>> X, Y = some_digits(100)
    >>> X.shape, Y.shape
    ((100, 64), (100, 1))
    """
    part = set_up(read_source("digits"), Recipe.of(), dtype="float64").parts["train"]
    return part.X[:n], part.Y[:n]


def _rms(values: Numbers) -> float:
    return float(np.sqrt((values**2).mean()))
