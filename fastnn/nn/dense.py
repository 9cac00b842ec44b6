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
from fastnn.backend.protocols import Shim
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.norm_arrays import NormArrays
from fastnn.nn.normalization import (
    BatchNorm,
    NormKernels,
    delta_operands,
    fold_running,
    normalization_gradients,
    normalize_batch,
    normalize_delta,
    scale_shift,
)
from fastnn.nn.output import add_bias
from fastnn.nn.softmax import NO_SCRATCH, ColumnScratch, multiply


@dataclass(frozen=True, eq=False)
class LayerArrays:
    """What a hidden layer works on. Arrays that a layer does not need are None."""

    Z: Array  # (n, m); the same memory as A where the derivative is a function of the output
    A: Array  # (n, m) activations
    dZ: Array = None  # (n, m); None where nothing is trained
    U: Array = None  # (n, m) float32 uniform numbers: dropout
    dropped: Array = None  # (n, m) activations after dropout
    scratch: ColumnScratch = NO_SCRATCH  # of an activation over columns
    norm: NormArrays | None = None  # batch normalisation

    @property
    def activated(self) -> Array:
        """What comes out before dropout."""
        return self.A if self.norm is None or self.norm.output is None else self.norm.output

    @property
    def output(self) -> Array:
        """What the next layer sees."""
        return self.activated if self.dropped is None else self.dropped


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
    batch_norm: BatchNorm | None = None

    @cached_property
    def norm(self) -> NormKernels | None:
        """The kernels of batch normalisation, if there is any."""
        return None if self.batch_norm is None else NormKernels(self.batch_norm, self.g)

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

    @cached_property
    def backward_normalized(self) -> Kernel:
        """`backward` to ``dY`` where ``g(gamma zhat + beta)``, and ``dY zhat``."""

        def backward(dA: Any, t: Any, zhat: Any) -> Any:
            dY = dA * self.g.derivative(t)
            return dY, dY * zhat

        return Kernel(f"d{self.g.name}_normalized", backward)


def linear(xp: Shim, W: Array, b: Array, A_prev: Array, *, Z: Array = None) -> Array:
    """``Z = W A_prev + b`` (N1).

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> W, b, X = np.array([[1.0, 2.0]]), np.array([[10.0]]), np.array([[1.0], [2.0]])
    >>> linear(CpuBackend(), W, b, X)
    array([[15.]])
    """
    Z = xp.dot(W, A_prev, out=Z)
    return xp.apply(add_bias, Z, b, out=Z)


def hidden_forward(
    xp: Shim, W: Array, b: Array, A_prev: Array, kernels: HiddenKernels, x: LayerArrays
) -> Array:
    """``Z = W A_prev + b``, ``A = g(Z)`` (N1), then dropout; return what the next layer sees.

    With batch normalisation ``A = g(gamma zhat + beta)``, or ``gamma ahat + beta`` of ``a = g(Z)``.
    """
    if kernels.norm is not None and kernels.norm.before and x.norm is not None:
        _normalized_forward(xp, W, b, A_prev, kernels.norm, x, x.norm)
    else:
        xp.dot(W, A_prev, out=x.Z)
        xp.apply(kernels.forward, x.Z, b, out=(x.Z, x.A) if kernels.keeps_logits else x.A)
    if kernels.g.over_columns is not None:
        kernels.g.over_columns.forward(xp, x.A, x.scratch)
    if kernels.norm is not None and not kernels.norm.before and x.norm is not None:
        if x.dZ is not None:
            normalize_batch(xp, kernels.norm, x.A, x.norm, out=(x.norm.output,))
        else:
            fold_running(xp, kernels.norm, x.norm)
            xp.apply(scale_shift, x.A, x.norm.factor, x.norm.shift, out=x.norm.output)
    if x.dropped is not None:
        xp.apply(kernels.drop, x.activated, x.U, out=x.dropped)
    return x.output


def _normalized_forward(
    xp: Shim,
    W: Array,
    b: Array,
    A_prev: Array,
    kernels: NormKernels,
    x: LayerArrays,
    norm: NormArrays,
) -> None:
    """``A = g(gamma zhat + beta)``, by the batch in training, else by the running estimates."""
    out = (x.Z, x.A) if kernels.keeps_logits else (x.A,)
    if x.dZ is not None:
        xp.dot(W, A_prev, out=norm.normalized)
        normalize_batch(xp, kernels, norm.normalized, norm, b=b, out=out)
    else:
        xp.dot(W, A_prev, out=x.Z)
        fold_running(xp, kernels, norm, b=b)
        xp.apply(kernels.predict, x.Z, norm.factor, norm.shift, out=out if len(out) > 1 else out[0])


def hidden_backward(
    xp: Shim, W_next: Array, dZ_next: Array, kernels: HiddenKernels, x: LayerArrays
) -> Array:
    """``dZ = W_next^T dZ_next * g'(Z)`` (N13), and through batch normalisation."""
    dA = xp.dot(W_next.T, dZ_next, out=x.dZ)
    if kernels.norm is not None and x.norm is not None:
        return _normalized_backward(xp, dA, kernels, kernels.norm, x, x.norm)
    t = x.Z if kernels.keeps_logits else x.A
    if kernels.g.over_columns is not None:
        if x.dropped is not None:
            xp.apply(kernels.drop, dA, x.U, out=dA)
        return _over_columns_backward(xp, dA, kernels, x)
    if x.dropped is not None:
        return xp.apply(kernels.backward_dropped, dA, t, x.U, out=x.dZ)
    return xp.apply(kernels.backward, dA, t, out=x.dZ)


def _over_columns_backward(xp: Shim, dA: Array, kernels: HiddenKernels, x: LayerArrays) -> Array:
    """From the gradient of what an activation mixed to that of what went in; else as it is."""
    columns = kernels.g.over_columns
    return dA if columns is None else columns.backward(xp, dA, x.A, x.scratch)


def _normalized_backward(
    xp: Shim,
    dA: Array,
    kernels: HiddenKernels,
    norm_kernels: NormKernels,
    x: LayerArrays,
    norm: NormArrays,
) -> Array:
    """``dZ``, ``dgamma`` and ``dbeta`` of a layer with batch normalisation."""
    t = x.Z if kernels.keeps_logits else x.A
    if x.dropped is not None:
        xp.apply(kernels.drop, dA, x.U, out=dA)
    if norm_kernels.before:
        _over_columns_backward(xp, dA, kernels, x)
        xp.apply(kernels.backward_normalized, dA, t, norm.normalized, out=(x.dZ, norm.product))
        normalization_gradients(xp, x.dZ, norm)
        return xp.apply(normalize_delta, x.dZ, *delta_operands(norm), out=x.dZ)
    xp.apply(multiply, dA, norm.normalized, out=norm.product)
    normalization_gradients(xp, dA, norm)
    xp.apply(norm_kernels.delta_activated, dA, *delta_operands(norm), t, out=x.dZ)
    return _over_columns_backward(xp, x.dZ, kernels, x)


def gradients(
    xp: Shim, dZ: Array, A_prev: Array, *, dW: Array = None, db: Array = None, bias: bool = True
) -> tuple[Array, Array]:
    """``dW = dZ A_prev^T``, ``db = sum(dZ, axis=1, keepdims=True)`` (N14).

    ``bias=False`` leaves ``db`` as it is: the gradient of a bias that is not trained stays 0.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> dW, db = gradients(CpuBackend(), np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    >>> dW.tolist(), db.tolist()  # 1*3 + 2*4, 1 + 2
    ([[11.0]], [[3.0]])
    """
    dW = xp.dot(dZ, A_prev.T, out=dW)
    if bias:
        db = xp.sum(dZ, axis=1, keepdims=True, out=db)
    return dW, db
