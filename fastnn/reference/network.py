"""A network in loops: forward, cost, and backward by the chain rule (N1, N8 to N14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.reference.functions import (
    Column,
    Matrix,
    Named,
    activate,
    activate_backward,
    example_loss,
    link,
    named,
    sign,
)
from fastnn.reference.normalization import (
    BatchNorm,
    normalize,
    normalize_backward,
    normalize_by_estimates,
)

Matrices = Sequence[Matrix]  # one for each layer
Masks = Sequence[Matrix | None]  # one for each A[l] but the last
Norms = Sequence[BatchNorm | None]  # one for each layer, or for the first ones


@dataclass(frozen=True)
class Network:
    """What a network is besides its numbers: an activation per layer, a loss, penalties (N11).

    Raises ValueError if the loss belongs to another output activation.

    >>> Network(["tanh", "sigmoid"], "binary_crossentropy", l2=0.1).l1
    0.0
    """

    activations: Sequence[Named]
    loss: Named
    l2: float = 0.0
    l1: float = 0.0

    def __post_init__(self) -> None:
        output, wanted = named(self.activations[-1])[0], link(self.loss)
        if wanted not in (None, output):
            raise ValueError(
                f"loss {self.loss!r} needs output activation {wanted!r}, not {output!r}"
            )


def column(M: Matrix, j: int) -> Column:
    """Return column j.

    >>> column([[1.0, 2.0], [3.0, 4.0]], 1)
    [2.0, 4.0]
    """
    return [row[j] for row in M]


def _zeros(rows: int, columns: int) -> Matrix:
    return [[0.0] * columns for _ in range(rows)]


def dropout_mask(U: Matrix, rate: float) -> Matrix:
    """Return the inverted-dropout mask: ``1 / (1 - rate)`` where ``u >= rate``, else 0.

    Times the mask, an activation keeps its mean, so nothing changes at prediction.

    >>> dropout_mask([[0.1, 0.6]], rate=0.5)
    [[0.0, 2.0]]
    """
    return [[1 / (1 - rate) if u >= rate else 0.0 for u in row] for row in U]


def forward(
    network: Network,
    W: Matrices,
    b: Matrices,
    X: Matrix,
    masks: Masks | None = None,
    norms: Norms = (),
    training: bool = True,
) -> tuple[list[Matrix], list[Matrix]]:
    """Return all ``Z`` and ``A`` (N1): ``A[0]`` is X and ``A[-1]`` the output.

    ``masks[l]`` is the dropout mask of ``A[l]`` (the input and the hidden layers), or None.
    ``norms[l]`` is the batch normalisation of layer l, or None; without ``training`` it goes by
    its running estimates. ``Z`` is what it finds, not what it makes.

    >>> net = Network(["relu", "identity"], "squared_error")
    >>> forward(net, W=[[[2.0], [-2.0]], [[1.0, 1.0]]], b=[[[1.0], [0.0]], [[0.5]]], X=[[3.0]])
    ([[[7.0], [-6.0]], [[7.5]]], [[[3.0]], [[7.0], [0.0]], [[7.5]]])
    """
    m = len(X[0])
    Z: list[Matrix] = []
    A = [_masked(X, masks, 0)]
    for l, activation in enumerate(network.activations):
        Z.append(_zeros(len(W[l]), m))
        for j in range(m):
            a_before = column(A[l], j)
            for i in range(len(W[l])):
                z = b[l][i][0]
                for w, a in zip(W[l][i], a_before, strict=True):
                    z += w * a
                Z[l][i][j] = z
        norm = norm_of(norms, l)
        through = normalize if training else normalize_by_estimates
        z_new = through(Z[l], norm) if norm and norm.place == "before" else Z[l]
        a_new = activated(activation, z_new)
        if norm and norm.place == "after":
            a_new = through(a_new, norm)
        A.append(_masked(a_new, masks, l + 1))
    return Z, A


def activated(activation: Named, Z: Matrix) -> Matrix:
    """Return ``g(Z)``, one example after the other.

    >>> activated("relu", [[1.0, -1.0], [2.0, 3.0]])
    [[1.0, 0.0], [2.0, 3.0]]
    """
    A = _zeros(len(Z), len(Z[0]))
    for j in range(len(Z[0])):
        for i, a in enumerate(activate(activation, column(Z, j))):
            A[i][j] = a
    return A


def norm_of(norms: Norms, l: int) -> BatchNorm | None:
    """Return the batch normalisation of layer l, if it has any.

    >>> norm_of([], 0) is None
    True
    """
    return norms[l] if l < len(norms) else None


def _masked(A: Matrix, masks: Masks | None, l: int) -> Matrix:
    return [[a * _keep(masks, l, i, j) for j, a in enumerate(row)] for i, row in enumerate(A)]


def _keep(masks: Masks | None, l: int, i: int, j: int) -> float:
    """The dropout factor of unit i of A[l] for example j; the output has no mask."""
    mask = masks[l] if masks is not None and l < len(masks) else None
    return 1.0 if mask is None else mask[i][j]


def _check_weights(network: Network, weights: Matrix | None) -> None:
    """The outputs of softmax share one loss (N10): only an example as a whole can have a weight."""
    if weights is not None and len(weights) > 1 and link(network.loss) == "softmax":
        raise ValueError(
            f"loss {network.loss!r} takes one row of weights, one for each example; "
            f"found {len(weights)} rows"
        )


def _weight(weights: Matrix | None, k: int, j: int) -> float:
    """The weight of output k of example j; weights has one row, or one for each output."""
    return 1.0 if weights is None else weights[k if len(weights) > 1 else 0][j]


def cost(
    network: Network,
    W: Matrices,
    Z: Matrices,
    A: Matrices,
    Y: Matrix,
    weights: Matrix | None = None,
    n_train: int | None = None,
) -> float:
    """Return ``J = 1/m sum_j w_j sum_k L_k + lambda2/(2n) sum W^2 + lambda1/n sum |W|`` (N8-N11).

    n is the number of training examples (m if not given), so that a penalty is as strong for any
    batch size. Biases are not penalised. The sum is divided by m, not by the sum of the weights.
    ``weights`` has one row, or but for softmax one for each output; else ValueError.

    >>> net = Network(["identity"], "squared_error", l2=1.0)
    >>> cost(net, W=[[[2.0]]], Z=[[[3.0]]], A=[[[0.0]], [[3.0]]], Y=[[1.0]])
    4.0
    """
    _check_weights(network, weights)
    m, J = len(Y[0]), 0.0
    for j in range(m):
        L, _ = example_loss(network.loss, column(Y, j), column(Z[-1], j), column(A[-1], j))
        for k in range(len(L)):
            J += _weight(weights, k, j) * L[k] / m
    for w in (w for W_l in W for row in W_l for w in row):
        J += (network.l2 / 2 * w * w + network.l1 * abs(w)) / (n_train or m)
    return J


def backward(
    network: Network,
    W: Matrices,
    Z: Matrices,
    A: Matrices,
    Y: Matrix,
    weights: Matrix | None = None,
    masks: Masks | None = None,
    n_train: int | None = None,
    norms: Norms = (),
) -> tuple[list[Matrix], list[Matrix], list[Matrix]]:
    """Return all ``dZ``, ``dW``, ``db``: the gradient of the cost, from last layer to first.

    N12: ``dZ = w (a - y)`` for a loss with its link, ``w dL/da g'(z)`` otherwise;
    N13: ``dZ[l - 1] = W[l]^T dZ[l] * g'(Z[l - 1])``;
    N14: ``dW[l] = 1/m dZ[l] A[l]^T + lambda/n W[l]`` and ``db[l] = 1/m sum_j dZ[l]``.
    Each of ``norms`` is left with its dgamma and dbeta.

    >>> net = Network(["identity"], "squared_error")
    >>> backward(net, W=[[[2.0]]], Z=[[[6.0]]], A=[[[3.0]], [[6.0]]], Y=[[1.0]])
    ([[[5.0]]], [[[15.0]]], [[[5.0]]])
    """
    _check_weights(network, weights)
    m = len(Y[0])
    n = n_train or m
    dZ = [_output_delta(network, Z[-1], A[-1], Y, weights)]
    for l in reversed(range(len(W) - 1)):
        dA = _zeros(len(W[l]), m)
        for j in range(m):
            for i, dz in enumerate(column(dZ[0], j)):
                for k, w in enumerate(W[l + 1][i]):
                    dA[k][j] += w * dz
        dA = _masked(dA, masks, l + 1)
        dZ.insert(0, _hidden_delta(network.activations[l], Z[l], dA, norm_of(norms, l)))
    dW = [_zeros(len(W_l), len(W_l[0])) for W_l in W]
    db = [_zeros(len(W_l), 1) for W_l in W]
    for l in range(len(W)):
        for i in range(len(W[l])):
            for j in range(m):
                db[l][i][0] += dZ[l][i][j] / m
                for k, a in enumerate(column(A[l], j)):
                    dW[l][i][k] += dZ[l][i][j] * a / m
            for k, w in enumerate(W[l][i]):
                dW[l][i][k] += (network.l2 * w + network.l1 * sign(w)) / n
    return dZ, dW, db


def _output_delta(
    network: Network, Z: Matrix, A: Matrix, Y: Matrix, weights: Matrix | None
) -> Matrix:
    dZ = _zeros(len(Z), len(Z[0]))
    for j in range(len(Z[0])):
        z = column(Z, j)
        _, dL = example_loss(network.loss, column(Y, j), z, column(A, j))
        dz = [_weight(weights, k, j) * dL[k] for k in range(len(dL))]
        if link(network.loss) is None:
            dz = activate_backward(network.activations[-1], z, dz)
        for i, value in enumerate(dz):
            dZ[i][j] = value
    return dZ


def _hidden_delta(activation: Named, Z: Matrix, dA: Matrix, norm: BatchNorm | None) -> Matrix:
    """``dA * g'(z)`` (N13), and back through batch normalisation after or before it."""
    if norm and norm.place == "after":
        dA = normalize_backward(activated(activation, Z), dA, norm)
    before = norm is not None and norm.place == "before"
    z_new = normalize(Z, norm) if norm and before else Z
    dZ = _zeros(len(Z), len(Z[0]))
    for j in range(len(Z[0])):
        for i, dz in enumerate(activate_backward(activation, column(z_new, j), column(dA, j))):
            dZ[i][j] = dz
    return normalize_backward(Z, dZ, norm) if norm and before else dZ
