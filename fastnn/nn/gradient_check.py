"""The derivative by its limit definition, held against back-propagation (N16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.random import generator
from fastnn.errors import ArgumentError, arg
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.step import Data, check_data
from fastnn.registry import Option

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found.

    ``relative_error`` is the largest ``||a - n|| / (||a|| + ||n||)`` over the arrays ``W[l]``,
    ``b[l]`` if it is used, ``gamma[l]``, ``beta[l]`` (or over the directions), with ``a`` the
    back-propagated and ``n`` the numeric gradient; ``worst`` names that array (or direction).

    >>> check = GradientCheck(1e-9, "W[1]", 0.5, {"W[1]": 1e-9, "b[1]": 2e-10})
    >>> check.relative_error <= 1e-6, check.worst
    (True, 'W[1]')
    """

    relative_error: float
    worst: str
    cost: float
    errors: dict[str, float]

    def __repr__(self) -> str:
        return (
            f"<GradientCheck: relative error {self.relative_error:.2g}, that of {self.worst}, "
            f"the largest of {len(self.errors)}; cost {self.cost:g}>"
        )


def gradient_check(
    network: Network,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    initializer: object = None,
    parameters: FloatArray | None = None,
    directions: int | None = None,
    h: float = 1e-6,
    seed: int = 0,
) -> GradientCheck:
    """Compare back-propagation with central differences, ``(J(p + h) - J(p - h)) / 2h``.

    Everything is float64 on the CPU. Dropout, if any, keeps one set of masks.

    Parameters
    ----------
    network : any network, loss and dropout.
    X : (N, n_0), examples as rows. Y : (N, K), or (N, 1) class indices for softmax.
    weights : (N, 1) weights of the examples, or (N, K) of each output (not softmax), or None.
    l2, l1 : strengths of the penalties.
    initializer, seed : how the parameters are drawn; or ``parameters``, a flat float64 buffer as
        `Parameters.theta` is.
    directions : None checks every parameter; a number from 1 checks the derivative along so many
        random directions, at a cost that does not grow with the network.
    h : half the step of the difference.

    >>> from fastnn.nn.network import network
    >>> X, Y = [[0.5, -1.0], [2.0, 0.3]], [[1.0], [0.0]]
    >>> check = gradient_check(network([2, 3, 1], activation="tanh"), X, Y, l2=0.1)
    >>> check.relative_error < 1e-6
    True

    Raises ArgumentError naming the argument that cannot work.
    """
    if directions is not None and (
        isinstance(directions, bool)
        or not isinstance(directions, (int, np.integer))
        or directions < 1
    ):
        raise ArgumentError(
            f"{arg('directions')} must be a whole number above 0, or None for every parameter, "
            f"found {directions!r}"
        )
    Option("h", 1e-6, low=0.0, open_low=True).check("gradient_check", h)
    backend = CpuBackend()
    data = _data(network, X, Y, weights)
    p = Parameters(network, backend, np.float64)
    if parameters is None:
        initialize(network, p, backend, initializer=initializer, seed=seed)
        # Biases that start at zero sit on the kinks of ReLU: move them off.
        n = p.layout.n_weights
        stop = p.layout.n_trained
        p.theta[n:stop] += generator(seed, "check").uniform(-0.5, 0.5, stop - n)
    else:
        if initializer is not None:
            raise ArgumentError(f"{arg('initializer')} has no effect: the parameters are given")
        p.theta[:] = _theta(parameters, p.layout.size)
    plan = GradientPlan(backend, network, p, data, l2=l2, l1=l1, seed=seed)
    J, gradient = plan.cost_and_gradient()
    analytic = gradient.copy()
    if directions is None:
        errors = dict(_by_array(plan, network, p, analytic, h))
    else:
        errors = dict(_by_direction(plan, network, p, analytic, h, directions, seed))
    worst = max(errors, key=lambda name: errors[name])
    return GradientCheck(errors[worst], worst, J, errors)


def numeric_derivative(plan: GradientPlan, theta: FloatArray, d: FloatArray, h: float) -> float:
    """Return ``(J(theta + h d) - J(theta - h d)) / 2h``; theta is left as it was."""
    start = theta.copy()
    theta += h * d
    above = plan.cost()
    theta[:] = start - h * d
    below = plan.cost()
    theta[:] = start
    return (above - below) / (2 * h)


def _relative(a: Any, n: Any) -> float:
    total = float(np.linalg.norm(a) + np.linalg.norm(n))
    return float(np.linalg.norm(np.subtract(a, n))) / total if total else 0.0


def _by_array(
    plan: GradientPlan, network: Network, p: Parameters, analytic: FloatArray, h: float
) -> Iterator[tuple[str, float]]:
    places = [(f"W[{l}]", s) for l, s in enumerate(p.layout.weights, 1)]
    biases = zip(p.layout.biases, network.use_bias, strict=True)
    places += [(f"b[{l}]", s) for l, (s, used) in enumerate(biases, 1) if used]
    places += [(f"gamma[{l}]", s) for l, s in p.layout.gammas.items()]
    places += [(f"beta[{l}]", s) for l, s in p.layout.betas.items()]
    d = np.zeros_like(p.theta)
    for name, place in places:
        numeric = []
        for i in range(place.start, place.stop):
            d[i] = 1.0
            numeric.append(numeric_derivative(plan, p.theta, d, h))
            d[i] = 0.0
        yield name, _relative(analytic[place], numeric)


def _by_direction(
    plan: GradientPlan,
    network: Network,
    p: Parameters,
    analytic: FloatArray,
    h: float,
    n: int,
    seed: int,
) -> Iterator[tuple[str, float]]:
    n_trained = p.layout.n_trained
    for i in range(n):
        d = np.zeros_like(p.theta)
        d[:n_trained] = generator(seed, "check", index=i + 1).standard_normal(n_trained)
        for place, used in zip(p.layout.biases, network.use_bias, strict=True):
            d[place] *= used
        d /= np.linalg.norm(d)
        numeric = numeric_derivative(plan, p.theta, d, h)
        yield f"direction {i}", _relative(analytic @ d[:n_trained], numeric)


def _theta(parameters: npt.ArrayLike, size: int) -> FloatArray:
    theta = _numbers("parameters", parameters)
    if theta.shape != (size,):
        raise ArgumentError(
            f"{arg('parameters')} has shape {theta.shape}, needs {(size,)}: a flat buffer with "
            "gaps, such as Parameters(...).theta"
        )
    return theta


def _numbers(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{arg(name)} must be numbers in rows of equal lengths") from error
    if not np.isfinite(array).all():
        raise ArgumentError(f"{arg(name)} has values that are not finite numbers")
    return array


def _data(
    network: Network, X: npt.ArrayLike, Y: npt.ArrayLike, weights: npt.ArrayLike | None
) -> Data:
    w = None if weights is None else _numbers("weights", weights)
    data = Data(_numbers("X", X), _numbers("Y", Y), w)
    check_data(network, data)
    K = network.sizes[-1]
    if network.loss.link == "softmax" and not np.isin(data.Y, np.arange(K)).all():
        raise ArgumentError(f"{arg('Y')} has values that are not a class index, 0 to {K - 1}")
    return data
