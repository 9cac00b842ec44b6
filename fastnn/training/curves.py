"""How a classifier does beyond one number: at every threshold, and as a probability.

All on the host in float64. Weights ``(N,)`` are not negative; an example of weight 0 does not
count. Where something is not defined it is nan: the curves of a class that has no example, or no
other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.errors import ArgumentError, arg
from fastnn.training.scores import auc

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cuts:
    """A score cut at every value it has: positive is what scores at least ``thresholds[i]``.

    ``thresholds`` (T,) are the distinct scores, falling, so that equal scores are always on one
    side; ``tp`` and ``fp`` (T,) the weights of the positive and the negative examples that score at
    least so much; ``positives`` and ``negatives`` those of all. ``roc_auc`` and
    ``average_precision`` (the sum of precision times the step of recall) are areas.

    >>> cuts = Cuts.of([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])
    >>> cuts.thresholds.tolist(), cuts.tp.tolist(), cuts.fp.tolist()
    ([0.9, 0.4, 0.1], [1.0, 2.0, 2.0], [0.0, 1.0, 2.0])
    >>> cuts.roc_auc, round(cuts.average_precision, 4)
    (0.875, 0.8333)
    """

    thresholds: Array
    tp: Array
    fp: Array
    positives: float
    negatives: float
    roc_auc: float

    @staticmethod
    def of(
        truth: npt.ArrayLike, score: npt.ArrayLike, weights: npt.ArrayLike | None = None
    ) -> Cuts:
        """Return the cuts of scores ``(N,)``; ``truth`` (N,) is true for positive examples.

        Raises ArgumentError if the shapes differ or a score is not finite.
        """
        y, s, w = _checked("score", truth, score, weights)
        values, place = np.unique(s, return_inverse=True)
        positive = np.bincount(place, w * y, minlength=len(values))
        negative = np.bincount(place, w * ~y, minlength=len(values))
        return Cuts(
            values[::-1],
            np.cumsum(positive[::-1]),
            np.cumsum(negative[::-1]),
            float(positive.sum()),
            float(negative.sum()),
            auc(y, s, w),
        )

    @property
    def tpr(self) -> Array:
        """The share of the positive examples that is found: recall."""
        return self.tp / self.positives if self.positives else np.full(len(self.tp), math.nan)

    @property
    def fpr(self) -> Array:
        """The share of the negative examples that is taken for positive."""
        return self.fp / self.negatives if self.negatives else np.full(len(self.fp), math.nan)

    @property
    def precision(self) -> Array:
        """The share of what is taken for positive that is positive."""
        return np.asarray(self.tp / (self.tp + self.fp))

    @property
    def f1(self) -> Array:
        """``2 tp / (tp + fp + positives)``."""
        return np.asarray(2 * self.tp / (self.tp + self.fp + self.positives))

    @property
    def accuracy(self) -> Array:
        """The share of all examples that is right."""
        total = self.positives + self.negatives
        return np.asarray((self.tp + self.negatives - self.fp) / total)

    @cached_property
    def average_precision(self) -> float:
        """``sum_i (tpr_i - tpr_{i-1}) precision_i``; nan without positive examples."""
        steps = np.diff(self.tpr, prepend=0.0)
        return float(steps @ self.precision) if len(steps) else math.nan

    def at(self, threshold: float) -> int | None:
        """Return the last cut at or above a threshold, None if no score reaches it.

        >>> Cuts.of([1, 0], [0.9, 0.4]).at(0.5)
        0
        """
        reached = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        return reached - 1 if reached else None


def _checked(
    name: str, truth: npt.ArrayLike, score: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Array, Array, Array]:
    y, s = np.asarray(truth, bool), np.asarray(score, np.float64)
    w = np.ones(s.shape) if weights is None else np.asarray(weights, np.float64)
    if y.ndim != 1 or y.shape != s.shape or w.shape != s.shape:
        raise ArgumentError(
            f"{arg(name)}, truth and weights must have one shape (N,), found {s.shape}, {y.shape} "
            f"and {w.shape}"
        )
    if not np.isfinite(s).all():
        raise ArgumentError(f"{arg(name)} has a value that is not a finite number")
    counts = w > 0
    return (y, s, w) if counts.all() else (y[counts], s[counts], w[counts])


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities beside what came true, by bins of the probability that have examples.

    ``predicted`` (B,): the mean probability in a bin; ``observed`` (B,): the share of positive
    examples; ``weight`` (B,): the weight of its examples, of which there are ``rows`` (B,).
    ``error`` is the mean of
    ``|predicted - observed|`` over the examples (the expected calibration error).
    """

    predicted: Array
    observed: Array
    weight: Array
    rows: Array
    error: float


def calibration(
    truth: npt.ArrayLike,
    probability: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    bins: int = 10,
) -> Calibration:
    """Return how far probabilities (N,) can be taken at their word; bins are of equal width.

    A probability at the border of two bins belongs to the lower one.

    >>> found = calibration([0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=2)
    >>> found.predicted.tolist(), found.observed.tolist(), round(found.error, 2)
    ([0.2, 0.9], [0.5, 1.0], 0.2)

    Raises ArgumentError for what is no probability.
    """
    y, p, w = _checked("probability", truth, probability, weights)
    if len(p) and not 0 <= p.min() <= p.max() <= 1:
        raise ArgumentError(f"{arg('probability')} must lie between 0 and 1")
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    weight, total, true = (np.bincount(place, v, minlength=bins) for v in (w, w * p, w * y))
    there = weight > 0
    weight, rows = weight[there], np.bincount(place, minlength=bins)[there]
    predicted, observed = total[there] / weight, true[there] / weight
    if not len(weight):
        return Calibration(predicted, observed, weight, rows, math.nan)
    error = float(np.average(abs(predicted - observed), weights=weight))
    return Calibration(predicted, observed, weight, rows, error)


def brier_score(task: str, target: Array, output: Array, weights: Array | None = None) -> float:
    """Return the Brier score of probabilities: 0 is best.

    ``mean((p - y)^2)`` of the positive class of two, and of all labels; of more than two classes
    the mean over the examples of ``sum_k (p_k - y_k)^2``, where ``y_k`` is 1 for the true class and
    else 0. These are the conventions of scikit-learn's ``brier_score_loss``.

    Takes ``target`` (N,) class indices and ``output`` (N, K) probabilities, or both (N, K) of
    labels; ``weights`` (N,). nan without examples that count.

    >>> brier_score("multiclass", np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]))
    0.56
    >>> round(brier_score("binary", np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]])), 3)
    0.085

    Source: Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    p = np.asarray(output, np.float64)
    if not len(p) or not (weights is None or weights.any()):
        return math.nan
    if task == "multiclass":
        own = p[np.arange(len(p)), target]
        each = np.einsum("ij,ij->i", p, p) - 2 * own + 1  # no (N, K) array of zeros and ones
    elif task == "binary":
        each = (p[:, 1] - target) ** 2
    else:
        each = ((p - target) ** 2).mean(axis=1)
    return float(np.average(each, weights=weights))
