"""Optimisers, for one parameter: its new value from its gradient (N25, N28 to N30).

All take the parameter p, its gradient g, its moments VS (0 before the first step), the step
number t (from 1) and the learning rate, then constants of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Moments = tuple[float, float]  # V and S of one parameter
Updated = tuple[float, Moments]  # the parameter and its moments after a step


def gradient_descent(p: float, g: float, VS: Moments, t: int, rate: float) -> Updated:
    """Return the parameter after a step of ``p := p - rate g`` (N25, N26), and its moments.

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


def velocity(
    p: float, g: float, VS: Moments, t: int, rate: float, momentum: float = 0.9
) -> Updated:
    """``V := momentum V - rate g``, ``p := p + V``: Keras' form of the momentum.

    >>> velocity(1.0, 2.0, (-4.0, 0.0), t=2, rate=0.5, momentum=0.5)
    (-2.0, (-3.0, 0.0))
    """
    V = momentum * VS[0] - rate * g
    return p + V, (V, 0.0)


def nesterov_velocity(
    p: float, g: float, VS: Moments, t: int, rate: float, momentum: float = 0.9
) -> Updated:
    """V as in velocity, looking one step ahead: ``p := p + momentum V - rate g``.

    >>> nesterov_velocity(1.0, 2.0, (-4.0, 0.0), t=2, rate=0.5, momentum=0.5)
    (-1.5, (-3.0, 0.0))
    """
    V = momentum * VS[0] - rate * g
    return p + momentum * V - rate * g, (V, 0.0)


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
    g^2``, ``Shat = S / (1 - beta2^t)``: V and S start at 0, and the division undoes that. With
    "before_correction" epsilon comes before it: ``(sqrt(S) + epsilon) / sqrt(1 - beta2^t)``.

    >>> adam(1.0, 2.0, (0.0, 0.0), t=1, rate=0.5, beta1=0.5, beta2=0.5, epsilon=2.0)
    (0.75, (1.0, 2.0))
    """
    V = beta1 * VS[0] + (1 - beta1) * g
    S = beta2 * VS[1] + (1 - beta2) * g * g
    V_hat, S_hat = V / (1 - beta1**t), S / (1 - beta2**t)
    if epsilon_placement == "before_correction":
        return p - rate * V_hat * math.sqrt(1 - beta2**t) / (math.sqrt(S) + epsilon), (V, S)
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
    "velocity": velocity,
    "nesterov_velocity": nesterov_velocity,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}
