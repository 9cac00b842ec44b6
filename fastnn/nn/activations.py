"""Activations: one row each, forward ``a = g(z)`` and its derivative.

Where the derivative is a function of the output it is written so, as in the notes (tanh:
``1 - a^2``), and only the output is remembered; the others are functions of ``z``. All are
scalar expressions; an activation that mixes the rows of a column, as softmax does, has functions
for that in its row (`fastnn.nn.softmax`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.derivative import derivative
from fastnn.backend.expression import erf
from fastnn.backend.graph import Graph, trace
from fastnn.errors import ArgumentError, arg
from fastnn.nn.softmax import SOFTMAX, OverColumns
from fastnn.registry import About, Option, Table, call_text, parse_choice
from fastnn.text import clipped

ScalarFunction = Callable[..., Any]


@dataclass(frozen=True)
class Activation:
    """One row of the table."""

    name: str
    forward: ScalarFunction  # g(z)
    derivative: ScalarFunction  # g'(a) if from_output else g'(z)
    from_output: bool = True
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    gain: float = 1.0  # factor of the Xavier initialisation (N23)
    initializer: str = "glorot_uniform"
    over_columns: OverColumns | None = None
    about: About = field(kw_only=True)


def sigmoid(z: Any) -> Any:
    """``1 / (1 + e^-z)`` (N2), written with ``e^-|z|`` so that nothing overflows.

    >>> float(sigmoid(0.0)), float(sigmoid(-1000.0))
    (0.5, 0.0)
    """
    e = np.exp(-abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z: Any) -> Any:
    """``log(1 + e^z)``, without overflow.

    >>> round(float(softplus(0.0)), 4), float(softplus(1000.0))
    (0.6931, 1000.0)
    """
    return np.maximum(z, 0.0) + np.log1p(np.exp(-abs(z)))


def _gelu_derivative(z: Any) -> Any:
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + erf(z / math.sqrt(2))) + z * density


def _silu_derivative(z: Any) -> Any:
    s = sigmoid(z)
    return s * (1 + z * (1 - s))


def _mish_derivative(z: Any) -> Any:
    w = np.tanh(softplus(z))
    return w + z * sigmoid(z) * (1 - w * w)


_ALPHA = Option("alpha", 1.0, low=0.0, open_low=True, says="the limit far below 0 is -alpha")
_SELU_SCALE = 1.0507009873554805  # Klambauer et al. 2017: fixed point of mean 0, variance 1
_SELU_ALPHA = 1.6732632423543772
_relu_family = partial(Activation, gain=math.sqrt(2), initializer="he_normal")

ACTIVATIONS: Table[Activation] = Table(
    "activation",
    [
        Activation(
            "identity", lambda z: z, lambda a: 1.0,
            aliases=("linear",),
            about=About("a = z; g' = 1", "Any number: the output of a regression.", "N1"),
        ),
        Activation(
            "sigmoid", sigmoid, lambda a: a * (1 - a),
            aliases=("logistic",),
            about=About(
                "a = 1 / (1 + e^-z); g' = a (1 - a)",
                "From 0 to 1: a probability, the output for two classes. Its slope is 1/4 at "
                "most, so gradients vanish in deep networks.",
                "N2",
            ),
        ),
        Activation(
            "tanh", lambda z: np.tanh(z), lambda a: 1 - a * a,
            gain=4.0,
            about=About(
                "a = (e^z - e^-z) / (e^z + e^-z); g' = 1 - a^2",
                "From -1 to 1, a scaled sigmoid around 0: better than it in hidden layers; its "
                "gradients vanish, too, far from 0.",
                "N3",
            ),
        ),
        _relu_family(
            "relu", lambda z: np.maximum(z, 0.0), lambda a: np.where(a > 0, 1.0, 0.0),
            about=About(
                "a = max(0, z); g' = 1 if a > 0, else 0",
                "The default of hidden layers: no gradient vanishes where a unit is on. A unit "
                "that is off for every example learns nothing.",
                "N4",
            ),
        ),
        _relu_family(
            "leaky_relu",
            lambda z, slope: np.where(z > 0, z, slope * z),
            lambda a, slope: np.where(a > 0, 1.0, slope),  # slope at z = 0
            options=(Option("slope", 0.01, low=0.0, high=1.0, says="the slope below 0"),),
            about=About(
                "a = z if z > 0, else slope z; g' = 1 if a > 0, else slope",
                "ReLU with a small slope below 0, so that no unit is dead.",
                "N5",
            ),
        ),
        _relu_family(
            "elu",
            lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0))),
            lambda a, alpha: np.where(a > 0, 1.0, a + alpha),
            options=(_ALPHA,),
            about=About(
                "a = z if z > 0, else alpha (e^z - 1); g' = 1 if a > 0, else a + alpha",
                "ReLU with a curve below 0, which brings the mean of a layer nearer to 0.",
                "Clevert et al. 2016, https://arxiv.org/abs/1511.07289",
            ),
        ),
        Activation(
            "selu",
            lambda z: np.where(
                z > 0,
                _SELU_SCALE * z,
                _SELU_SCALE * _SELU_ALPHA * np.expm1(np.minimum(z, 0.0)),
            ),
            lambda a: np.where(a > 0, _SELU_SCALE, a + _SELU_SCALE * _SELU_ALPHA),
            initializer="lecun_normal",
            about=About(
                "a = 1.0507 z if z > 0, else 1.7581 (e^z - 1); "
                "g' = 1.0507 if a > 0, else a + 1.7581",
                "ELU scaled so that mean 0 and variance 1 are kept from layer to layer, with "
                "lecun_normal weights.",
                "Klambauer et al. 2017, https://arxiv.org/abs/1706.02515",
            ),
        ),
        _relu_family(
            "gelu",
            lambda z: z * (0.5 * (1 + erf(z / math.sqrt(2)))),
            _gelu_derivative,
            from_output=False,
            about=About(
                "P = 1/2 (1 + erf(z / sqrt(2))); a = z P; g' = P + z e^(-z^2 / 2) / sqrt(2 pi)",
                "z times the share of a normal distribution below z: a smooth ReLU, usual in "
                "transformers.",
                "Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415",
            ),
        ),
        _relu_family(
            "silu",
            lambda z: z * sigmoid(z),
            _silu_derivative,
            from_output=False,
            aliases=("swish",),
            about=About(
                "s = 1 / (1 + e^-z); a = z s; g' = s (1 + z (1 - s))",
                "z times its sigmoid: a smooth ReLU.",
                "Elfwing et al. 2018, https://arxiv.org/abs/1702.03118",
            ),
        ),
        _relu_family(
            "mish",
            lambda z: z * np.tanh(softplus(z)),
            _mish_derivative,
            from_output=False,
            about=About(
                "w = tanh(log(1 + e^z)); a = z w; g' = w + z (1 - w^2) / (1 + e^-z)",
                "z times tanh of its softplus: a smooth ReLU.",
                "Misra 2019, https://arxiv.org/abs/1908.08681",
            ),
        ),
        _relu_family(
            "softplus", softplus, lambda a: -np.expm1(-a),
            about=About(
                "a = log(1 + e^z); g' = 1 - e^-a",
                "A smooth ReLU that is above 0 everywhere: an output that must be positive.",
                "Dugas et al. 2001",
            ),
        ),
        Activation(
            "exponential", lambda z: np.exp(z), lambda a: a,
            aliases=("exp",),
            about=About(
                "a = e^z; g' = a",
                "Above 0: the output for counts, with the loss poisson.",
                "McCullagh and Nelder 1989",
            ),
        ),
        Activation(
            "softmax", lambda z: z, lambda a: 1.0,
            over_columns=SOFTMAX,
            about=About(
                "a_k = e^z_k / sum_j e^z_j; da_k/dz_j = a_k ((1 if j = k, else 0) - a_j)",
                "Probabilities of K classes, which sum to 1: the output for several classes.",
                "N6",
            ),
        ),
    ],
)  # fmt: skip


@dataclass(frozen=True)
class ActivationFunction:
    """An activation with its options filled in: what a layer uses."""

    name: str
    options: Mapping[str, Any]
    forward: ScalarFunction
    derivative: ScalarFunction
    from_output: bool
    gain: float
    initializer: str
    expression: Graph | None = None  # of a user's own activation
    over_columns: OverColumns | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the closed form that a model file keeps."""
        if self.expression is not None:
            return {"name": "custom", "expression": self.expression.to_json()}
        return {"name": self.name, **self.options}

    def __repr__(self) -> str:
        return f"<activation {clipped(call_text(self.name, self.options), 80)}>"


def custom_activation(
    function: ScalarFunction | Graph, *, name: str = "custom"
) -> ActivationFunction:
    """Return a user's own activation, given as one expression of ``z`` in NumPy's functions.

    Its derivative is found by the compiler, it runs on every device, and a model that uses it
    can be saved: the file keeps the expression.

    >>> cube = custom_activation(lambda z: z ** 3)
    >>> float(cube.derivative(2.0))
    12.0

    Raises ArgumentError if the function takes more than one argument, branches on it, or uses
    something that is not elementwise.
    """
    graph = function if isinstance(function, Graph) else trace(function)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ArgumentError(
            f"an {arg('activation')} is a function of one argument with one result, found "
            f"{len(graph.inputs)} arguments and {len(graph.outputs)} results"
        )
    slope = derivative(graph)
    return ActivationFunction(
        name=name,
        options={},
        forward=lambda z: graph.evaluate(z)[0],
        derivative=lambda z: slope.evaluate(z)[0],
        from_output=False,
        gain=1.0,
        initializer="glorot_uniform",
        expression=graph,
    )


def activation(spec: object) -> ActivationFunction:
    """Return the activation of a name, ``"name(option=value)"``, a dict, or an expression.

    >>> activation("leaky_relu(slope=0.2)").to_json()
    {'name': 'leaky_relu', 'slope': 0.2}
    >>> activation("rellu")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: unknown activation 'rellu'; did you mean 'relu'? (known: ...
    """
    if isinstance(spec, ActivationFunction):
        return spec
    if callable(spec):
        return custom_activation(spec)
    if isinstance(spec, Mapping) and spec.get("name") == "custom" and len(spec) == 2:
        return custom_activation(Graph.from_json(spec.get("expression")))
    name, given = parse_choice(spec, "activation")
    row, options = ACTIVATIONS[name], ACTIVATIONS.options(name, given)
    return ActivationFunction(
        name=row.name,
        options=options,
        forward=lambda z: row.forward(z, **options),
        derivative=lambda t: row.derivative(t, **options),
        from_output=row.from_output,
        gain=row.gain,
        initializer=row.initializer,
        over_columns=row.over_columns,
    )
