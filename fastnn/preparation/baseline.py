"""What is to be had without looking at a column: what a model must beat to be worth anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.targets import Targets
from fastnn.errors import shown
from fastnn.nn.losses import LossFunction
from fastnn.preparation.examples import Examples
from fastnn.text import number
from fastnn.training.metrics import greater_is_better
from fastnn.training.part import Part

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Baseline:
    """``says``: what is predicted for every row, in words; ``metrics``: of that on the test part.

    >>> Baseline("always 'no'", {"accuracy": 0.94}).is_beaten({"accuracy": 0.938, "loss": 0.2})
    False
    """

    says: str
    metrics: Mapping[str, float]

    @property
    def metric(self) -> str:
        """The metric by which it is compared: the first."""
        return next(iter(self.metrics))

    def is_beaten(self, report: Mapping[str, float]) -> bool:
        """Return whether a model with these metrics is better; not if its metric is undefined."""
        own, other = self.metrics[self.metric], report.get(self.metric, math.nan)
        if math.isnan(own) or math.isnan(other):
            return not math.isnan(other)
        return other > own if greater_is_better(self.metric) else other < own


def constant(prior: Array, train: Examples, cost: LossFunction) -> Array:
    """Return what to say of every row without looking at a column, (K,) in the target's units.

    The ``prior`` of `Record`, the shares of the classes or labels or the mean of each target; for
    a loss of a quantile that (weighted) quantile of each target of ``train``.

    >>> from fastnn.data.table import Table
    >>> from fastnn.nn.losses import loss
    >>> train = Examples(Table.from_columns({"x": np.arange(5.0)}), np.arange(5.0))
    >>> constant(np.array([2.0]), train, loss("quantile(quantile=0.7)"))
    array([3.])
    """
    if cost.quantile is None:
        return prior
    return weighted_quantile(train.target, cost.quantile, train.flat_weights)


def weighted_quantile(target: Array, q: float, weights: Array | None = None) -> Array:
    """Return of each column of a target (N,) or (N, k) the least value that is a quantile, (k,).

    That is the least value of the column such that examples of at least the share ``q`` of the
    ``weights`` (N,) are not above it, which makes the mean pinball loss least.

    >>> weighted_quantile(np.array([1.0, 2.0, 3.0]), 0.5, np.array([1.0, 1.0, 4.0]))
    array([3.])
    """
    values = np.asarray(target, np.float64).reshape(len(target), -1)
    return np.quantile(values, q, axis=0, weights=weights, method="inverted_cdf")


def baseline_of(
    targets: Targets, cost: LossFunction, constant: Array, part: Part
) -> Baseline | None:
    """Return the baseline on a part; None if no metrics of that are asked for.

    It says the `constant` of the training part for every row: the shares of the classes, so always
    the most frequent one, or the mean or the quantile of each target.

    >>> from fastnn.nn.losses import loss
    >>> targets = Targets.fit([1.0, 3.0], "regression")
    >>> part = Part(np.zeros((2, 1)), np.array([[-1.0], [2.0]]), None, lambda A: {"sum": A.sum()})
    >>> baseline_of(targets, loss("squared_error"), np.array([2.0]), part).says
    'the mean, 2.0000'
    """
    row = np.asarray(constant, np.float64)
    if targets.mean is not None and targets.scale is not None:
        row = (row - targets.mean) / targets.scale
    elif targets.task == "binary":
        row = row[1:]
    metrics = part.judged(np.broadcast_to(row, (len(part), len(row))))
    return Baseline(said_of(targets, cost, constant), metrics) if metrics else None


def said_of(targets: Targets, cost: LossFunction, constant: Array) -> str:
    """Return in words what is said of every row.

    >>> from fastnn.nn.losses import loss
    >>> targets = Targets.fit(["no", "yes"], "binary")
    >>> said_of(targets, loss("binary_crossentropy"), np.array([0.94, 0.06]))
    "always 'no'"
    """
    if targets.classes is not None:
        return f"always {shown(targets.classes[int(constant.argmax())].item(), 24)}"
    if targets.task == "multilabel":
        return "of each label what is more frequent"
    which = "the mean" if cost.quantile is None else f"the {cost.quantile:g} quantile"
    return f"{which}, {number(constant[0])}" if len(constant) == 1 else f"{which} of each target"
