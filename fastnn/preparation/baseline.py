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


def baseline_of(targets: Targets, prior: Array, part: Part) -> Baseline | None:
    """Return the baseline on a part; None if no metrics of that are asked for.

    It says for every row the ``prior`` of `Record`: the shares (K,) that the classes or labels
    have in the training part, so always the most frequent one, or the mean (k,) of each target.

    >>> targets = Targets.fit([1.0, 3.0], "regression")
    >>> part = Part(np.zeros((2, 1)), np.array([[-1.0], [2.0]]), None, lambda A: {"sum": A.sum()})
    >>> baseline_of(targets, np.array([2.0]), part).says
    'the mean, 2.0000'
    """
    row = np.asarray(prior, np.float64)
    if targets.mean is not None and targets.scale is not None:
        row = (row - targets.mean) / targets.scale
    elif targets.task == "binary":
        row = row[1:]
    metrics = part.judged(np.broadcast_to(row, (len(part), len(row))))
    return Baseline(_said(targets, prior), metrics) if metrics else None


def _said(targets: Targets, prior: Array) -> str:
    if targets.classes is not None:
        return f"always {shown(targets.classes[int(prior.argmax())].item())}"
    if targets.task == "multilabel":
        return "of each label what is more frequent"
    return f"the mean, {number(prior[0])}" if len(prior) == 1 else "the mean of each target"
