"""A forward and a backward pass of a small network by the kernels of `nn`, every number kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.random import generator
from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.activations import softmax_forward
from fastnn.nn.dense import linear
from fastnn.nn.network import Network

Numbers = npt.NDArray[np.float64]


def column(name: str, values: object, length: int) -> Numbers:
    """Return numbers that a user gave as a column (length, 1), float64.

    >>> column("x", [1, 2], 2).tolist()
    [[1.0], [2.0]]

    Raises ArgumentError, naming the argument, unless they are ``length`` finite numbers.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (length,) or not np.isfinite(numbers).all():
        found = list(values) if isinstance(values, tuple) else values
        raise ArgumentError(f"{arg(name)} must be {length} numbers, found {shown(found)}")
    return numbers.reshape(-1, 1)


@dataclass(frozen=True, eq=False)
class Weights:
    """``W[l - 1]`` (n_l, n_{l-1}) and ``b[l - 1]`` (n_l, 1) of layer l, float64."""

    W: tuple[Numbers, ...]
    b: tuple[Numbers, ...]


def weights_to_read(network: Network, seed: int) -> Weights:
    """Return weights and biases of one decimal, which can be read in a picture and worked by hand.

    Weights are normal with deviation 1, biases a third of that.

    >>> from fastnn.nn.network import network
    >>> drawn = weights_to_read(network([3, 4, 1]), seed=0)
    >>> [w.shape for w in drawn.W], bool((drawn.W[0] * 10 % 1 == 0).all())
    ([(4, 3), (1, 4)], True)
    """
    W, b = [], []
    for l, (k, n) in enumerate(zip(network.sizes, network.sizes[1:], strict=False), start=1):
        random = generator(seed, "weights", layer=l)
        W.append(_one_decimal(random.normal(0.0, 1.0, (n, k))))
        b.append(_one_decimal(random.normal(0.0, 0.3, (n, 1))))
    return Weights(tuple(W), tuple(b))


def _one_decimal(values: Numbers) -> Numbers:
    return np.round(values, 1) + 0.0  # no negative zero


def forward_pass(
    network: Network, weights: Weights, X: Numbers
) -> tuple[list[Numbers], list[Numbers]]:
    """Return ``Z[1..L]`` and ``A[0..L]``: ``Z = W A + b``, ``A = g(Z)``, ``A[0] = X`` (N1).

    >>> from fastnn.nn.network import network
    >>> one = Weights((np.array([[2.0, 1.0]]),), (np.array([[0.5]]),))
    >>> Z, A = forward_pass(network([2, 1]), one, np.array([[1.0], [3.0]]))
    >>> Z[0].tolist(), A[1].tolist()  # 2*1 + 1*3 + 0.5
    ([[5.5]], [[5.5]])
    """
    xp = CpuBackend()
    Z: list[Numbers] = []
    A = [X]
    for W, b, g in zip(weights.W, weights.b, network.activations, strict=True):
        Z.append(linear(xp, W, b, A[-1]))
        columns = g.over_columns is not None
        A.append(softmax_forward(xp, Z[-1]) if columns else np.asarray(g.forward(Z[-1])))
    return Z, A
