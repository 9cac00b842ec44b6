"""Softmax over the units of a layer, and what a row says of an activation that mixes its units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.protocols import Shim

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
