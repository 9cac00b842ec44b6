"""The textbook: the same network in plain loops over examples and units, read beside the notes.

No array library, no cleverness: one number at a time, with the ``math`` module. The vectorised
code is tested against these loops, and the benchmark shows what vectorisation is worth (N17).

Matrices are lists of rows of floats and **examples are columns**: ``X[i][j]`` is feature i of
example j. Python counts layers from 0, so layer l takes ``A[l]`` to ``A[l + 1]``::

    A[0] = X        Z[l] = W[l] A[l] + b[l]        A[l + 1] = g(Z[l])        (N1)

``W[l]`` has a row for each unit, ``b[l]`` is a column, ``m`` is the number of examples.
Activations, losses and optimisers are named: ``"relu"``, or ``("leaky_relu", {"slope": 0.2})``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Column = list[float]
Matrix = list[Column]
Matrices = Sequence[Matrix]  # one for each layer
Named = str | tuple[str, Mapping[str, float | str]]
Scalar = Callable[..., float]
Masks = Sequence[Matrix | None]  # one for each A[l] but the last


def _named(given: Named) -> tuple[str, Mapping[str, float | str]]:
    return (given, {}) if isinstance(given, str) else given


def _sign(x: float) -> float:
    return math.copysign(1.0, x) if x else 0.0


# ---------------------------------------------------------------- activations


def exp(z: float) -> float:
    """Return ``e^z``, infinity where it does not fit a float.

    >>> exp(0.0), exp(1000.0)
    (1.0, inf)
    """
    return math.exp(z) if z < 709.78 else math.inf


def sigmoid(z: float) -> float:
    """Return ``1 / (1 + e^-z)`` (N2); the exponent is never positive, so nothing overflows.

    >>> sigmoid(0.0), sigmoid(-1000.0)
    (0.5, 0.0)
    """
    e = math.exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)


def softplus(z: float) -> float:
    """Return ``log(1 + e^z)`` without overflow; its derivative is the sigmoid.

    >>> round(softplus(0.0), 4), softplus(1000.0)
    (0.6931, 1000.0)
    """
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def _phi(z: float) -> float:
    """The standard normal distribution function: gelu = z phi(z)."""
    return math.erfc(-z / math.sqrt(2)) / 2


def _mish_slope(z: float) -> float:
    t = math.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # mean 0, variance 1 is a fixed point

#: name: (g(z), g'(z)). At a kink (z = 0) the derivative is the one of the side z <= 0.
ACTIVATIONS: dict[str, tuple[Scalar, Scalar]] = {
    "identity": (lambda z: z, lambda z: 1.0),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),  # N2: g (1 - g)
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),  # N3
    "relu": (lambda z: max(0.0, z), lambda z: float(z > 0)),  # N4
    "leaky_relu": (  # N5
        lambda z, slope=0.01: z if z > 0 else slope * z,
        lambda z, slope=0.01: 1.0 if z > 0 else slope,
    ),
    "elu": (
        lambda z, alpha=1.0: z if z > 0 else alpha * math.expm1(z),
        lambda z, alpha=1.0: 1.0 if z > 0 else alpha * math.exp(z),
    ),
    "selu": (
        lambda z: _SELU * (z if z > 0 else _SELU_ALPHA * math.expm1(z)),
        lambda z: _SELU * (1.0 if z > 0 else _SELU_ALPHA * math.exp(z)),
    ),
    "gelu": (
        lambda z: z * _phi(z),
        lambda z: _phi(z) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
    "mish": (lambda z: z * math.tanh(softplus(z)), _mish_slope),
    "softplus": (softplus, sigmoid),
    "exponential": (exp, exp),
}


def softmax(z: Column) -> Column:
    """Return ``a_k = e^{z_k} / sum_i e^{z_i}`` of one example (N6), shifted by the maximum.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    highest = max(z)
    powers = [math.exp(z_k - highest) for z_k in z]
    total = sum(powers)
    return [e / total for e in powers]


def activate(activation: Named, z: Column) -> Column:
    """Return ``a = g(z)`` for the units of one example.

    >>> activate(("leaky_relu", {"slope": 0.5}), [2.0, -2.0])
    [2.0, -1.0]
    """
    name, options = _named(activation)
    if name == "softmax":
        return softmax(z)
    g, _ = ACTIVATIONS[name]
    return [g(z_k, **options) for z_k in z]


def activate_backward(activation: Named, z: Column, da: Column) -> Column:
    """Return dJ/dz from dJ/da for the units of one example: the chain rule (N15).

    ``dz_k = da_k g'(z_k)``. Each softmax output depends on every z, ``da_i/dz_k = a_i (1[i=k] -
    a_k)``, which sums to ``dz_k = a_k (da_k - sum_i a_i da_i)``.

    >>> activate_backward("relu", [3.0, -3.0], [5.0, 5.0])
    [5.0, 0.0]
    """
    name, options = _named(activation)
    if name == "softmax":
        a = softmax(z)
        mean = sum(a_i * da_i for a_i, da_i in zip(a, da, strict=True))
        return [a_k * (da_k - mean) for a_k, da_k in zip(a, da, strict=True)]
    _, slope = ACTIVATIONS[name]
    return [da_k * slope(z_k, **options) for z_k, da_k in zip(z, da, strict=True)]


# ---------------------------------------------------------------- losses


def smoothed(y: float, label_smoothing: float, classes: int) -> float:
    """Return the target ``(1 - s) y + s / K``: a share s is spread over all K classes.

    >>> smoothed(1.0, 0.2, classes=2)
    0.9
    """
    return (1 - label_smoothing) * y + label_smoothing / classes


#: name: (link, L(y, x), dL/dx). With a link x is the logit z, and L is the loss of a = link(z)
#: with the logarithm worked out (N8, N12: dL/dz = a - y); without one x is the output a itself.
LOSSES: dict[str, tuple[str | None, Scalar, Scalar]] = {
    "binary_crossentropy": (  # N8, N9: -[y log a + (1 - y) log(1 - a)]
        "sigmoid",
        lambda y, z, label_smoothing=0.0: softplus(z) - smoothed(y, label_smoothing, 2) * z,
        lambda y, z, label_smoothing=0.0: sigmoid(z) - smoothed(y, label_smoothing, 2),
    ),
    "poisson": ("exponential", lambda y, z: exp(z) - y * z, lambda y, z: exp(z) - y),
    "squared_error": (None, lambda y, a: (a - y) ** 2 / 2, lambda y, a: a - y),
    "absolute_error": (None, lambda y, a: abs(a - y), lambda y, a: _sign(a - y)),
    "huber": (
        None,
        lambda y, a, delta=1.0: (
            (a - y) ** 2 / 2 if abs(a - y) <= delta else delta * (abs(a - y) - delta / 2)
        ),
        lambda y, a, delta=1.0: max(-delta, min(delta, a - y)),
    ),
    "quantile": (
        None,
        lambda y, a, quantile=0.5: quantile * (y - a) if y > a else (1 - quantile) * (a - y),
        lambda y, a, quantile=0.5: -quantile if y > a else 1 - quantile,
    ),
}


def link(loss: Named) -> str | None:
    """Return the output activation that belongs to a loss on logits; None if any will do.

    >>> link("categorical_crossentropy"), link("squared_error")
    ('softmax', None)
    """
    name, _ = _named(loss)
    return "softmax" if name == "categorical_crossentropy" else LOSSES[name][0]


def example_loss(loss: Named, y: Column, z: Column, a: Column) -> tuple[Column, Column]:
    """Return the loss of one example at each output, ``L_k``, and ``dL_k/dz_k`` or ``dL_k/da_k``.

    The derivative is with respect to z if the loss has a link, to a otherwise. The target y has a
    number per output; for categorical_crossentropy it is one number, the class index (N10):
    ``L = -sum_k y_k log a_k = sum_k y_k (log sum_i e^{z_i} - z_k)``, ``dL/dz_k = a_k - y_k``.

    >>> example_loss("squared_error", y=[1.0], z=[3.0], a=[3.0])
    ([2.0], [2.0])
    """
    name, options = _named(loss)
    if name == "categorical_crossentropy":
        s = float(options.get("label_smoothing", 0.0))
        target = [smoothed(float(k == y[0]), s, len(z)) for k in range(len(z))]
        highest = max(z)
        log_sum = highest + math.log(sum(math.exp(z_k - highest) for z_k in z))
        terms = [y_k * (log_sum - z_k) for y_k, z_k in zip(target, z, strict=True)]
        return terms, [a_k - y_k for a_k, y_k in zip(softmax(z), target, strict=True)]
    of_logits, L, slope = LOSSES[name]
    pairs = list(zip(y, z if of_logits else a, strict=True))
    return [L(*pair, **options) for pair in pairs], [slope(*pair, **options) for pair in pairs]


# ---------------------------------------------------------------- the network


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
        output, wanted = _named(self.activations[-1])[0], link(self.loss)
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
    network: Network, W: Matrices, b: Matrices, X: Matrix, masks: Masks | None = None
) -> tuple[list[Matrix], list[Matrix]]:
    """Return all ``Z`` and ``A`` (N1): ``A[0]`` is X and ``A[-1]`` the output.

    ``masks[l]`` is the dropout mask of ``A[l]`` (the input and the hidden layers), or None.

    >>> net = Network(["relu", "identity"], "squared_error")
    >>> forward(net, W=[[[2.0], [-2.0]], [[1.0, 1.0]]], b=[[[1.0], [0.0]], [[0.5]]], X=[[3.0]])
    ([[[7.0], [-6.0]], [[7.5]]], [[[3.0]], [[7.0], [0.0]], [[7.5]]])
    """
    m = len(X[0])
    Z: list[Matrix] = []
    A = [[[x * _keep(masks, 0, i, j) for j, x in enumerate(row)] for i, row in enumerate(X)]]
    for l, activation in enumerate(network.activations):
        Z.append(_zeros(len(W[l]), m))
        A.append(_zeros(len(W[l]), m))
        for j in range(m):
            a_before = column(A[l], j)
            for i in range(len(W[l])):
                z = b[l][i][0]
                for w, a in zip(W[l][i], a_before, strict=True):
                    z += w * a
                Z[l][i][j] = z
            for i, a in enumerate(activate(activation, column(Z[l], j))):
                A[l + 1][i][j] = a * _keep(masks, l + 1, i, j)
    return Z, A


def _keep(masks: Masks | None, l: int, i: int, j: int) -> float:
    """The dropout factor of unit i of A[l] for example j; the output has no mask."""
    mask = masks[l] if masks is not None and l < len(masks) else None
    return 1.0 if mask is None else mask[i][j]


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

    >>> net = Network(["identity"], "squared_error", l2=1.0)
    >>> cost(net, W=[[[2.0]]], Z=[[[3.0]]], A=[[[0.0]], [[3.0]]], Y=[[1.0]])
    4.0
    """
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
) -> tuple[list[Matrix], list[Matrix], list[Matrix]]:
    """Return all ``dZ``, ``dW``, ``db``: the gradient of the cost, from last layer to first.

    N12: ``dZ = w (a - y)`` for a loss with its link, ``w dL/da g'(z)`` otherwise;
    N13: ``dZ[l - 1] = W[l]^T dZ[l] * g'(Z[l - 1])``;
    N14: ``dW[l] = 1/m dZ[l] A[l]^T + lambda/n W[l]`` and ``db[l] = 1/m sum_j dZ[l]``.

    >>> net = Network(["identity"], "squared_error")
    >>> backward(net, W=[[[2.0]]], Z=[[[6.0]]], A=[[[3.0]], [[6.0]]], Y=[[1.0]])
    ([[[5.0]]], [[[15.0]]], [[[5.0]]])
    """
    m = len(Y[0])
    n = n_train or m
    dZ = [_zeros(len(W_l), m) for W_l in W]
    dW = [_zeros(len(W_l), len(W_l[0])) for W_l in W]
    db = [_zeros(len(W_l), 1) for W_l in W]
    for j in range(m):
        z = column(Z[-1], j)
        _, dL = example_loss(network.loss, column(Y, j), z, column(A[-1], j))
        dz = [_weight(weights, k, j) * dL[k] for k in range(len(dL))]
        if link(network.loss) is None:
            dz = activate_backward(network.activations[-1], z, dz)
        for l in reversed(range(len(W))):
            a_before = column(A[l], j)
            for i in range(len(dz)):
                dZ[l][i][j] = dz[i]
                db[l][i][0] += dz[i] / m
                for k, a in enumerate(a_before):
                    dW[l][i][k] += dz[i] * a / m
            if l > 0:
                da = [0.0] * len(a_before)
                for i in range(len(dz)):
                    for k, w in enumerate(W[l][i]):
                        da[k] += w * dz[i]
                da = [da_k * _keep(masks, l, k, j) for k, da_k in enumerate(da)]
                dz = activate_backward(network.activations[l - 1], column(Z[l - 1], j), da)
    for l in range(len(W)):
        for i in range(len(W[l])):
            for k, w in enumerate(W[l][i]):
                dW[l][i][k] += (network.l2 * w + network.l1 * _sign(w)) / n
    return dZ, dW, db


# ---------------------------------------------------------------- checks and small examples


def numeric_gradient(f: Callable[[Column], float], x: Column, h: float = 1e-5) -> Column:
    """Return the derivative of f by its limit definition (N16): ``(f(x + h) - f(x - h)) / 2h``.

    >>> [round(d, 6) for d in numeric_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0])]
    [4.0, 3.0]
    """
    gradient = []
    for i in range(len(x)):
        up, down = list(x), list(x)
        up[i] += h
        down[i] -= h
        gradient.append((f(up) - f(down)) / (2 * h))
    return gradient


def computation_graph(a: float, b: float, c: float) -> tuple[float, float, float, float]:
    """Return ``J = 3 (a + b c)`` and its sensitivities dJ/da, dJ/db, dJ/dc by the chain rule (N15).

    >>> computation_graph(5.0, 3.0, 2.0)
    (33.0, 3.0, 6.0, 9.0)
    """
    u = b * c
    v = a + u
    J = 3 * v
    dJ_dv = 3.0
    dJ_da, dJ_du = dJ_dv * 1, dJ_dv * 1  # v = a + u
    dJ_db, dJ_dc = dJ_du * c, dJ_du * b  # u = b c
    return J, dJ_da, dJ_db, dJ_dc


def logistic_regression_gradient(
    X: Matrix, y: Column, w: Column, b: float
) -> tuple[float, Column, float]:
    """Return ``J, dw, db`` of logistic regression, the textbook loop over examples (N7).

    >>> J, dw, db = logistic_regression_gradient([[2.0, 4.0]], [1.0, 0.0], [0.0], 0.0)
    >>> round(J, 4), dw, db
    (0.6931, [0.5], 0.0)
    """
    m = len(y)
    J, dw, db = 0.0, [0.0] * len(w), 0.0
    for j in range(m):
        z = b
        for i in range(len(w)):
            z += w[i] * X[i][j]
        a = sigmoid(z)
        J += y[j] * softplus(-z) + (1 - y[j]) * softplus(z)  # -log a, -log(1 - a)
        dz = a - y[j]
        for i in range(len(w)):
            dw[i] += X[i][j] * dz
        db += dz
    return J / m, [d / m for d in dw], db / m


# ---------------------------------------------------------------- optimisers

Moments = tuple[float, float]  # V and S of one parameter, both 0 before the first step
Updated = tuple[float, Moments]  # the parameter and its moments after a step


def gradient_descent(p: float, g: float, VS: Moments, t: int, rate: float) -> Updated:
    """Return the parameter after a step of ``p := p - rate g`` (N25, N26), and its moments.

    Every optimiser takes the parameter p, its gradient g, its moments VS, the step number t (from
    1) and the learning rate, then its own constants.

    >>> gradient_descent(1.0, 2.0, (0.0, 0.0), t=1, rate=0.25)
    (0.5, (0.0, 0.0))
    """
    return p - rate * g, VS


def momentum(p: float, g: float, VS: Moments, t: int, rate: float, beta: float = 0.9) -> Updated:
    """``V := beta V + (1 - beta) g``, ``p := p - rate V`` (N28).

    >>> momentum(1.0, 2.0, (4.0, 0.0), t=2, rate=0.5, beta=0.5)
    (-0.5, (3.0, 0.0))
    """
    V = beta * VS[0] + (1 - beta) * g
    return p - rate * V, (V, 0.0)


def nesterov(p: float, g: float, VS: Moments, t: int, rate: float, beta: float = 0.9) -> Updated:
    """V as in momentum, looking one step ahead: ``p := p - rate (beta V + (1 - beta) g)``.

    >>> nesterov(1.0, 2.0, (4.0, 0.0), t=2, rate=0.5, beta=0.5)
    (-0.25, (3.0, 0.0))
    """
    V = beta * VS[0] + (1 - beta) * g
    return p - rate * (beta * V + (1 - beta) * g), (V, 0.0)


def _root(S: float, epsilon: float, placement: str) -> float:
    """``sqrt(S + epsilon)`` (inside, the notes) or ``sqrt(S) + epsilon`` (outside, the paper)."""
    return math.sqrt(S + epsilon) if placement == "inside" else math.sqrt(S) + epsilon


def rmsprop(
    p: float,
    g: float,
    VS: Moments,
    t: int,
    rate: float,
    beta: float = 0.9,
    epsilon: float = 1e-8,
    epsilon_placement: str = "inside",
) -> Updated:
    """``S := beta S + (1 - beta) g^2``, ``p := p - rate g / sqrt(S + epsilon)`` (N29).

    >>> rmsprop(1.0, 2.0, (0.0, 12.0), t=2, rate=0.5, beta=0.5, epsilon=1.0)
    (0.6666666666666667, (0.0, 8.0))
    """
    S = beta * VS[1] + (1 - beta) * g * g
    return p - rate * g / _root(S, epsilon, epsilon_placement), (0.0, S)


def adam(
    p: float,
    g: float,
    VS: Moments,
    t: int,
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    epsilon_placement: str = "outside",
) -> Updated:
    """``p := p - rate Vhat / (sqrt(Shat) + epsilon)`` (N30), or the notes' form with "inside".

    ``V := beta1 V + (1 - beta1) g``, ``Vhat = V / (1 - beta1^t)``; ``S := beta2 S + (1 - beta2)
    g^2``, ``Shat = S / (1 - beta2^t)``: V and S start at 0, and the division undoes that.

    >>> adam(1.0, 2.0, (0.0, 0.0), t=1, rate=0.5, beta1=0.5, beta2=0.5, epsilon=2.0)
    (0.75, (1.0, 2.0))
    """
    V = beta1 * VS[0] + (1 - beta1) * g
    S = beta2 * VS[1] + (1 - beta2) * g * g
    V_hat, S_hat = V / (1 - beta1**t), S / (1 - beta2**t)
    return p - rate * V_hat / _root(S_hat, epsilon, epsilon_placement), (V, S)


def adamw(
    p: float,
    g: float,
    VS: Moments,
    t: int,
    rate: float,
    weight_decay: float = 0.01,
    **constants: Any,
) -> Updated:
    """``p := p - rate weight_decay p``, then Adam: the decay does not pass through the moments.

    >>> adamw(1.0, 0.0, (0.0, 0.0), t=1, rate=0.5, weight_decay=0.5)
    (0.75, (0.0, 0.0))
    """
    return adam(p - rate * weight_decay * p, g, VS, t, rate, **constants)


OPTIMIZERS: dict[str, Callable[..., Updated]] = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}


def clip_factor(gradients: Matrices, clip_norm: float) -> float:
    """Return ``min(1, clip / norm)``, the norm over all numbers of all gradients together.

    >>> clip_factor([[[3.0]], [[4.0]]], clip_norm=1.0)
    0.2
    """
    norm = math.sqrt(sum(g * g for G in gradients for row in G for g in row))
    return clip_norm / norm if norm > clip_norm else 1.0


# ---------------------------------------------------------------- training


@dataclass
class Training:
    """A run: the network, its numbers, the optimiser with its moments, the steps taken so far.

    >>> net = Network(["identity"], "squared_error")
    >>> Training(net, [[[1.0]]], [[[0.0]]], "momentum", rate=0.1).steps
    0
    """

    network: Network
    W: list[Matrix]
    b: list[Matrix]
    optimizer: Named
    rate: float
    clip_norm: float = math.inf
    steps: int = 0
    moments: dict[tuple[str, int, int, int], Moments] = field(default_factory=dict)


def train_step(
    run: Training,
    X: Matrix,
    Y: Matrix,
    weights: Matrix | None = None,
    masks: Masks | None = None,
    n_train: int | None = None,
) -> float:
    """Take one step on one batch, in place, and return the cost before it (N25).

    Weight decay (adamw) holds for W only: like the penalties it leaves the biases alone.

    >>> net = Network(["identity"], "squared_error")
    >>> run = Training(net, [[[2.0]]], [[[0.0]]], "gradient_descent", rate=0.1)
    >>> train_step(run, X=[[3.0]], Y=[[1.0]]), run.W, run.b
    (12.5, [[[0.5]]], [[[-0.5]]])
    """
    Z, A = forward(run.network, run.W, run.b, X, masks)
    J = cost(run.network, run.W, Z, A, Y, weights, n_train)
    _, dW, db = backward(run.network, run.W, Z, A, Y, weights, masks, n_train)
    factor = clip_factor(dW + db, run.clip_norm)
    name, constants = _named(run.optimizer)
    run.steps += 1
    for kind, parameters, gradients in (("W", run.W, dW), ("b", run.b, db)):
        if name == "adamw" and kind == "b":
            constants = {**constants, "weight_decay": 0.0}
        for l, P in enumerate(parameters):
            for i, row in enumerate(P):
                for k, p in enumerate(row):
                    g, moments = factor * gradients[l][i][k], run.moments.get((kind, l, i, k))
                    row[k], run.moments[kind, l, i, k] = OPTIMIZERS[name](
                        p, g, moments or (0.0, 0.0), run.steps, run.rate, **constants
                    )
    return J


def train_epoch(
    run: Training,
    X: Matrix,
    Y: Matrix,
    batches: Sequence[Sequence[int]],
    weights: Matrix | None = None,
    masks: Callable[[int, int], Masks] | None = None,
) -> list[float]:
    """Take a step on each batch, a list of example numbers, and return the costs (N26).

    ``masks(step, batch_size)`` gives the dropout masks of a step, counted from 1. One batch of
    all examples is batch gradient descent, batches of one are stochastic (N27).

    >>> net = Network(["identity"], "squared_error")
    >>> run = Training(net, [[[2.0]]], [[[0.0]]], "gradient_descent", rate=0.1)
    >>> train_epoch(run, X=[[3.0, 0.0]], Y=[[1.0, 0.5]], batches=[[0], [1]])
    [12.5, 0.5]
    """
    return [
        train_step(
            run,
            _take(X, batch),
            _take(Y, batch),
            None if weights is None else _take(weights, batch),
            None if masks is None else masks(run.steps + 1, len(batch)),
            n_train=len(X[0]),
        )
        for batch in batches
    ]


def _take(M: Matrix, columns: Sequence[int]) -> Matrix:
    return [[row[j] for j in columns] for row in M]


# ---------------------------------------------------------------- random numbers

_WORD = 2**64 - 1
_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the four 64-bit words of Philox 4x64-10: a cipher of the counter under the key.

    Ten rounds; each multiplies two of the words to 128 bits and mixes the halves with the key.
    Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    >>> hex(philox([0, 0, 0, 0], [0, 0])[0])
    '0x16554d9eca36314c'
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(_MULTIPLIERS[0] * c0, 2**64)
        high1, low1 = divmod(_MULTIPLIERS[1] * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def uniform32(seed: int, words: Sequence[int], n: int) -> Column:
    """Return n float32 numbers, uniform in [0, 1), of the stream with these upper counter words.

    Block i comes from the counter ``[1 + i, *words]``; each of its words gives two numbers, its
    low half first: the 24 upper bits of the half, divided by ``2^24``.

    >>> [round(u, 4) for u in uniform32(0, words=[7, 1, 4], n=3)]
    [0.1608, 0.3379, 0.1444]
    """
    numbers: Column = []
    for block in range((n + 7) // 8):
        for word in philox([1 + block, *words], [seed, 0]):
            numbers += [(half >> 8) / 2**24 for half in (word & 0xFFFFFFFF, word >> 32)]
    return numbers[:n]
