"""A dense layer, forward and backward, examples as columns.

Shapes: ``W`` (n, k), ``b`` (n, 1), ``A_prev`` (k, m), ``Z``, ``A``, ``dZ`` (n, m). ``xp`` is the
shim: a backend computes at once, a recorder notes the calls. The factor 1/m of the gradients is
in ``dZ`` already (see `output`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.shim import Shim
from fastnn.nn.activations import ActivationFunction, softmax_backward, softmax_forward
from fastnn.nn.output import add_bias


@dataclass(frozen=True, eq=False)
class LayerArrays:
    """What a hidden layer works on. Arrays that a layer does not need are None."""

    Z: Array  # (n, m); the same memory as A where the derivative is a function of the output
    A: Array  # (n, m) activations
    dZ: Array = None  # (n, m); None where nothing is trained
    U: Array = None  # (n, m) float32 uniform numbers: dropout
    dropped: Array = None  # (n, m) activations after dropout
    top: Array = None  # (1, m) scratch of softmax
    total: Array = None  # (1, m) scratch of softmax
    product: Array = None  # (n, m) scratch of softmax's backward pass

    @property
    def output(self) -> Array:
        """What the next layer sees."""
        return self.A if self.dropped is None else self.dropped


@dataclass(frozen=True)
class HiddenKernels:
    """The kernels of a hidden layer: activation and dropout in one pass each way.

    >>> from fastnn.nn.activations import activation
    >>> print(HiddenKernels(activation("tanh"), dropout=0.0).backward)
    dtanh(dA, t):
        t1 = square(t)
        t2 = 1 - t1
        t3 = dA * t2
        return t3
    """

    g: ActivationFunction
    dropout: float

    @property
    def keeps_logits(self) -> bool:
        """Whether ``Z`` must be kept beside ``A`` for the backward pass."""
        return not self.g.from_output

    @cached_property
    def forward(self) -> Kernel:
        """``z, b -> [z + b,] g(z + b)``: the bias and the activation in one pass."""

        def activate(z: Any, b: Any) -> Any:
            z = z + b
            return (z, self.g.forward(z)) if self.keeps_logits else self.g.forward(z)

        return Kernel(self.g.name, activate)

    @cached_property
    def backward(self) -> Kernel:
        """``dA, t -> dA * g'(t)`` (N13); ``t`` is the output or the logit."""
        return Kernel(f"d{self.g.name}", lambda dA, t: dA * self.g.derivative(t))

    @cached_property
    def drop(self) -> Kernel:
        """``a, u -> a / (1 - p)`` where u >= p, else 0: inverted dropout."""
        return Kernel("dropout", self._drop)

    def _drop(self, a: Any, u: Any) -> Any:
        return np.where(u >= self.dropout, a * (1 / (1 - self.dropout)), 0.0)

    @cached_property
    def backward_dropped(self) -> Kernel:
        """`drop` and `backward` in one pass."""
        return Kernel(
            f"d{self.g.name}_dropout",
            lambda dA, t, u: self._drop(dA, u) * self.g.derivative(t),
        )


def linear(xp: Shim, W: Array, b: Array, A_prev: Array, *, Z: Array = None) -> Array:
    """``Z = W A_prev + b`` (N1).

    >>> from fastnn.backend.cpu.backend import NumpyBackend
    >>> W, b, X = np.array([[1.0, 2.0]]), np.array([[10.0]]), np.array([[1.0], [2.0]])
    >>> linear(NumpyBackend(), W, b, X)
    array([[15.]])
    """
    Z = xp.dot(W, A_prev, out=Z)
    return xp.apply(add_bias, Z, b, out=Z)


def hidden_forward(
    xp: Shim, W: Array, b: Array, A_prev: Array, kernels: HiddenKernels, x: LayerArrays
) -> Array:
    """``Z = W A_prev + b``, ``A = g(Z)`` (N1), then dropout; return what the next layer sees."""
    if kernels.g.name == "softmax":
        linear(xp, W, b, A_prev, Z=x.Z)
        softmax_forward(xp, x.Z, top=x.top, total=x.total, A=x.A)
    else:
        xp.dot(W, A_prev, out=x.Z)
        xp.apply(kernels.forward, x.Z, b, out=(x.Z, x.A) if kernels.keeps_logits else x.A)
    if x.dropped is not None:
        xp.apply(kernels.drop, x.A, x.U, out=x.dropped)
    return x.output


def hidden_backward(
    xp: Shim, W_next: Array, dZ_next: Array, kernels: HiddenKernels, x: LayerArrays
) -> Array:
    """``dZ = W_next^T dZ_next * g'(Z)`` (N13)."""
    dA = xp.dot(W_next.T, dZ_next, out=x.dZ)
    if kernels.g.name == "softmax":
        if x.dropped is not None:
            xp.apply(kernels.drop, dA, x.U, out=dA)
        return softmax_backward(xp, dA, x.A, product=x.product, total=x.total, dZ=x.dZ)
    t = x.Z if kernels.keeps_logits else x.A
    if x.dropped is not None:
        return xp.apply(kernels.backward_dropped, dA, t, x.U, out=x.dZ)
    return xp.apply(kernels.backward, dA, t, out=x.dZ)


def gradients(
    xp: Shim, dZ: Array, A_prev: Array, *, dW: Array = None, db: Array = None
) -> tuple[Array, Array]:
    """``dW = dZ A_prev^T``, ``db = sum(dZ, axis=1, keepdims=True)`` (N14).

    >>> from fastnn.backend.cpu.backend import NumpyBackend
    >>> dW, db = gradients(NumpyBackend(), np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    >>> dW.tolist(), db.tolist()  # 1*3 + 2*4, 1 + 2
    ([[11.0]], [[3.0]])
    """
    dW = xp.dot(dZ, A_prev.T, out=dW)
    db = xp.sum(dZ, axis=1, keepdims=True, out=db)
    return dW, db
