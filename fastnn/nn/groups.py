"""Parameter groups: learning rates and weight decay of their own for weights, biases, layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import numpy.typing as npt

from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Layout
from fastnn.registry import Option

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


KINDS = ("weights", "biases", "gammas", "betas", "all")
_FIELDS = (
    Option("kind", "all", choices=KINDS),
    Option("learning_rate_factor", 1.0, low=0.0),
    Option("weight_decay", None, low=0.0),
)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with a learning rate or a weight decay of their own.

    ``kind``: ``"weights"``, ``"biases"``, ``"gammas"`` or ``"betas"`` (of batch normalisation), or
    ``"all"``; ``layer``: 1 to L, or None for every
    layer. ``learning_rate_factor`` multiplies the learning rate; ``weight_decay`` replaces that
    of AdamW. Where groups overlap the later one counts; a weight decay of None leaves the decay of
    an earlier group as it is.

    >>> ParameterGroup("biases", learning_rate_factor=2).learning_rate_factor
    2.0

    Raises ArgumentError for another kind, and numbers that cannot be.
    """

    kind: str = "all"
    layer: int | None = None
    learning_rate_factor: float = 1.0
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        for field in _FIELDS:
            value = field.check("ParameterGroup", getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        layer = self.layer
        if layer is not None:
            if isinstance(layer, bool) or not isinstance(layer, Integral) or layer < 1:
                raise ArgumentError(
                    f"{arg('ParameterGroup: layer')} must be a whole number above 0, found "
                    f"{shown(layer)}"
                )
            object.__setattr__(self, "layer", int(layer))


@dataclass(frozen=True)
class Segment:
    """A stretch of the flat parameters that is updated alike."""

    place: slice
    factor: float
    weight_decay: float | None


def segments(
    layout: Layout, groups: Sequence[ParameterGroup], optimizer: OptimizerRule
) -> list[Segment]:
    """Cut the flat buffer into stretches of equal learning-rate factor and weight decay.

    Only weights decay unless a group says so. Raises ArgumentError for a group that names no
    layer of the network or a weight decay that the optimiser does not have.
    """
    decays = "weight_decay" in optimizer.options
    starts = [("weights", l + 1, s.start) for l, s in enumerate(layout.weights)]
    starts += [("biases", l + 1, s.start) for l, s in enumerate(layout.biases)]
    starts += [("gammas", l, s.start) for l, s in layout.gammas.items()]
    starts += [("betas", l, s.start) for l, s in layout.betas.items()]
    found: list[Segment] = []
    for i, (kind, layer, start) in enumerate(starts):
        stop = starts[i + 1][2] if i + 1 < len(starts) else layout.n_trained
        factor, decay = 1.0, (None if kind == "weights" else 0.0) if decays else None
        for group in groups:
            _check_group(group, layout, optimizer, decays)
            if group.kind in (kind, "all") and group.layer in (layer, None):
                factor = group.learning_rate_factor
                decay = decay if group.weight_decay is None else group.weight_decay
        if found and (found[-1].factor, found[-1].weight_decay) == (factor, decay):
            found[-1] = Segment(slice(found[-1].place.start, stop), factor, decay)
        else:
            found.append(Segment(slice(start, stop), factor, decay))
    return found


def coefficients(
    rule: OptimizerRule, stretches: Sequence[Segment], t: FloatArray, rate: FloatArray
) -> FloatArray:
    """Return the coefficients of every stretch side by side, a row for each step in ``t``.

    >>> from fastnn.nn.optimizers import optimizer
    >>> stretches = [Segment(slice(0, 8), 1.0, None), Segment(slice(8, 9), 2.0, None)]
    >>> coefficients(optimizer("sgd"), stretches, np.ones(1), np.full(1, 0.1)).tolist()
    [[0.1, 0.2]]
    """
    with np.errstate(under="ignore"):
        parts = [rule.coefficients(t, rate * s.factor, s.weight_decay) for s in stretches]
    return np.concatenate(parts, axis=1)


def _check_group(
    group: ParameterGroup, layout: Layout, optimizer: OptimizerRule, decays: bool
) -> None:
    n_layers = len(layout.weights)
    if group.layer is not None and not 1 <= group.layer <= n_layers:
        raise ArgumentError(
            f"{arg('groups')}: layer {group.layer} does not exist, there are 1 to {n_layers}"
        )
    if group.kind in ("gammas", "betas") and not (
        layout.gammas if group.layer is None else group.layer in layout.gammas
    ):
        where = "the network" if group.layer is None else f"layer {group.layer}"
        raise ArgumentError(
            f"{arg('groups')}: there are no {group.kind}, {where} has no batch normalisation"
        )
    if group.weight_decay is not None and not decays:
        raise ArgumentError(
            f"{arg('groups')}: weight_decay has no effect with "
            f"{arg('optimizer', optimizer.name)}: use {arg('optimizer', 'adamw')}, or {arg('l2')}"
        )
