"""The output layer: cost and output delta in one pass, and the predictions.

Every function here receives the logits ``Z[L] = W[L] A[L-1] + b[L]`` and leaves ``dZ[L]`` and the
terms of the cost, already multiplied by ``1/m`` and by the example's weight: so the factor 1/m of
the notes' ``dW = 1/m dZ A^T`` (N14) is in ``dZ`` from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backend.expression import Symbol
from fastnn.backend.graph import Graph, build
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.protocols import Shim
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.losses import LossFunction
from fastnn.nn.softmax import exponential_shifted, softmax_forward

add_bias = Kernel("add_bias", lambda z, b: z + b)


@dataclass(frozen=True)
class OutputKernels:
    """The kernels of one output layer. ``scale`` is 1/m, ``w`` the example's weight."""

    loss: LossFunction
    predict: Kernel | None  # a = g(z); None for softmax
    gradient: Kernel  # (z, y, scale[, w]) -> dz, cost
    weighted: bool

    @property
    def columns(self) -> bool:
        return self.predict is None


def output_kernels(
    loss: LossFunction, activation: ActivationFunction, n_outputs: int, weighted: bool
) -> OutputKernels:
    """Return the kernels for a loss on an output activation."""
    if loss.link == "softmax":
        gradient = _softmax_gradient(loss, n_outputs)
        predict = None
    else:
        gradient = _elementwise_gradient(loss, activation)
        predict = Kernel(activation.name, lambda z: activation.forward(z))
    if weighted:
        kernel = Kernel(gradient.name + "_weighted", _weigh(gradient))
    else:
        kernel = gradient
    return OutputKernels(loss, predict, kernel, weighted)


def _elementwise_gradient(loss: LossFunction, activation: ActivationFunction) -> Kernel:
    def from_logits(z: Any, y: Any, scale: Any) -> Any:
        return loss.delta(z, y) * scale, loss.value(z, y) * scale

    def from_output(z: Any, y: Any, scale: Any) -> Any:
        a = activation.forward(z)
        slope = activation.derivative(a if activation.from_output else z)
        return loss.delta(a, y) * slope * scale, loss.value(a, y) * scale

    return Kernel(loss.name, from_logits if loss.from_logits else from_output)


def _softmax_gradient(loss: LossFunction, n_outputs: int) -> Kernel:
    """The kernel of softmax and cross-entropy together.

    ``y`` is the class index of a column, ``k`` the index of a row; ``e = exp(z - top)``.
    """
    s = loss.options["label_smoothing"]

    def gradient(z: Any, e: Any, top: Any, total: Any, k: Any, y: Any, scale: Any) -> Any:
        target = np.where(k == y, 1.0 - s + s / n_outputs, s / n_outputs)
        return (e / total - target) * scale, target * (top + np.log(total) - z) * scale

    return Kernel(loss.name, gradient)


def _weigh(kernel: Kernel) -> Graph:
    """Add a last argument ``w``: the weight of each example (or of each output of it)."""
    w = Symbol("input", name="w")
    dz, cost = kernel.graph.evaluate(*(Symbol("input", name=n) for n in kernel.inputs))
    return build((*kernel.inputs, "w"), [dz * w, cost * w])


@dataclass(frozen=True, eq=False)
class OutputArrays:
    """What the output layer works on, for a batch of m examples and K outputs."""

    Z: Array  # (K, m) logits
    Y: Array  # (K, m) targets, or (1, m) class indices for softmax
    dZ: Array  # (K, m)
    cost: Array  # (K, m) terms of J
    scale: Array  # (1, 1): 1/m
    w: Array = None  # (1, m) or (K, m) weights
    classes: Array = None  # (K, 1): 0, 1, ..., K-1
    top: Array = None  # (1, m) scratch of softmax
    total: Array = None  # (1, m) scratch of softmax


def output_gradient(xp: Shim, kernels: OutputKernels, x: OutputArrays) -> None:
    """Compute ``dZ[L]`` (N12) and the terms of the cost from the logits and the targets."""
    weights = (x.w,) if kernels.weighted else ()
    if not kernels.columns:
        xp.apply(kernels.gradient, x.Z, x.Y, x.scale, *weights, out=(x.dZ, x.cost))
        return
    xp.max(x.Z, axis=0, keepdims=True, out=x.top)
    E = xp.apply(exponential_shifted, x.Z, x.top, out=x.dZ)
    xp.sum(E, axis=0, keepdims=True, out=x.total)
    xp.apply(
        kernels.gradient, x.Z, E, x.top, x.total, x.classes, x.Y, x.scale, *weights,
        out=(x.dZ, x.cost),
    )  # fmt: skip


def predictions(
    xp: Shim,
    kernels: OutputKernels,
    Z: Array,
    *,
    A: Array = None,
    top: Array = None,
    total: Array = None,
) -> Array:
    """Return ``A[L] = g(Z[L])``: probabilities, or values for regression."""
    if kernels.predict is None:
        return softmax_forward(xp, Z, top=top, total=total, A=A)
    return xp.apply(kernels.predict, Z, out=A)
