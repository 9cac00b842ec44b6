"""Update rules: what an optimiser does to one parameter ``p`` with gradient ``g``.

Scalar expressions, which become kernels over the flat parameters. Each returns the new ``p`` and
the new state; the last arguments are the *coefficients* of `optimizers`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def gradient_descent(p: Any, g: Any, rate: Any) -> Any:
    """``W -= alpha dW`` (N25).

    >>> gradient_descent(p=1.0, g=2.0, rate=0.25)
    0.5
    """
    return p - rate * g


def momentum(p: Any, g: Any, V: Any, rate: Any, beta: Any, rest: Any) -> Any:
    """``V = beta V + (1 - beta) dW``, ``W -= alpha V`` (N28).

    >>> momentum(p=1.0, g=2.0, V=4.0, rate=0.5, beta=0.5, rest=0.5)
    (-0.5, 3.0)
    """
    V = beta * V + rest * g
    return p - rate * V, V


def nesterov(p: Any, g: Any, V: Any, rate: Any, beta: Any, rest: Any) -> Any:
    """``V`` as in `momentum`; ``W -= alpha (beta V + (1 - beta) dW)``: one step ahead.

    >>> nesterov(p=1.0, g=2.0, V=4.0, rate=0.5, beta=0.5, rest=0.5)
    (-0.25, 3.0)
    """
    V = beta * V + rest * g
    return p - rate * (beta * V + rest * g), V


def velocity(p: Any, g: Any, V: Any, rate: Any, momentum: Any) -> Any:
    """``V = momentum V - alpha dW``, ``W += V``: as Keras and scikit-learn have it (N28).

    At one learning rate it is `momentum` with ``alpha / (1 - beta)``. When the rate changes, the
    velocity still has the rates of the steps before in it, the average of `momentum` has not.

    >>> velocity(p=1.0, g=2.0, V=-4.0, rate=0.5, momentum=0.5)
    (-2.0, -3.0)
    """
    V = momentum * V - rate * g
    return p + V, V


def nesterov_velocity(p: Any, g: Any, V: Any, rate: Any, momentum: Any) -> Any:
    """``V`` as in `velocity`; ``W += momentum V - alpha dW``: one step ahead.

    >>> nesterov_velocity(p=1.0, g=2.0, V=-4.0, rate=0.5, momentum=0.5)
    (-1.5, -3.0)
    """
    V = momentum * V - rate * g
    return p + (momentum * V - rate * g), V


def rmsprop_inside(p: Any, g: Any, S: Any, rate: Any, beta: Any, rest: Any, epsilon: Any) -> Any:
    """``S = beta S + (1 - beta) dW^2``, ``W -= alpha dW / sqrt(S + epsilon)`` (N29).

    >>> p, S = rmsprop_inside(p=1.0, g=2.0, S=12.0, rate=0.5, beta=0.5, rest=0.5, epsilon=1.0)
    >>> round(float(p), 4), S  # 1 - 0.5 * 2 / sqrt(8 + 1)
    (0.6667, 8.0)
    """
    S = beta * S + rest * (g * g)
    return p - rate * (g / np.sqrt(S + epsilon)), S


def rmsprop_outside(p: Any, g: Any, S: Any, rate: Any, beta: Any, rest: Any, epsilon: Any) -> Any:
    """As `rmsprop_inside`, but ``sqrt(S) + epsilon``.

    >>> p, S = rmsprop_outside(p=1.0, g=2.0, S=14.0, rate=0.5, beta=0.5, rest=0.5, epsilon=1.0)
    >>> float(p), S  # 1 - 0.5 * 2 / (sqrt(9) + 1)
    (0.75, 9.0)
    """
    S = beta * S + rest * (g * g)
    return p - rate * (g / (np.sqrt(S) + epsilon)), S


def adam_inside(
    p: Any, g: Any, V: Any, S: Any,
    rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any, epsilon: Any, correct: Any,
) -> Any:  # fmt: skip
    """The notes' Adam (N30): ``W -= alpha Vhat / sqrt(Shat + epsilon)``.

    ``Vhat = V / (1 - beta1^t)`` is in ``rate``; ``Shat = S * correct^2``,
    ``correct = 1 / sqrt(1 - beta2^t)``.
    """
    V = beta1 * V + rest1 * g
    S = beta2 * S + rest2 * (g * g)
    return p - rate * (V / np.sqrt(S * (correct * correct) + epsilon)), V, S


def adam_outside(
    p: Any, g: Any, V: Any, S: Any,
    rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any, epsilon: Any, correct: Any,
) -> Any:  # fmt: skip
    """The paper's Adam: ``W -= alpha Vhat / (sqrt(Shat) + epsilon)``. Kingma and Ba 2015."""
    V = beta1 * V + rest1 * g
    S = beta2 * S + rest2 * (g * g)
    return p - rate * (V / (np.sqrt(S) * correct + epsilon)), V, S


def adam_before_correction(
    p: Any, g: Any, V: Any, S: Any,
    rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any, epsilon: Any,
) -> Any:  # fmt: skip
    """Keras' and scikit-learn's Adam (N30): ``W -= alpha' V / (sqrt(S) + epsilon)``.

    ``alpha' = alpha sqrt(1 - beta2^t) / (1 - beta1^t)``, in ``rate``, corrects both averages;
    epsilon is there before the correction and weighs more in the first steps.
    """
    V = beta1 * V + rest1 * g
    S = beta2 * S + rest2 * (g * g)
    return p - rate * (V / (np.sqrt(S) + epsilon)), V, S


def adamw_inside(
    p: Any, g: Any, V: Any, S: Any, rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any,
    epsilon: Any, correct: Any, keep: Any,
) -> Any:  # fmt: skip
    """As `adamw_outside`, with epsilon inside the root."""
    return adam_inside(
        p * keep, g, V, S, rate, beta1, rest1, beta2, rest2, epsilon, correct
    )  # fmt: skip


def adamw_outside(
    p: Any, g: Any, V: Any, S: Any, rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any,
    epsilon: Any, correct: Any, keep: Any,
) -> Any:  # fmt: skip
    """``W -= alpha weight_decay W`` before Adam's step. Loshchilov and Hutter 2019.

    Weights decay, biases do not unless a `ParameterGroup` says so; Keras and PyTorch decay all.
    """
    return adam_outside(
        p * keep, g, V, S, rate, beta1, rest1, beta2, rest2, epsilon, correct
    )  # fmt: skip


def adamw_before_correction(
    p: Any, g: Any, V: Any, S: Any, rate: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any,
    epsilon: Any, keep: Any,
) -> Any:  # fmt: skip
    """As `adamw_outside`, with epsilon before the bias correction."""
    return adam_before_correction(
        p * keep, g, V, S, rate, beta1, rest1, beta2, rest2, epsilon
    )  # fmt: skip
