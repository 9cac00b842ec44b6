"""Functions of one number: activations and their slopes, losses and their slopes.

Activations and losses are named: ``"relu"``, or ``("leaky_relu", {"slope": 0.2})``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

Column = list[float]
Matrix = list[Column]
Named = str | tuple[str, Mapping[str, float | str]]
Scalar = Callable[..., float]


def named(given: Named) -> tuple[str, Mapping[str, float | str]]:
    """Return the name and the options of a choice.

    >>> named("relu"), named(("huber", {"delta": 2.0}))
    (('relu', {}), ('huber', {'delta': 2.0}))
    """
    return (given, {}) if isinstance(given, str) else given


def sign(x: float) -> float:
    """Return 1, -1, or 0 for 0: the slope of ``|x|``.

    >>> sign(-3.0), sign(0.0)
    (-1.0, 0.0)
    """
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
    name, options = named(activation)
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
    name, options = named(activation)
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
    "absolute_error": (None, lambda y, a: abs(a - y), lambda y, a: sign(a - y)),
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
    name, _ = named(loss)
    return "softmax" if name == "categorical_crossentropy" else LOSSES[name][0]


def example_loss(loss: Named, y: Column, z: Column, a: Column) -> tuple[Column, Column]:
    """Return the loss of one example at each output, ``L_k``, and ``dL_k/dz_k`` or ``dL_k/da_k``.

    The derivative is with respect to z if the loss has a link, to a otherwise. Both are times the
    option ``factor``, if there is one. The target y has a number per output; for
    categorical_crossentropy it is one number, the class index (N10):
    ``L = -sum_k y_k log a_k = sum_k y_k (log sum_i e^{z_i} - z_k)``, ``dL/dz_k = a_k - y_k``.

    >>> example_loss("squared_error", y=[1.0], z=[3.0], a=[3.0])
    ([2.0], [2.0])
    """
    name, options = named(loss)
    if name == "categorical_crossentropy":
        s = float(options.get("label_smoothing", 0.0))
        target = [smoothed(float(k == y[0]), s, len(z)) for k in range(len(z))]
        highest = max(z)
        log_sum = highest + math.log(sum(math.exp(z_k - highest) for z_k in z))
        terms = [y_k * (log_sum - z_k) for y_k, z_k in zip(target, z, strict=True)]
        return terms, [a_k - y_k for a_k, y_k in zip(softmax(z), target, strict=True)]
    constants = dict(options)
    factor = float(constants.pop("factor", 1.0))
    of_logits, L, slope = LOSSES[name]
    pairs = list(zip(y, z if of_logits else a, strict=True))
    values = [factor * L(*pair, **constants) for pair in pairs]
    return values, [factor * slope(*pair, **constants) for pair in pairs]
