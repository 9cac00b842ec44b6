"""From checked X, y and weights to what a training takes: parts, loss, network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.estimators import inputs
from fastnn.api.estimators.parameters import hidden_units
from fastnn.data.split import holdout
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DataError
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network, network
from fastnn.preparation.fit_to_task import check_target_range, output_units
from fastnn.preparation.loss_weights import class_weights, loss_weights
from fastnn.training.metrics import score
from fastnn.training.part import Part

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sample:
    """Checked examples: X (N, p) or a table, y as the user has it, weights (N,) or None."""

    X: Array | Table
    y: Any
    w: Array | None

    def rows(self, index: Array) -> Sample:
        """Return some of the examples."""
        return Sample(
            inputs.part(self.X, index), self.y[index], None if self.w is None else self.w[index]
        )


def divide(sample: Sample, task: str | None, fraction: float, seed: int) -> tuple[Sample, Sample]:
    """Return the training part and the validation part for early stopping.

    Classes (``task`` is not None) keep their shares in both parts, however many there are; a class
    with a single example stays in the training part. Raises ValueError if the validation part
    has fewer than two examples.
    """
    n = len(sample.y) if not hasattr(sample.y, "toarray") else sample.y.shape[0]
    if task in ("binary", "multiclass"):
        _, codes, counts = np.unique(sample.y, return_inverse=True, return_counts=True)
        index = np.flatnonzero(counts[codes] > 1)
        labels: Array = codes[index]
        kind = "multiclass"
    else:
        index, labels, kind = np.arange(n), np.zeros(n), "regression"
    if fraction * n < 1 or len(index) < 2 or (kind == "multiclass" and np.ptp(labels) == 0):
        kind, labels = "regression", np.zeros(len(index))
    try:
        _, held = holdout(labels, kind, fraction, seed)
    except (DataError, ArgumentError):
        held = np.arange(0)
    if len(held) < 2:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset: {fraction:g} of {n} examples"
        )
    return sample.rows(np.setdiff1d(np.arange(n), index[held])), sample.rows(index[held])


def make_part(
    sample: Sample,
    rows: Array,
    Y: Array,
    targets: Targets,
    cost: LossFunction,
    *,
    class_weight: Any = None,
    metrics: Sequence[object] = (),
) -> Part:
    """Return a part of the training, weights scaled to the mean 1."""
    check_target_range(Y, cost, "y")
    flat = None if sample.w is None else sample.w.astype(np.float64)
    by_class = class_weights(class_weight, targets, Y)
    w = loss_weights(None if flat is None else flat.reshape(-1, 1), by_class, targets, Y)
    if w is not None:
        mean = w.mean()
        if not mean > 0:
            raise DataError("Sample weights must contain at least one non-zero number.")
        w = (w / mean).astype(rows.dtype)
    judge = partial(score, targets, Y=Y, metrics=metrics, weights=flat) if metrics else None
    return Part(rows, Y, w, judge)


def effective_alpha(alpha: float, sample: Sample) -> float:
    """Return the L2 strength for a cost whose weights have the mean 1.

    The penalty is ``alpha / (2 s) sum W^2``, s being the sample size: the examples, or the sum of
    their weights, so that a weight of 2 is an example that is there twice.
    """
    return alpha if sample.w is None else float(alpha * len(sample.w) / sample.w.sum())


def make_network(
    p: Mapping[str, Any],
    n_inputs: int,
    targets: Targets,
    cost: LossFunction,
    output: ActivationFunction,
) -> Network:
    """Return the network that the parameters describe."""
    hidden = hidden_units(p)
    return network(
        (n_inputs, *hidden, output_units(targets, cost)),
        activation=p["activation"] if hidden else [],
        output_activation=output,
        dropout=p["dropout"] if hidden else [],
        batch_normalization=p["batch_normalization"] if hidden else None,
        loss_function=cost,
    )


def check_same_shape(before: Network, now: Network) -> None:
    """Raise ArgumentError if training cannot go on, because the parameters changed the network.

    >>> check_same_shape(network([2, 5, 1]), network([2, 7, 1]))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: the network was [2, 5, 1] and would now be [2, 7, 1]: warm_start...
    """
    if before.sizes != now.sizes or before.normalized != now.normalized:
        raise ArgumentError(
            f"the network was {list(before.sizes)} and would now be {list(now.sizes)}: warm_start "
            "and partial_fit go on with the same layers; use warm_start=False for others"
        )
