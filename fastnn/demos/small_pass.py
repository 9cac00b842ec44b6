"""A forward and a backward pass of a small network by the kernels of `nn`, every number kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.random import generator
from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.dense import LayerArrays, gradients, hidden_backward, linear
from fastnn.nn.network import Network
from fastnn.nn.output import OutputArrays, output_gradient
from fastnn.nn.parameters import Parameters
from fastnn.nn.softmax import softmax_forward
from fastnn.nn.step import Kernels

#: What a demo takes for an input.
LARGEST = 1e6

Numbers = npt.NDArray[np.float64]


def column(name: str, values: object, length: int) -> Numbers:
    """Return numbers that a user gave as a column (length, 1), float64.

    >>> column("x", [1, 2], 2).tolist()
    [[1.0], [2.0]]

    Raises ArgumentError, naming the argument, unless they are ``length`` numbers, none too large
    for a picture.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (length,) or not (np.abs(numbers) <= LARGEST).all():  # nan is not
        found = list(values) if isinstance(values, tuple) else values
        raise ArgumentError(
            f"{arg(name)} must be {length} number{'s' * (length > 1)} from {-LARGEST:g} to "
            f"{LARGEST:g}, found {shown(found)}"
        )
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


@dataclass(frozen=True, eq=False)
class Gradients:
    """What goes back, layer 1 first: ``dA``, ``dZ`` (n_l, m), ``dW``, ``db``; the cost's terms.

    ``dZ[L]`` is ``A[L] - Y`` as in the notes, not divided by m; ``dW`` and ``db`` are.
    ``dA[L]`` is missing: a loss on logits goes from Y to ``dZ[L]`` at once.
    """

    dA: tuple[Numbers, ...]
    dZ: tuple[Numbers, ...]
    dW: tuple[Numbers, ...]
    db: tuple[Numbers, ...]
    losses: Numbers  # (K, m)


def backward_pass(
    network: Network, weights: Weights, Z: Sequence[Numbers], A: Sequence[Numbers], Y: Numbers
) -> Gradients:
    """Return the gradients of the mean loss, from the last layer to the first (N12 to N14).

    >>> from fastnn.nn.network import network
    >>> one = Weights((np.array([[2.0]]),), (np.array([[0.0]]),))
    >>> net, X = network([1, 1]), np.array([[3.0, 1.0]])
    >>> found = backward_pass(net, one, *forward_pass(net, one, X), np.array([[5.0, 4.0]]))
    >>> found.dZ[0].tolist(), found.dW[0].tolist()  # 6 - 5, 2 - 4; (1*3 - 2*1) / 2
    ([[1.0, -2.0]], [[0.5]])
    """
    xp = CpuBackend()
    kernels = Kernels.of(network, weighted=False)
    K, m = Z[-1].shape
    output = OutputArrays(
        Z[-1],
        Y,
        dZ=np.empty((K, m)),
        cost=np.empty((K, m)),
        scale=np.ones((1, 1)),
        classes=np.arange(float(K)).reshape(-1, 1),
        top=np.empty((1, m)),
        total=np.empty((1, m)),
    )
    output_gradient(xp, kernels.output, output)
    dA: list[Numbers] = []
    dZ = [output.dZ]
    for l in range(network.n_layers - 2, -1, -1):
        dA.insert(0, xp.dot(weights.W[l + 1].T, dZ[0]))
        layer = LayerArrays(Z[l], A[l + 1], np.empty_like(Z[l]))
        dZ.insert(0, hidden_backward(xp, weights.W[l + 1], dZ[0], kernels.hidden[l], layer))
    pairs = [gradients(xp, d / m, before) for d, before in zip(dZ, A, strict=False)]
    dW, db = zip(*pairs, strict=True)
    return Gradients(tuple(dA), tuple(dZ), dW, db, output.cost)


def rows_as_text(M: Numbers, digits: int = 2) -> tuple[str, ...]:
    """Return the rows of a matrix as lines of equal length.

    >>> rows_as_text(np.array([[1.0, -0.5]]))
    ('\u20071.00 -0.50',)
    """
    width = max(len(f"{v:.{digits}f}") for v in M.ravel())
    lines = (" ".join(f"{v:.{digits}f}".rjust(width, "\u2007") for v in row) for row in M)
    return tuple(lines)


def engine_parameters(network: Network, weights: Weights) -> Parameters:
    """Return weights and biases as the engine keeps them: one flat buffer, float64.

    >>> from fastnn.nn.network import network
    >>> one = Weights((np.array([[2.0]]),), (np.array([[0.5]]),))
    >>> engine_parameters(network([1, 1]), one).b[0].tolist()
    [[0.5]]
    """
    parameters = Parameters(network, CpuBackend(), np.float64)
    for views, given in ((parameters.W, weights.W), (parameters.b, weights.b)):
        for view, values in zip(views, given, strict=True):
            view[:] = values
    return parameters
