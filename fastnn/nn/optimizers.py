"""Optimisers: one row each, an update rule with its options and what changes from step to step.

The rule is a scalar expression; all parameters lie in one flat buffer, so it runs once over all
of them. What changes from step to step (learning rate, bias corrections) does not depend on the
parameters: the host computes these *coefficients* for a whole epoch in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.kernel import Kernel
from fastnn.nn import update_rules as rules
from fastnn.registry import About, Option, Table, parse_choice

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
    about: About = field(kw_only=True)


def _descent_coefficients(t: FloatArray, rate: FloatArray) -> Coefficients:
    return {"rate": rate}


def _velocity_coefficients(t: FloatArray, rate: FloatArray, momentum: float) -> Coefficients:
    return {"rate": rate, "momentum": momentum}


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


def _before_correction(corrected: Callable[..., Coefficients]) -> Callable[..., Coefficients]:
    """Take ``correct`` into the rate: ``alpha sqrt(1 - beta2^t) / (1 - beta1^t)``."""

    def coefficients(t: FloatArray, rate: FloatArray, **options: float) -> Coefficients:
        found = corrected(t, rate, **options)
        correct = found.pop("correct")
        return {**found, "rate": found["rate"] / correct}

    return coefficients


def _fraction(name: str, default: float, says: str) -> Option:
    return Option(name, default, low=0.0, high=1.0, open_high=True, says=says)


_EPSILON = Option(
    "epsilon", 1e-8, low=0.0, open_low=True, says="keeps the step finite where S is 0"
)
_BETA = _fraction("beta", 0.9, "what is kept of the average in each step")
_MOMENTUM = _fraction("momentum", 0.9, "what is kept of the velocity in each step")


def _placement(default: str, *more: str) -> Option:
    return Option(
        "epsilon_placement", default,
        choices=("outside", "inside", *more),
        says="the notes' sqrt(S + epsilon) is inside, sqrt(S) + epsilon outside"
        + "; before_correction is Keras' and scikit-learn's" * bool(more),
    )  # fmt: skip


_ADAM = (
    _fraction("beta1", 0.9, "what is kept of V in each step"),
    _fraction("beta2", 0.999, "what is kept of S in each step"),
    _EPSILON,
    _placement("outside", "before_correction"),
)
_MOMENTS = (
    "V = beta1 V + (1 - beta1) dW; S = beta2 S + (1 - beta2) dW^2; "
    "Vhat = V / (1 - beta1^t); Shat = S / (1 - beta2^t)"
)
_ADAM_STEP = "W = W - alpha Vhat / (sqrt(Shat) + epsilon)"


OPTIMIZERS: Table[Optimizer] = Table(
    "optimizer",
    [
        Optimizer(
            "gradient_descent", (), rules.gradient_descent, _descent_coefficients,
            aliases=("sgd",),
            learning_rate=0.1,
            about=About(
                "W = W - alpha dW",
                "A step down the gradient, alpha being the learning rate.",
                "N25",
            ),
        ),
        Optimizer(
            "momentum", ("V",), rules.momentum, _momentum_coefficients,
            options=(_BETA,),
            learning_rate=0.1,
            about=About(
                "V = beta V + (1 - beta) dW; W = W - alpha V",
                "Steps along an average of the gradients: what changes its sign from step to "
                "step cancels out.",
                "N28",
            ),
        ),
        Optimizer(
            "nesterov", ("V",), rules.nesterov, _momentum_coefficients,
            options=(_BETA,),
            learning_rate=0.1,
            about=About(
                "V = beta V + (1 - beta) dW; W = W - alpha (beta V + (1 - beta) dW)",
                "Momentum, one step ahead.",
                "Nesterov 1983; Sutskever et al. 2013",
            ),
        ),
        Optimizer(
            "velocity", ("V",), rules.velocity, _velocity_coefficients,
            options=(_MOMENTUM,),
            about=About(
                "V = momentum V - alpha dW; W = W + V",
                "Momentum as Keras and scikit-learn have it: at one learning rate the momentum "
                "of the notes with alpha / (1 - beta).",
                "N28; Polyak 1964",
            ),
        ),
        Optimizer(
            "nesterov_velocity", ("V",), rules.nesterov_velocity, _velocity_coefficients,
            options=(_MOMENTUM,),
            about=About(
                "V = momentum V - alpha dW; W = W + momentum V - alpha dW",
                "Velocity, one step ahead.",
                "Nesterov 1983; Sutskever et al. 2013",
            ),
        ),
        Optimizer(
            "rmsprop", ("S",), rules.rmsprop_inside, _rmsprop_coefficients,
            options=(_BETA, _EPSILON, _placement("inside")),
            learning_rate=0.001,
            about=About(
                "S = beta S + (1 - beta) dW^2; W = W - alpha dW / sqrt(S + epsilon)",
                "Each weight's step is divided by the size of its gradients: steps of one size "
                "in steep and in flat directions.",
                "N29; Tieleman and Hinton 2012",
            ),
        ),
        Optimizer(
            "adam", ("V", "S"), rules.adam_outside, _adam_coefficients,
            options=_ADAM,
            learning_rate=0.001,
            about=About(
                f"{_MOMENTS}; {_ADAM_STEP}",
                "Momentum and RMSprop together, corrected for their start at 0; t counts the "
                "steps. The default.",
                "N30; Kingma and Ba 2015, https://arxiv.org/abs/1412.6980",
            ),
        ),
        Optimizer(
            "adamw", ("V", "S"), rules.adamw_outside, _adamw_coefficients,
            options=(
                *_ADAM,
                Option("weight_decay", 0.01, low=0.0, says="by which weights, not biases, shrink"),
            ),
            learning_rate=0.001,
            about=About(
                f"{_MOMENTS}; W = W - alpha weight_decay W; {_ADAM_STEP}",
                "Adam, and each step shrinks the weights by alpha weight_decay of themselves; "
                "biases keep theirs.",
                "Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101",
            ),
        ),
    ],
)  # fmt: skip

#: Update and coefficients where epsilon is not in the place that the row has it.
_OTHER_PLACEMENT: Mapping[
    tuple[str, str], tuple[Callable[..., Any], Callable[..., Coefficients]]
] = {
    ("rmsprop", "outside"): (rules.rmsprop_outside, _rmsprop_coefficients),
    ("adam", "inside"): (rules.adam_inside, _adam_coefficients),
    ("adam", "before_correction"): (
        rules.adam_before_correction,
        _before_correction(_adam_coefficients),
    ),
    ("adamw", "inside"): (rules.adamw_inside, _adamw_coefficients),
    ("adamw", "before_correction"): (
        rules.adamw_before_correction,
        _before_correction(_adamw_coefficients),
    ),
}


def _placed(
    row: Optimizer, options: Mapping[str, Any]
) -> tuple[Callable[..., Any], Callable[..., Coefficients]]:
    """Return update and coefficients for the place of epsilon in ``options``."""
    place = str(options.get("epsilon_placement"))
    return _OTHER_PLACEMENT.get((row.name, place), (row.update, row.coefficients))


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
        _, made = _placed(OPTIMIZERS[self.name], self.options)
        columns = made(t, rate, **options)
        table = np.empty((len(t), len(columns)))
        for j, column in enumerate(columns.values()):
            table[:, j] = column
        return table

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}


def optimizer(spec: object) -> OptimizerRule:
    """Return the optimiser of a name, ``"name(option=value)"`` or a dict.

    >>> optimizer("rmsprop(beta=0.95)").options["epsilon_placement"]
    'inside'
    >>> optimizer("adam(decay=0.9)")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: optimizer 'adam' has no option 'decay' (its options: ...
    """
    if isinstance(spec, OptimizerRule):
        return spec
    name, given = parse_choice(spec, "optimizer")
    row, options = OPTIMIZERS[name], OPTIMIZERS.options(name, given)
    return OptimizerRule(
        name=row.name,
        options=options,
        state=row.state,
        update=_placed(row, options)[0],
        learning_rate=row.learning_rate,
    )
