"""Activations: one row each, forward ``a = g(z)`` and its derivative.

Where the derivative is a function of the output it is written so, as in the notes (tanh:
``1 - a^2``), and only the output is remembered; the others are functions of ``z``. All are
scalar expressions; an activation that mixes the rows of a column, as softmax does, has functions
for that in its row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.derivative import derivative
from fastnn.backend.expression import erf
from fastnn.backend.graph import Graph, trace
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.protocols import Shim
from fastnn.errors import ArgumentError, arg
from fastnn.registry import Option, Table, call_text, parse_choice
from fastnn.text import clipped

ScalarFunction = Callable[..., Any]


exponential_shifted = Kernel("exp_shifted", lambda z, top: np.exp(z - top))
divide = Kernel("divide", lambda e, total: e / total)
multiply = Kernel("multiply", lambda x, y: x * y)
softmax_delta = Kernel("softmax_delta", lambda dA, a, total: a * (dA - total))


def softmax_forward(
    xp: Shim, Z: Array, *, top: Array = None, total: Array = None, A: Array = None
) -> Array:
    """``A = e^Z / sum(e^Z)`` over ``axis=0`` (N6), shifted by the column maximum.

    ``Z``, ``A``: (K, m); ``top``, ``total``: (1, m), scratch.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> softmax_forward(CpuBackend(), np.array([[1000.0], [1000.0]])).ravel().tolist()
    [0.5, 0.5]
    """
    top = xp.max(Z, axis=0, keepdims=True, out=top)
    A = xp.apply(exponential_shifted, Z, top, out=A)
    total = xp.sum(A, axis=0, keepdims=True, out=total)
    return xp.apply(divide, A, total, out=A)


def softmax_backward(
    xp: Shim, dA: Array, A: Array, *, product: Array = None, total: Array = None, dZ: Array = None
) -> Array:
    """``dZ = A * (dA - sum(dA * A, axis=0))``: softmax in a hidden layer.

    ``dA``, ``A``, ``dZ``, ``product``: (K, m); ``total``: (1, m).

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> A, dA = np.array([[0.5], [0.5]]), np.array([[1.0], [0.0]])
    >>> softmax_backward(CpuBackend(), dA, A).ravel().tolist()
    [0.25, -0.25]
    """
    product = xp.apply(multiply, dA, A, out=product)
    total = xp.sum(product, axis=0, keepdims=True, out=total)
    return xp.apply(softmax_delta, dA, A, total, out=dZ)


@dataclass(frozen=True, eq=False)
class ColumnScratch:
    """What an activation over columns works with: (1, m) twice, and (n, m) for its way back."""

    top: Array = None
    total: Array = None
    product: Array = None


NO_SCRATCH = ColumnScratch()


@dataclass(frozen=True)
class OverColumns:
    """What an activation does that mixes the rows of a column, in place.

    It follows the elementwise part, which is ``g(z) = z`` then. ``forward(xp, A, scratch)`` turns
    that into the activations; ``backward(xp, dA, A, scratch)`` turns their gradient into its.
    """

    forward: Callable[[Shim, Array, ColumnScratch], Array]
    backward: Callable[[Shim, Array, Array, ColumnScratch], Array]


SOFTMAX = OverColumns(
    forward=lambda xp, A, s: softmax_forward(xp, A, top=s.top, total=s.total, A=A),
    backward=lambda xp, dA, A, s: softmax_backward(
        xp, dA, A, product=s.product, total=s.total, dZ=dA
    ),
)


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


_ALPHA = Option("alpha", 1.0, low=0.0, open_low=True)
_SELU_SCALE = 1.0507009873554805  # Klambauer et al. 2017: fixed point of mean 0, variance 1
_SELU_ALPHA = 1.6732632423543772
_relu_family = partial(Activation, gain=math.sqrt(2), initializer="he_normal")

ACTIVATIONS: Table[Activation] = Table(
    "activation",
    [
        Activation("identity", lambda z: z, lambda a: 1.0, aliases=("linear",)),
        Activation("sigmoid", sigmoid, lambda a: a * (1 - a), aliases=("logistic",)),
        Activation("tanh", lambda z: np.tanh(z), lambda a: 1 - a * a, gain=4.0),  # N3
        _relu_family(  # N4
            "relu",
            lambda z: np.maximum(z, 0.0),
            lambda a: np.where(a > 0, 1.0, 0.0),  # 0 at z = 0
        ),
        _relu_family(  # N5
            "leaky_relu",
            lambda z, slope: np.where(z > 0, z, slope * z),
            lambda a, slope: np.where(a > 0, 1.0, slope),  # slope at z = 0
            options=(Option("slope", 0.01, low=0.0, high=1.0),),
        ),
        _relu_family(
            "elu",
            lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0))),
            lambda a, alpha: np.where(a > 0, 1.0, a + alpha),
            options=(_ALPHA,),
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
        ),
        _relu_family(
            "gelu",
            lambda z: z * (0.5 * (1 + erf(z / math.sqrt(2)))),
            _gelu_derivative,
            from_output=False,
        ),
        _relu_family(
            "silu",
            lambda z: z * sigmoid(z),
            _silu_derivative,
            from_output=False,
            aliases=("swish",),
        ),
        _relu_family(
            "mish",
            lambda z: z * np.tanh(softplus(z)),
            _mish_derivative,
            from_output=False,
        ),
        _relu_family("softplus", softplus, lambda a: -np.expm1(-a)),
        Activation("exponential", lambda z: np.exp(z), lambda a: a, aliases=("exp",)),
        Activation("softmax", lambda z: z, lambda a: 1.0, over_columns=SOFTMAX),
    ],
)


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
