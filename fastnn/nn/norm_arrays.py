"""The numbers of batch normalisation, and the arrays that it works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastnn.backend.program import Array, Recorder

#: ``take(label, rows, columns)`` gives a named array of the batch.
Take = Callable[[str, int, int], Array]


@dataclass(frozen=True, eq=False)
class NormViews:
    """The numbers of one layer's batch normalisation, each (n, 1), views of the flat parameters.

    ``mean`` and ``variance`` are the running estimates: they are not trained. Views of a gradient
    have gamma and beta only.
    """

    gamma: Array
    beta: Array
    mean: Array = None
    variance: Array = None


@dataclass(frozen=True, eq=False)
class NormArrays:
    """What the batch normalisation of a layer works on. What is not needed is None."""

    views: NormViews
    # training
    normalized: Array = None  # (n, m) zhat
    product: Array = None  # (n, m) scratch: squares, then dY zhat
    total: Array = None  # (n, 1) m mu
    squares: Array = None  # (n, 1) m s2
    inverse: Array = None  # (n, 1) 1 / sqrt(s2 + epsilon)
    scale: Array = None  # (1, 1) 1/m
    gradient: NormViews | None = None
    tracks: bool = False  # whether the running estimates follow
    # prediction
    factor: Array = None  # (n, 1) gamma / sqrt(variance + epsilon)
    shift: Array = None  # (n, 1)
    # after the activation
    output: Array = None  # (n, m) gamma ahat + beta


@dataclass(frozen=True, eq=False)
class Norms:
    """The numbers of batch normalisation, by the number of the layer.

    In training ``gradient`` has the places of dgamma and dbeta, and ``tracks`` says whether the
    running estimates follow each batch.
    """

    views: Mapping[int, NormViews]
    gradient: Mapping[int, NormViews] | None = None
    tracks: bool = False

    def name(self, layer: int, recorder: Recorder) -> None:
        """Name the numbers of a layer, for printing."""
        for letter, of in (("", self.views), ("d", self.gradient or {})):
            if layer in of:
                recorder.name(of[layer].gamma, f"{letter}gamma[{layer}]")
                recorder.name(of[layer].beta, f"{letter}beta[{layer}]")
        recorder.name(self.views[layer].mean, f"mean[{layer}]")
        recorder.name(self.views[layer].variance, f"variance[{layer}]")


def norm_arrays(
    take: Take,
    norms: Norms,
    layer: int,
    n: int,
    m: int,
    scale: Array,
    training: bool,
    after: bool,
) -> NormArrays:
    """Return the arrays of a layer of n units for a batch of m examples; ``scale`` is 1/m."""
    views = norms.views[layer]
    if not training:
        return NormArrays(
            views, factor=take(f"factor[{layer}]", n, 1), shift=take(f"shift[{layer}]", n, 1)
        )
    return NormArrays(
        views,
        normalized=take(f"normalized[{layer}]", n, m),
        product=take(f"normalized product[{layer}]", n, m),
        total=take(f"sum[{layer}]", n, 1),
        squares=take(f"squares[{layer}]", n, 1),
        inverse=take(f"1/deviation[{layer}]", n, 1),
        scale=scale,
        gradient=None if norms.gradient is None else norms.gradient[layer],
        tracks=norms.tracks,
        output=take(f"scaled A[{layer}]", n, m) if after else None,
    )
