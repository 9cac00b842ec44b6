"""Losses: one row each, the value of one example's output and its derivative.

The cost of a batch is ``J = 1/m sum_i w_i sum_k L(output_ki, y_ki)`` with ``w_i = 1`` unless
weights are given. The cross-entropies and Poisson are functions of the *logit* ``z``: nothing
overflows, and the output delta is the notes' ``A - Y`` (N12). Their output activation, the
*link*, is fixed. The other losses are functions of the output ``a = g(z)`` of any activation;
their delta is ``dL/da * g'(z)``, for the squared error ``(a - y) * g'(z)``.

The definitions are the notes': a half in the squared error, and the outputs summed. ``factor``
multiplies value and delta, so that "squared_error(factor=2)" is the mean squared error of one
output. `Sequential` sets it where a name is Keras', whose losses are means over the outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastnn.backend.derivative import derivative
from fastnn.backend.graph import Graph, trace
from fastnn.errors import ArgumentError, arg
from fastnn.nn.activations import sigmoid
from fastnn.registry import About, Option, Table, call_text, parse_choice
from fastnn.text import clipped

ScalarFunction = Callable[..., Any]


@dataclass(frozen=True)
class Loss:
    """One row of the table."""

    name: str
    value: ScalarFunction  # L(z, y) if from_logits else L(a, y)
    delta: ScalarFunction  # dL/dz or dL/da
    link: str = "identity"  # the output activation; fixed if from_logits, else a default
    from_logits: bool = False
    tasks: tuple[str, ...] = ("regression",)
    lowest_target: float = -math.inf
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    about: About = field(kw_only=True)


_SMOOTHING = Option(
    "label_smoothing", 0.0, low=0.0, high=1.0, open_high=True,
    says="share by which the targets move towards uniform",
)  # fmt: skip
_FACTOR = Option("factor", 1.0, low=0.0, open_low=True, says="times loss and gradient")


def _smooth(y: Any, label_smoothing: float) -> Any:
    """``y (1 - s) + s / 2``: a target of two classes moved towards one half."""
    return y * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y


def _huber(a: Any, y: Any, delta: float) -> Any:
    e = abs(a - y)
    return np.where(e <= delta, 0.5 * e * e, delta * (e - 0.5 * delta))


LOSSES: Table[Loss] = Table(
    "loss",
    [
        Loss(
            "binary_crossentropy",  # N8; summed over several outputs, N9
            lambda z, y, label_smoothing: (
                np.maximum(z, 0.0) - z * _smooth(y, label_smoothing) + np.log1p(np.exp(-abs(z)))
            ),
            lambda z, y, label_smoothing: sigmoid(z) - _smooth(y, label_smoothing),
            link="sigmoid",
            from_logits=True,
            tasks=("binary", "multilabel"),
            aliases=("multilabel_crossentropy",),
            options=(_SMOOTHING, _FACTOR),
            about=About(
                "a = 1 / (1 + e^-z); L = -y log(a) - (1 - y) log(1 - a); dL/dz = a - y",
                "Two classes, or several labels, each of which is there or not.",
                "N8, N9, N12",
            ),
        ),
        # N10. It mixes the outputs of an example: `output.output_gradient` computes it.
        Loss(
            "categorical_crossentropy",
            lambda z, y, label_smoothing: z,
            lambda z, y, label_smoothing: z,
            link="softmax",
            from_logits=True,
            tasks=("multiclass", "binary"),
            aliases=("softmax_crossentropy",),
            options=(_SMOOTHING,),
            about=About(
                "a_k = e^z_k / sum_j e^z_j; L = -sum_k y_k log(a_k); dL/dz_k = a_k - y_k",
                "One of several classes.",
                "N10, N12",
            ),
        ),
        Loss(
            "squared_error",
            lambda a, y: 0.5 * (a - y) * (a - y),
            lambda a, y: a - y,
            tasks=("regression", "binary", "multilabel"),
            aliases=("mse", "mean_squared_error"),
            options=(_FACTOR,),
            about=About(
                "L = 1/2 (a - y)^2; dL/da = a - y",
                "Numbers: the model predicts their mean. Large errors count most.",
                "N12; Keras' mean squared error is factor=2",
            ),
        ),
        Loss(
            "absolute_error",
            lambda a, y: abs(a - y),
            lambda a, y: np.sign(a - y),
            aliases=("mae", "mean_absolute_error"),
            options=(_FACTOR,),
            about=About(
                "L = |a - y|; dL/da = sign(a - y)",
                "Numbers: the model predicts their median. Outliers count little.",
                "Laplace 1774",
            ),
        ),
        Loss(
            "huber",
            _huber,
            lambda a, y, delta: np.minimum(np.maximum(a - y, -delta), delta),
            options=(
                Option("delta", 1.0, low=0.0, open_low=True, says="from where on it is linear"),
                _FACTOR,
            ),
            about=About(
                "L = 1/2 (a - y)^2 if |a - y| <= delta, else delta (|a - y| - delta / 2); "
                "dL/da = min(max(a - y, -delta), delta)",
                "Numbers with outliers: squared near 0, absolute beyond delta.",
                "Huber 1964",
            ),
        ),
        Loss(
            "poisson",
            lambda z, y: np.exp(z) - y * z,
            lambda z, y: np.exp(z) - y,
            link="exponential",
            from_logits=True,
            lowest_target=0.0,
            options=(_FACTOR,),
            about=About(
                "a = e^z; L = a - y z; dL/dz = a - y",
                "Counts, 0 and more.",
                "McCullagh and Nelder 1989",
            ),
        ),
        Loss(
            "quantile",
            lambda a, y, quantile: np.where(y > a, quantile * (y - a), (1 - quantile) * (a - y)),
            lambda a, y, quantile: np.where(y > a, -quantile, 1 - quantile),
            options=(
                Option(
                    "quantile", 0.5, low=0.0, high=1.0, open_low=True, open_high=True,
                    says="the share of targets below the prediction",
                ),
                _FACTOR,
            ),
            aliases=("pinball",),
            about=About(
                "L = quantile (y - a) if y > a, else (1 - quantile) (a - y); "
                "dL/da = -quantile if y > a, else 1 - quantile",
                "Numbers: the model predicts a quantile, such as 0.9 for a bound that nine of ten "
                "stay below.",
                "Koenker and Bassett 1978",
            ),
        ),
    ],
)  # fmt: skip


@dataclass(frozen=True)
class LossFunction:
    """A loss with its options filled in: what a network minimises."""

    name: str
    options: Mapping[str, Any]
    value: ScalarFunction
    delta: ScalarFunction
    link: str
    from_logits: bool
    tasks: tuple[str, ...]
    lowest_target: float = -math.inf
    expression: Graph | None = None  # of a user's own loss

    @property
    def quantile(self) -> float | None:
        """Which quantile of the target the network learns; None: of another loss.

        >>> loss("quantile(quantile=0.9)").quantile, loss("huber").quantile
        (0.9, None)
        """
        return float(self.options["quantile"]) if self.name == "quantile" else None

    def __str__(self) -> str:
        factor = self.options.get("factor", 1.0)
        return self.name if factor == 1 else f"{self.name}(factor={factor:g})"

    def __repr__(self) -> str:
        return f"<loss {clipped(call_text(self.name, self.options), 80)}>"

    def to_json(self) -> dict[str, Any]:
        """Return the closed form that a model file keeps."""
        if self.expression is not None:
            return {"name": "custom", "expression": self.expression.to_json()}
        return {"name": self.name, **self.options}


def custom_loss(function: ScalarFunction | Graph, *, name: str = "custom") -> LossFunction:
    """Return a user's own loss ``L(a, y)`` of one output ``a`` and its target ``y``.

    Its derivative is found by the compiler; outputs are summed, examples averaged.

    >>> log_cosh = custom_loss(lambda a, y: np.log(np.exp(a - y) + np.exp(y - a)))
    >>> round(float(log_cosh.delta(2.0, 1.0)), 6)  # tanh(1)
    0.761594

    Raises ArgumentError if the function does not take two arguments or is not elementwise.
    """
    graph = function if isinstance(function, Graph) else trace(function)
    if len(graph.inputs) != 2 or len(graph.outputs) != 1:
        raise ArgumentError(
            f"a {arg('loss')} is a function of two arguments, the output a and the target y, with "
            f"one result; found {len(graph.inputs)} arguments and {len(graph.outputs)} results"
        )
    slope = derivative(graph, 0)
    return LossFunction(
        name=name,
        options={},
        value=lambda a, y: graph.evaluate(a, y)[0],
        delta=lambda a, y: slope.evaluate(a, y)[0],
        link="identity",
        from_logits=False,
        tasks=("regression", "binary", "multilabel"),
        expression=graph,
    )


def loss(spec: object) -> LossFunction:
    """Return the loss of a name, ``"name(option=value)"``, a dict, or an expression.

    >>> loss("huber(delta=2)").to_json()
    {'name': 'huber', 'delta': 2.0}
    >>> print(loss("mse(factor=2)"), loss("mse(factor=2)").value(3.0, 1.0))  # 2 * 1/2 (3 - 1)^2
    squared_error(factor=2) 4.0
    """
    if isinstance(spec, LossFunction):
        return spec
    if callable(spec):
        return custom_loss(spec)
    if isinstance(spec, Mapping) and spec.get("name") == "custom" and len(spec) == 2:
        return custom_loss(Graph.from_json(spec.get("expression")))
    name, given = parse_choice(spec, "loss")
    row, options = LOSSES[name], LOSSES.options(name, given)
    factor = options.pop("factor", 1.0)  # a factor of 1 is not there: in no kernel, in no file

    def times(function: ScalarFunction) -> ScalarFunction:
        if factor == 1:
            return lambda t, y: function(t, y, **options)
        return lambda t, y: factor * function(t, y, **options)

    return LossFunction(
        name=row.name,
        options=options if factor == 1 else {**options, "factor": factor},
        value=times(row.value),
        delta=times(row.delta),
        link=row.link,
        from_logits=row.from_logits,
        tasks=row.tasks,
        lowest_target=row.lowest_target,
    )


#: The loss that a task gets unless another is chosen.
DEFAULT_LOSSES = {
    "binary": "binary_crossentropy",
    "multiclass": "categorical_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "squared_error",
}
