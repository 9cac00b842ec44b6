"""Batch normalisation: each unit of a layer to mean 0 and variance 1 over the batch.

In training ``mu = 1/m sum_j z_j`` and ``s2 = 1/m sum_j (z_j - mu)^2`` over the examples of the
batch (``axis=1``), ``zhat = (z - mu) / sqrt(s2 + epsilon)``, and the layer goes on with
``gamma zhat + beta``; gamma and beta are trained. Predictions use running estimates instead,
``mean = momentum mean + (1 - momentum) mu`` and the same for the variance. As in Keras the
variance is the biased one (divided by m) there, too; PyTorch divides by m - 1 for its running
variance, and its momentum is 1 minus this one. Weights of examples play no part in mu and s2.

Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.protocols import Shim
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.norm_arrays import NormArrays
from fastnn.registry import About, Option, Table, parse_choice


@dataclass(frozen=True)
class Place:
    """One row: where in a layer, with the options that both have."""

    name: str
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = (
        Option(
            "momentum", 0.99, low=0.0, high=1.0, open_high=True,
            says="what the running mean and variance keep of themselves in each step",
        ),
        Option(
            "epsilon", 1e-3, low=0.0, open_low=True, says="keeps it finite where the variance is 0"
        ),
    )  # fmt: skip
    about: About = field(kw_only=True)


_PAPER = "Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167"

PLACES: Table[Place] = Table(
    "batch_normalization",
    [
        Place(
            "before",
            about=About(
                "z = W a + b; zhat = (z - mean(z)) / sqrt(var(z) + epsilon); "
                "a = g(gamma zhat + beta)",
                "Each unit to mean 0 and variance 1 over the batch, before its activation.",
                _PAPER,
            ),
        ),
        Place(
            "after",
            about=About(
                "a = g(z); ahat = (a - mean(a)) / sqrt(var(a) + epsilon); a = gamma ahat + beta",
                "The same after the activation.",
                _PAPER,
            ),
        ),
    ],
)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation of one layer: ``place`` is "before" or "after" its activation."""

    place: str
    momentum: float
    epsilon: float

    def to_json(self) -> dict[str, Any]:
        """Return the closed form that a model file keeps."""
        return {"name": self.place, "momentum": self.momentum, "epsilon": self.epsilon}


def batch_norm(spec: object) -> BatchNorm | None:
    """Return the batch normalisation of "before", "after(momentum=0.9)" or a dict; None is none.

    >>> batch_norm("before(momentum=0.9)")
    BatchNorm(place='before', momentum=0.9, epsilon=0.001)
    >>> batch_norm("befor")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: unknown batch_normalization 'befor'; did you mean 'before'? ...
    """
    if spec is None or isinstance(spec, BatchNorm):
        return spec
    name, given = parse_choice(spec, "batch_normalization")
    options: dict[str, Any] = PLACES.options(name, given)
    return BatchNorm(PLACES[name].name, **options)


center = Kernel("center", lambda z, total, scale: _center(z - total * scale))
scale_shift = Kernel("scale_shift", lambda a, factor, shift: a * factor + shift)


def _center(d: Any) -> Any:
    return d, d * d


def _delta(dy: Any, zhat: Any, dgamma: Any, dbeta: Any, gamma: Any, inverse: Any, s: Any) -> Any:
    """``dZ = gamma / sqrt(s2 + epsilon) (dY - 1/m (dbeta + zhat dgamma))``."""
    return gamma * inverse * (dy - (dbeta + zhat * dgamma) * s)


normalize_delta = Kernel("normalize_delta", _delta)


@dataclass(frozen=True)
class NormKernels:
    """The kernels of one layer with batch normalisation.

    >>> from fastnn.nn.activations import activation
    >>> print(NormKernels(batch_norm("after(epsilon=0.5)"), activation("relu")).inverse)
    inverse_deviation(squares, scale):
        t1 = squares * scale
        t2 = t1 + 0.5
        t3 = sqrt(t2)
        t4 = 1 / t3
        return t4
    """

    rule: BatchNorm
    g: ActivationFunction

    @property
    def before(self) -> bool:
        """Whether it comes before the activation."""
        return self.rule.place == "before"

    @property
    def keeps_logits(self) -> bool:
        """Whether the activation's argument must be kept for the backward pass."""
        return not self.g.from_output

    def _inverse(self, squares: Any, scale: Any) -> Any:
        return 1 / np.sqrt(squares * scale + self.rule.epsilon)

    @cached_property
    def inverse(self) -> Kernel:
        """``1 / sqrt(s2 + epsilon)``."""
        return Kernel("inverse_deviation", lambda squares, scale: self._inverse(squares, scale))

    @cached_property
    def track(self) -> Kernel:
        """`inverse`, and the running estimates; ``b`` is the bias that mu does not hold."""
        kept, new = self.rule.momentum, 1 - self.rule.momentum

        def track(total: Any, squares: Any, scale: Any, mean: Any, variance: Any, b: Any) -> Any:
            return (
                self._inverse(squares, scale),
                kept * mean + new * (total * scale + b),
                kept * variance + new * (squares * scale),
            )

        if self.before:
            return Kernel("track", track)
        return Kernel("track", lambda total, squares, scale, mean, variance: track(
            total, squares, scale, mean, variance, 0.0))  # fmt: skip

    @cached_property
    def fold(self) -> Kernel:
        """The running estimates as one factor and one shift for each unit."""

        def fold(gamma: Any, beta: Any, mean: Any, variance: Any, b: Any) -> Any:
            factor = gamma / np.sqrt(variance + self.rule.epsilon)
            return factor, beta + (b - mean) * factor

        if self.before:
            return Kernel("fold", fold)
        return Kernel("fold", lambda gamma, beta, mean, variance: fold(
            gamma, beta, mean, variance, 0.0))  # fmt: skip

    def _activate(self, z: Any) -> Any:
        return (z, self.g.forward(z)) if self.keeps_logits else (self.g.forward(z),)

    @cached_property
    def normalize(self) -> Kernel:
        """``d, inverse, gamma, beta -> zhat, y``; before the activation ``zhat, [z,] g(z)``."""

        def normalize(d: Any, inverse: Any, gamma: Any, beta: Any) -> Any:
            zhat = d * inverse
            y = gamma * zhat + beta
            return (zhat, *(self._activate(y) if self.before else (y,)))

        return Kernel("normalize", normalize)

    @cached_property
    def predict(self) -> Kernel:
        """``z, factor, shift -> [z,] g(z)``, by the running estimates."""

        def predict(z: Any, factor: Any, shift: Any) -> Any:
            found = self._activate(z * factor + shift)
            return found if len(found) > 1 else found[0]

        return Kernel(f"normalized_{self.g.name}", predict)

    @cached_property
    def delta_activated(self) -> Kernel:
        """`normalize_delta`, then times ``g'(t)``: for what is normalised after its activation."""

        def delta(
            dy: Any,
            zhat: Any,
            dgamma: Any,
            dbeta: Any,
            gamma: Any,
            inverse: Any,
            scale: Any,
            t: Any,
        ) -> Any:
            return _delta(dy, zhat, dgamma, dbeta, gamma, inverse, scale) * self.g.derivative(t)

        return Kernel(f"normalize_d{self.g.name}", delta)


def normalize_batch(
    xp: Shim,
    kernels: NormKernels,
    A: Array,
    x: NormArrays,
    *,
    b: Array = None,
    out: tuple[Array, ...],
) -> None:
    """Normalise ``A`` (n, m) by the batch into ``x.normalized``, and on into ``out``.

    ``A`` may be ``x.normalized`` itself. ``b`` (n, 1): the bias of a layer that is normalised
    before its activation. It cancels out, so it is not in ``A`` and only the running mean has it.
    """
    v = x.views
    xp.sum(A, axis=1, keepdims=True, out=x.total)
    xp.apply(center, A, x.total, x.scale, out=(x.normalized, x.product))
    xp.sum(x.product, axis=1, keepdims=True, out=x.squares)
    if x.tracks:
        bias = (b,) if kernels.before else ()
        xp.apply(
            kernels.track, x.total, x.squares, x.scale, v.mean, v.variance, *bias,
            out=(x.inverse, v.mean, v.variance),
        )  # fmt: skip
    else:
        xp.apply(kernels.inverse, x.squares, x.scale, out=x.inverse)
    xp.apply(kernels.normalize, x.normalized, x.inverse, v.gamma, v.beta, out=(x.normalized, *out))


def fold_running(xp: Shim, kernels: NormKernels, x: NormArrays, *, b: Array = None) -> None:
    """Turn the running estimates into ``x.factor`` and ``x.shift``."""
    v, bias = x.views, (b,) if kernels.before else ()
    xp.apply(kernels.fold, v.gamma, v.beta, v.mean, v.variance, *bias, out=(x.factor, x.shift))


def normalization_gradients(xp: Shim, dY: Array, x: NormArrays) -> None:
    """``dbeta = sum(dY, axis=1)``, ``dgamma = sum(dY zhat, axis=1)`` of the product in ``x``."""
    assert x.gradient is not None
    xp.sum(dY, axis=1, keepdims=True, out=x.gradient.beta)
    xp.sum(x.product, axis=1, keepdims=True, out=x.gradient.gamma)


def delta_operands(x: NormArrays) -> tuple[Array, ...]:
    """Return what `normalize_delta` takes after ``dY``."""
    assert x.gradient is not None
    return (x.normalized, x.gradient.gamma, x.gradient.beta, x.views.gamma, x.inverse, x.scale)
