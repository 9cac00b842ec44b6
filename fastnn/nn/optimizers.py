"""Optimisers: one row each, the update rule of one parameter ``p`` with gradient ``g``.

The rule is a scalar expression; all parameters lie in one flat buffer, so it runs once over all
of them. What changes from step to step (learning rate, bias corrections) does not depend on the
parameters: the host computes these *coefficients* for a whole epoch in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.kernel import Kernel
from fastnn.registry import Option, Table, parse_choice

FloatArray = npt.NDArray[np.float64]
Coefficients = dict[str, FloatArray | float]


@dataclass(frozen=True)
class Optimizer:
    """One row of the table.

    ``update(p, g, *state, *coefficients)`` returns the new ``p`` and the new state;
    ``coefficients(t, rate, **options)`` gives its last arguments, by name, for the step numbers
    ``t = 1, 2, ...`` and learning rates ``rate`` (float64 arrays of one length).
    """

    name: str
    state: tuple[str, ...]
    update: Callable[..., Any]
    coefficients: Callable[..., Coefficients]
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    learning_rate: float = 0.01  # the default


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
    """``W -= alpha weight_decay W`` before Adam's step. Loshchilov and Hutter 2019."""
    return adam_outside(
        p * keep, g, V, S, rate, beta1, rest1, beta2, rest2, epsilon, correct
    )  # fmt: skip


def _descent_coefficients(t: FloatArray, rate: FloatArray) -> Coefficients:
    return {"rate": rate}


def _momentum_coefficients(t: FloatArray, rate: FloatArray, beta: float) -> Coefficients:
    return {"rate": rate, "beta": beta, "rest": 1 - beta}


def _rmsprop_coefficients(
    t: FloatArray, rate: FloatArray, beta: float, epsilon: float
) -> Coefficients:
    return {"rate": rate, "beta": beta, "rest": 1 - beta, "epsilon": epsilon}


def _adam_coefficients(
    t: FloatArray, rate: FloatArray, beta1: float, beta2: float, epsilon: float
) -> Coefficients:
    return {
        "rate": rate / (1 - beta1**t),
        "beta1": beta1,
        "rest1": 1 - beta1,
        "beta2": beta2,
        "rest2": 1 - beta2,
        "epsilon": epsilon,
        "correct": 1 / np.sqrt(1 - beta2**t),
    }


def _adamw_coefficients(
    t: FloatArray, rate: FloatArray, weight_decay: float, **options: float
) -> Coefficients:
    return {**_adam_coefficients(t, rate, **options), "keep": 1 - rate * weight_decay}


def _fraction(name: str, default: float) -> Option:
    return Option(name, default, low=0.0, high=1.0, open_high=True)


_EPSILON = Option("epsilon", 1e-8, low=0.0, open_low=True)


def _placement(default: str) -> Option:
    return Option("epsilon_placement", default, choices=("outside", "inside"))


_ADAM = (_fraction("beta1", 0.9), _fraction("beta2", 0.999), _EPSILON, _placement("outside"))


OPTIMIZERS: Table[Optimizer] = Table(
    "optimizer",
    [
        Optimizer(
            "gradient_descent",
            (),
            gradient_descent,
            _descent_coefficients,
            aliases=("sgd",),
            learning_rate=0.1,
        ),
        Optimizer(
            "momentum",
            ("V",),
            momentum,
            _momentum_coefficients,
            options=(_fraction("beta", 0.9),),
            learning_rate=0.1,
        ),
        Optimizer(
            "nesterov",
            ("V",),
            nesterov,
            _momentum_coefficients,
            options=(_fraction("beta", 0.9),),
            learning_rate=0.1,
        ),
        Optimizer(
            "rmsprop",
            ("S",),
            rmsprop_inside,
            _rmsprop_coefficients,
            options=(_fraction("beta", 0.9), _EPSILON, _placement("inside")),
            learning_rate=0.001,
        ),
        Optimizer(
            "adam", ("V", "S"), adam_outside, _adam_coefficients, options=_ADAM, learning_rate=0.001
        ),
        Optimizer(
            "adamw",
            ("V", "S"),
            adamw_outside,
            _adamw_coefficients,
            options=(*_ADAM, Option("weight_decay", 0.01, low=0.0)),
            learning_rate=0.001,
        ),
    ],
)

_OTHER_PLACEMENT: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("rmsprop", "outside"): rmsprop_outside,
    ("adam", "inside"): adam_inside,
    ("adamw", "inside"): adamw_inside,
}


@dataclass(frozen=True)
class OptimizerRule:
    """An optimiser with its options filled in."""

    name: str
    options: Mapping[str, Any]
    state: tuple[str, ...]
    update: Callable[..., Any]
    learning_rate: float

    @cached_property
    def kernel(self) -> Kernel:
        """The update as one kernel over the flat parameters."""
        return Kernel(self.name, self.update)

    def coefficients(
        self, t: FloatArray, rate: FloatArray, weight_decay: float | None = None
    ) -> FloatArray:
        """Return the (len(t), k) table of the update's last arguments, float64.

        ``t``: step numbers from 1; ``rate``: their learning rates; ``weight_decay`` replaces
        the option of that name (AdamW, for one group of parameters).
        """
        options = {k: v for k, v in self.options.items() if k != "epsilon_placement"}
        if weight_decay is not None:
            options["weight_decay"] = weight_decay
        columns = OPTIMIZERS[self.name].coefficients(t, rate, **options)
        return np.stack([np.broadcast_to(c, t.shape) for c in columns.values()], axis=1)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}


def optimizer(spec: object) -> OptimizerRule:
    """Return the optimiser of a name, ``"name(option=value)"`` or a dict.

    >>> optimizer("rmsprop(beta=0.95)").options["epsilon_placement"]
    'inside'
    >>> optimizer("adam(momentum=0.9)")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: optimizer 'adam' has no option 'momentum' (its options: ...
    """
    if isinstance(spec, OptimizerRule):
        return spec
    name, given = parse_choice(spec, "optimizer")
    row, options = OPTIMIZERS[name], OPTIMIZERS.options(name, given)
    placement = options.get("epsilon_placement")
    return OptimizerRule(
        name=row.name,
        options=options,
        state=row.state,
        update=_OTHER_PLACEMENT.get((row.name, str(placement)), row.update),
        learning_rate=row.learning_rate,
    )
